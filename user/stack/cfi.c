// SPDX-License-Identifier: GPL-2.0-only
#include "user/stack/cfi.h"

#include <dwarf.h>
#include <errno.h>
#include <stdlib.h>

#include "user/base/cleanup.h"

#define ENTRY_USUAL 512 /* most entries are far smaller */

/* An entry's bytes, read whole; the cursor is behind its length. */
struct entry {
	uint8_t usual[ENTRY_USUAL];
	uint8_t *long_one; /* owned; NULL: it fits usual */
	struct cfi_cursor cursor;
};

#define AUTO_ENTRY __attribute__((cleanup(entry_free)))

static void entry_free(struct entry *entry)
{
	free(entry->long_one);
}

/* Reads the rest of an entry whose length is known: -EIO if it is not there. */
static int entry_read_long(const struct cfi *cfi, uint64_t address, size_t size,
			   struct entry *entry)
{
	ssize_t got;

	entry->long_one = malloc(size);
	if (!entry->long_one)
		return -ENOMEM;
	got = cfi_bytes(cfi, address, entry->long_one, size);
	if (got < 0)
		return (int)got;
	return (size_t)got == size ? 0 : -EBADMSG;
}

static int entry_read(const struct cfi *cfi, uint64_t address, struct entry *entry)
{
	ssize_t got = cfi_bytes(cfi, address, entry->usual, sizeof(entry->usual));
	const uint8_t *bytes = entry->usual;
	uint64_t length;
	int rc;

	if (got < 0)
		return (int)got;
	entry->cursor = (struct cfi_cursor){.at = bytes, .end = bytes + got, .address = address};
	length = cursor_unsigned(&entry->cursor, 4);
	if (entry->cursor.failed || !length || length > CFI_ENTRY_MAX)
		return -EBADMSG;
	if (length > cursor_left(&entry->cursor)) {
		if ((size_t)got < sizeof(entry->usual)) /* there is no more to read */
			return -EBADMSG;
		rc = entry_read_long(cfi, address, sizeof(uint32_t) + length, entry);
		if (rc)
			return rc;
		entry->cursor.at = entry->long_one + sizeof(uint32_t);
	}
	entry->cursor.end = entry->cursor.at + length;
	return 0;
}

/*
 * The augmentation: letters that say what its data are, in order. Where one is
 * not known the rest is skipped by the size that "z" gives.
 */
static void cie_augmentation(struct cfi_cie *cie, const char *letters, struct cfi_cursor *cursor)
{
	struct cfi_cursor data = *cursor;
	uint64_t size;

	if (*letters != 'z') {
		cursor->failed |= *letters != '\0'; /* its size is not known */
		return;
	}
	cie->sized = true;
	size = cursor_uleb(cursor);
	data = *cursor;
	if (!cursor_take(cursor, size))
		return;
	data.end = data.at + size;
	while (*++letters && !data.failed)
		switch (*letters) {
		case 'R':
			cie->fde_encoding = cursor_u8(&data);
			break;
		case 'L':
			cursor_u8(&data);
			break;
		case 'P':
			/* where the personality routine lies does not matter, its size does */
			cfi_pointer(&data, cursor_u8(&data) & 0x0f);
			break;
		case 'S':
			cie->signal_frame = true;
			break;
		default: /* B: signed with the other key; G: memory tagging */
			break;
		}
	cursor->failed |= data.failed;
}

static int cie_parse(struct cfi_cie *cie, struct cfi_cursor *cursor)
{
	struct cfi_cursor initial;
	const char *letters;
	uint8_t version;

	if (cursor_unsigned(cursor, 4) != 0 || cursor->failed)
		return -EBADMSG;
	version = cursor_u8(cursor);
	if (version != 1 && version != 3 && version != 4)
		return -EBADMSG;
	letters = cursor_string(cursor);
	if (!letters)
		return -EBADMSG;
	/* sizes of addresses and of segment selectors */
	if (version == 4 && cursor_unsigned(cursor, 2) != sizeof(uint64_t))
		return -EBADMSG;
	cie->code_factor = cursor_uleb(cursor);
	cie->data_factor = cursor_sleb(cursor);
	cie->return_reg = version == 1 ? cursor_u8(cursor) : cursor_uleb(cursor);
	cie->fde_encoding = DW_EH_PE_absptr;
	cie_augmentation(cie, letters, cursor);
	if (cursor->failed || cie->return_reg >= UNWIND_RULES_MAX)
		return -EBADMSG;
	initial = *cursor;
	return cfi_run(cie, NULL, &initial, 0, UINT64_MAX, &cie->initial);
}

static int cie_read(const struct cfi *cfi, uint64_t address, struct cfi_cie **made)
{
	AUTO_ENTRY struct entry entry = {.long_one = NULL};
	AUTO_FREE struct cfi_cie *cie = NULL;
	struct cfi_cursor cursor;
	size_t size;
	int rc = entry_read(cfi, address, &entry);

	if (rc)
		return rc;
	cursor = entry.cursor;
	size = cursor_left(&cursor);
	cie = calloc(1, sizeof(*cie) + size);
	if (!cie)
		return -ENOMEM;
	/* its expressions are used as long as it is kept */
	memcpy(cie->bytes, cursor.at, size);
	cie->size = size;
	cie->address = address;
	cie->machine = cfi->arch->machine;
	cursor.at = cie->bytes;
	cursor.end = cie->bytes + size;
	rc = cie_parse(cie, &cursor);
	if (!rc)
		*made = TAKE_PTR(cie);
	return rc;
}

int cfi_cie_get(struct cfi *cfi, uint64_t address, struct cfi_cie **cie)
{
	struct cfi_cie **slot = &cfi->cies[(address >> 3) % CFI_CIES], *made;
	int rc;

	if (!*slot || (*slot)->address != address) {
		rc = cie_read(cfi, address, &made);
		if (rc)
			return rc;
		if (*slot)
			cfi->bytes -= sizeof(**slot) + (*slot)->size;
		free(*slot);
		*slot = made;
		cfi->bytes += sizeof(*made) + made->size;
	}
	*cie = *slot;
	return 0;
}

int cfi_open(struct cfi *cfi, cfi_reader read, void *ctx, const struct unwind_arch *arch,
	     const struct cfi_place *place)
{
	int rc;

	*cfi = (struct cfi){.read = read, .ctx = ctx, .arch = arch};
	rc = cfi_index_open(cfi, place);
	if (rc)
		cfi_close(cfi);
	return rc;
}

void cfi_close(struct cfi *cfi)
{
	for (size_t i = 0; i < CFI_CIES; i++)
		free(cfi->cies[i]);
	free(cfi->index);
	memset(cfi, 0, sizeof(*cfi));
}

/* What the entry at hand covers: -ENOENT if that is not the address. */
static int entry_covers(const struct cfi_cie *cie, struct cfi_cursor *cursor, uint64_t address,
			uint64_t *start)
{
	uint64_t size;

	*start = cfi_pointer(cursor, cie->fde_encoding);
	size = cfi_pointer(cursor, cie->fde_encoding & 0x0f);
	if (cie->sized)
		cursor_take(cursor, cursor_uleb(cursor));
	if (cursor->failed)
		return -EBADMSG;
	return address - *start < size ? 0 : -ENOENT; /* below the start it wraps */
}

int cfi_row(struct cfi *cfi, uint64_t address, struct unwind_row **row)
{
	AUTO_ENTRY struct entry entry = {.long_one = NULL};
	struct cfi_state state;
	struct cfi_cie *cie;
	uint64_t at = 0, here, back, start;
	int rc = cfi->count ? cfi_find(cfi, address, &at) : -ENOENT;

	if (rc)
		return rc;
	rc = entry_read(cfi, at, &entry);
	if (rc)
		return rc;
	here = entry.cursor.address;
	back = cursor_unsigned(&entry.cursor, 4);
	if (entry.cursor.failed || !back)
		return -EBADMSG;
	rc = cfi_cie_get(cfi, here - back, &cie);
	if (!rc)
		rc = entry_covers(cie, &entry.cursor, address, &start);
	if (rc)
		return rc;
	state = cie->initial;
	rc = cfi_run(cie, &cie->initial, &entry.cursor, start, address, &state);
	return rc ? rc : cfi_row_make(cie, cfi->arch, &state, row);
}
