// SPDX-License-Identifier: GPL-2.0-only
/* Where the entry of an address is: by the linker's search table, or by an index of one's own. */
#include "user/stack/cfi.h"

#include <dwarf.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>

#include "user/base/cleanup.h"

/* The only encoding of tables that linkers write: 4 bytes, relative to the header. */
#define TABLE_ENCODING (DW_EH_PE_datarel | DW_EH_PE_sdata4)

#define HEADER_FIXED 4	/* version and three encodings */
#define HEADER_START 32 /* holds them and two pointers */

/* The table is searched where it is; its last stretch is read at once. */
#define STRETCH 64

ssize_t cfi_bytes(const struct cfi *cfi, uint64_t address, void *buffer, size_t size)
{
	return cfi->read(cfi->ctx, address, buffer, size);
}

static uint64_t pointer_base(const struct cfi_cursor *cursor, uint8_t encoding, bool *failed)
{
	switch (encoding & 0x70) {
	case DW_EH_PE_absptr:
		return 0;
	case DW_EH_PE_pcrel:
		return cursor->address;
	default:
		*failed = true;
		return 0;
	}
}

uint64_t cfi_pointer(struct cfi_cursor *cursor, uint8_t encoding)
{
	bool failed = encoding & DW_EH_PE_indirect;
	uint64_t base = pointer_base(cursor, encoding, &failed);

	cursor->failed |= failed;
	switch (encoding & 0x0f) {
	case DW_EH_PE_absptr:
	case DW_EH_PE_udata8:
	case DW_EH_PE_sdata8:
		return base + cursor_unsigned(cursor, 8);
	case DW_EH_PE_udata4:
		return base + cursor_unsigned(cursor, 4);
	case DW_EH_PE_sdata4:
		return base + cursor_signed(cursor, 4);
	case DW_EH_PE_udata2:
		return base + cursor_unsigned(cursor, 2);
	case DW_EH_PE_sdata2:
		return base + cursor_signed(cursor, 2);
	case DW_EH_PE_uleb128:
		return base + cursor_uleb(cursor);
	case DW_EH_PE_sleb128:
		return base + cursor_sleb(cursor);
	default:
		cursor->failed = true;
		return 0;
	}
}

/*
 * The linker's table. -ENOENT: there is none; *frames is then where .eh_frame
 * lies, if the header says it.
 */
static int table_open(struct cfi *cfi, const struct cfi_place *place, uint64_t *frames)
{
	uint8_t bytes[HEADER_START];
	ssize_t got = cfi_bytes(cfi, place->header, bytes, sizeof(bytes));
	struct cfi_cursor cursor = {.at = bytes, .address = place->header};
	uint64_t count, at;

	if (got < HEADER_FIXED)
		return got < 0 ? (int)got : -ENOENT;
	cursor.end = bytes + got;
	if (cursor_u8(&cursor) != 1)
		return -ENOENT;
	cursor_take(&cursor, HEADER_FIXED - 1);
	at = cfi_pointer(&cursor, bytes[1]);
	if (cursor.failed)
		return -ENOENT;
	*frames = at;
	if (bytes[3] != TABLE_ENCODING)
		return -ENOENT;
	count = cfi_pointer(&cursor, bytes[2]);
	at = cursor.address - place->header;
	if (cursor.failed || !count || at > place->header_size ||
	    count > (place->header_size - at) / sizeof(struct cfi_entry))
		return -ENOENT;
	cfi->base = place->header;
	cfi->table = cursor.address;
	cfi->count = count;
	return 0;
}

static int entry_compare(const void *a, const void *b)
{
	const struct cfi_entry *left = a, *right = b;

	return left->start < right->start ? -1 : left->start > right->start;
}

struct indexing {
	struct cfi *cfi;
	const uint8_t *bytes; /* of the section */
	uint64_t size;
	uint64_t address;
	uint64_t capacity;
	uint64_t cie; /* the last one met, and its encoding of addresses */
	int encoding;
};

static int index_add(struct indexing *indexing, int64_t start, int64_t fde)
{
	struct cfi *cfi = indexing->cfi;

	/* what is further than 2 GiB away does not belong to this file */
	if (start < INT32_MIN || start > INT32_MAX)
		return 0;
	if (cfi->count == indexing->capacity) {
		uint64_t capacity = indexing->capacity ? indexing->capacity * 2 : 256;
		struct cfi_entry *index = reallocarray(cfi->index, capacity, sizeof(*index));

		if (!index)
			return -ENOMEM;
		cfi->index = index;
		indexing->capacity = capacity;
	}
	cfi->index[cfi->count++] = (struct cfi_entry){.start = (int32_t)start, .fde = (int32_t)fde};
	return 0;
}

/* The encoding of addresses that the CIE at an offset asks for, or -EBADMSG. */
static int index_encoding(struct indexing *indexing, uint64_t offset)
{
	uint64_t address = indexing->address + offset;
	struct cfi_cie *cie = NULL;

	if (indexing->encoding < 0 || indexing->cie != address) {
		int rc = cfi_cie_get(indexing->cfi, address, &cie);

		if (rc && rc != -EBADMSG)
			return rc;
		indexing->cie = address;
		indexing->encoding = rc ? INT_MAX : cie->fde_encoding;
	}
	return indexing->encoding == INT_MAX ? -EBADMSG : indexing->encoding;
}

/* Takes the entry at an offset into the index. Those that make no sense are left out. */
static int index_entry(struct indexing *indexing, uint64_t offset, struct cfi_cursor *entry)
{
	uint64_t here = offset + sizeof(uint32_t), back = cursor_unsigned(entry, 4), start;
	int encoding;

	if (entry->failed || !back || back > here) /* 0: a CIE */
		return 0;
	encoding = index_encoding(indexing, here - back);
	if (encoding < 0)
		return encoding == -EBADMSG ? 0 : encoding;
	start = cfi_pointer(entry, (uint8_t)encoding);
	if (entry->failed)
		return 0;
	return index_add(indexing, (int64_t)(start - indexing->cfi->base), (int64_t)offset);
}

static int index_section(struct indexing *indexing)
{
	uint64_t offset = 0;
	int rc = 0;

	while (!rc && indexing->size - offset > sizeof(uint32_t)) {
		struct cfi_cursor entry = {
			.at = indexing->bytes + offset,
			.end = indexing->bytes + indexing->size,
			.address = indexing->address + offset,
		};
		uint64_t length = cursor_unsigned(&entry, 4);

		/* 0 ends the section; 64-bit lengths are for sections past 4 GiB */
		if (!length || length > cursor_left(&entry))
			break;
		entry.end = entry.at + length;
		rc = index_entry(indexing, offset, &entry);
		offset += sizeof(uint32_t) + length;
	}
	return rc;
}

/* Reads the whole section once, for want of a table. */
static int index_make(struct cfi *cfi, uint64_t address, uint64_t size)
{
	struct indexing indexing = {.cfi = cfi, .address = address, .encoding = -1};
	AUTO_FREE uint8_t *bytes = malloc(size);
	ssize_t got;
	int rc;

	if (!bytes)
		return -ENOMEM;
	got = cfi_bytes(cfi, address, bytes, size);
	if (got < 0)
		return (int)got;
	cfi->base = address;
	indexing.bytes = bytes;
	indexing.size = (uint64_t)got;
	rc = index_section(&indexing);
	if (rc)
		return rc;
	if (!cfi->count)
		return -ENOENT;
	qsort(cfi->index, cfi->count, sizeof(*cfi->index), entry_compare);
	cfi->bytes += indexing.capacity * sizeof(*cfi->index);
	return 0;
}

int cfi_index_open(struct cfi *cfi, const struct cfi_place *place)
{
	uint64_t frames = 0, size = place->frames_size;
	int rc;

	if (place->header_size) {
		rc = table_open(cfi, place, &frames);
		if (rc != -ENOENT)
			return rc;
	}
	if (size)
		frames = place->frames;
	if (!frames)
		return -ENOENT;
	/* without a section header its end is not known: its last entry says so */
	if (!size || size > CFI_INDEX_BYTES_MAX)
		size = CFI_INDEX_BYTES_MAX;
	return index_make(cfi, frames, size);
}

/* The last entry that does not start behind an offset. Tables out of order find what they find. */
static const struct cfi_entry *entry_before(const struct cfi_entry *entries, uint64_t count,
					    int64_t offset)
{
	uint64_t low = 0, high = count;

	while (low < high) {
		uint64_t middle = low + (high - low) / 2;

		if (entries[middle].start <= offset)
			low = middle + 1;
		else
			high = middle;
	}
	return low ? &entries[low - 1] : NULL;
}

static int table_read(const struct cfi *cfi, uint64_t at, struct cfi_entry *entries, uint64_t count)
{
	size_t size = count * sizeof(*entries);
	ssize_t got = cfi_bytes(cfi, cfi->table + at * sizeof(*entries), entries, size);

	if (got < 0)
		return (int)got;
	return (size_t)got == size ? 0 : -EIO;
}

/* Narrows the linker's table down to a stretch, by reading one entry after the other. */
static int table_find(const struct cfi *cfi, int64_t offset, struct cfi_entry *found)
{
	struct cfi_entry stretch[STRETCH];
	const struct cfi_entry *entry;
	uint64_t low = 0, high = cfi->count;
	int rc;

	while (high - low > STRETCH) {
		uint64_t middle = low + (high - low) / 2;

		rc = table_read(cfi, middle, stretch, 1);
		if (rc)
			return rc;
		if (stretch[0].start <= offset)
			low = middle;
		else
			high = middle;
	}
	rc = table_read(cfi, low, stretch, high - low);
	if (rc)
		return rc;
	entry = entry_before(stretch, high - low, offset);
	if (!entry)
		return -ENOENT;
	*found = *entry;
	return 0;
}

int cfi_find(const struct cfi *cfi, uint64_t address, uint64_t *entry)
{
	int64_t offset = (int64_t)(address - cfi->base);
	struct cfi_entry found;

	if (cfi->index) {
		const struct cfi_entry *before = entry_before(cfi->index, cfi->count, offset);

		if (!before)
			return -ENOENT;
		found = *before;
	} else {
		int rc = table_find(cfi, offset, &found);

		if (rc)
			return rc;
	}
	*entry = cfi->base + (uint64_t)(int64_t)found.fde;
	return 0;
}
