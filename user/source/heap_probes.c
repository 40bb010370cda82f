// SPDX-License-Identifier: GPL-2.0-only
#include "user/source/heap_probes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/cleanup.h"
#include "user/base/elf_file.h"
#include "user/source/probe_point.h"
#include "user/source/probes.h"

/* Where a function goes on: jemalloc's realloc has 30 such places. */
#define EXITS_MAX 128

#define RELOCATIONS_MAX ((size_t)4 << 20)

/* Of a function whose end is not known. */
#define CODE_UNKNOWN 256

#define PROGRAM_HEADERS_MAX 256

struct entry {
	const struct heap_function *function;
	uint64_t address;
	uint64_t size;
	bool forwards; /* it does no more than call another: that one is probed */
	bool calls;    /* it may call another */
};

struct search {
	const struct elf_file *file;
	struct entry entries[HEAP_FUNCTIONS_MAX];
	size_t count;
	enum event_allocator owner;
	bool has_malloc;
	bool is_glibc; /* if it is nobody else's: others define its inner names, too */
	uint8_t *code; /* of one function, PROBE_CODE_MAX */
};

/* ---- which functions ---- */

static struct entry *entry_at(struct search *search, uint64_t address)
{
	for (size_t i = 0; i < search->count; i++)
		if (search->entries[i].address == address)
			return &search->entries[i];
	return NULL;
}

static void entry_found(void *ctx, const char *name, uint64_t address, uint64_t size)
{
	struct search *search = ctx;
	const struct heap_function *function = heap_function_find(name);
	enum event_allocator owner = heap_function_owner(name);

	if (!strcmp(name, "__libc_malloc"))
		search->is_glibc = true;
	if (!function)
		return;
	if (owner != ALLOCATOR_UNKNOWN)
		search->owner = owner;
	if (strstr(name, "malloc") && function->kind == HEAP_KIND_ALLOC)
		search->has_malloc = true;
	/* several names of one function do the same, whichever is met first */
	if (entry_at(search, address) || search->count == HEAP_FUNCTIONS_MAX)
		return;
	search->entries[search->count++] =
		(struct entry){.function = function, .address = address, .size = size};
}

/* The C++ library's operators call malloc, and throw through their callers. */
static void drop_operators(struct search *search)
{
	size_t kept = 0;

	for (size_t i = 0; i < search->count; i++)
		if (search->owner != ALLOCATOR_UNKNOWN ||
		    !(search->entries[i].function->flags & HEAP_FUNCTION_OPERATOR))
			search->entries[kept++] = search->entries[i];
	search->count = kept;
}

static int find_functions(struct search *search, bool program)
{
	int exported = probes_list_functions(search->file, SHT_DYNSYM, entry_found, search);
	int all = program ? probes_list_functions(search->file, SHT_SYMTAB, entry_found, search)
			  : -ENOENT;

	drop_operators(search);
	if (search->has_malloc)
		return 0;
	return exported == -EBADMSG || all == -EBADMSG ? -EBADMSG : -ENOENT;
}

/* ---- what calls what ---- */

/* What a word that the loader fills in is filled with, if the file has that itself. */
static uint64_t relocated(const struct elf_file *file, const Elf64_Shdr *section, uint64_t slot)
{
	AUTO_FREE Elf64_Rela *rows = elf_file_copy(file, section, RELOCATIONS_MAX);
	const Elf64_Shdr *symbols = elf_file_section_of(file, SHT_DYNSYM);
	size_t count = rows ? section->sh_size / sizeof(*rows) : 0;
	Elf64_Sym symbol;

	for (size_t i = 0; symbols && i < count; i++) {
		uint64_t number = ELF64_R_SYM(rows[i].r_info);

		if (rows[i].r_offset != slot || number >= symbols->sh_size / sizeof(symbol))
			continue;
		if (elf_bytes_read(&file->bytes, symbols->sh_offset + number * sizeof(symbol),
				   &symbol, sizeof(symbol)))
			return symbol.st_shndx == SHN_UNDEF ? 0 : symbol.st_value;
	}
	return 0;
}

/* Code of the file from an address on. Returns its bytes, 0: none. */
static size_t read_code(const struct elf_file *file, uint64_t address, size_t size, uint8_t *code)
{
	uint64_t offset;

	if (elf_file_code_offset(file, address, &offset))
		return 0;
	if (size > file->bytes.size - offset)
		size = (size_t)(file->bytes.size - offset);
	return elf_bytes_read(&file->bytes, offset, code, size) ? size : 0;
}

/* Where a jump leads in the end: through a stub to another function, maybe of the same file. */
static uint64_t exit_address(const struct elf_file *file, uint64_t target)
{
	static const char *const names[] = {".rela.plt", ".rela.dyn"};
	uint8_t bytes[16];
	struct probe_code code = {.machine = file->header.e_machine, .bytes = bytes};
	int64_t slot;

	code.size = read_code(file, target, sizeof(bytes), bytes);
	if (!code.size || !probe_stub_slot(&code, &slot))
		return target;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		const Elf64_Shdr *section = elf_file_section(file, names[i]);
		uint64_t address = section ? relocated(file, section, target + (uint64_t)slot) : 0;

		if (address)
			return address;
	}
	return target;
}

static struct probe_code entry_code(struct search *search, const struct entry *entry)
{
	size_t size = entry->size ? entry->size : CODE_UNKNOWN;

	if (size > PROBE_CODE_MAX)
		size = PROBE_CODE_MAX;
	return (struct probe_code){
		.machine = search->file->header.e_machine,
		.bytes = search->code,
		.size = read_code(search->file, entry->address, size, search->code),
	};
}

static void find_calls(struct search *search, struct entry *entry)
{
	struct probe_code code = entry_code(search, entry);
	struct probe_exit exits[EXITS_MAX];
	size_t count = code.size ? probe_exits_find(&code, exits, EXITS_MAX) : 0;

	for (size_t i = 0; i < count; i++) {
		uint64_t target = entry->address + (uint64_t)exits[i].target;

		if (!entry_at(search, exit_address(search->file, target)))
			continue;
		entry->calls = true;
		entry->forwards |= exits[i].always;
	}
}

/* ---- where they are probed ---- */

static uint64_t cookie_of(const struct heap_function *function, const struct probe_point *point)
{
	uint64_t cookie = function->kind;

	if (function->flags & HEAP_FUNCTION_THROWS)
		cookie |= HEAP_COOKIE_THROWS;

	for (unsigned int i = 0; i < HEAP_ARGUMENT_TOTAL; i++) {
		int argument = function->arguments[i];
		uint64_t place = argument < 0 ? HEAP_NOWHERE : point->places[argument];

		cookie |= place << 8 * (i + 1);
	}
	return cookie;
}

static uint32_t wanted_arguments(const struct heap_function *function)
{
	uint32_t wanted = 0;

	for (unsigned int i = 0; i < HEAP_ARGUMENT_TOTAL; i++)
		if (function->arguments[i] >= 0)
			wanted |= 1U << function->arguments[i];
	return wanted;
}

static int probe_add(struct heap_probes *probes, const struct probe_code *code, uint64_t offset,
		     const struct entry *entry)
{
	struct probe_point point;
	int rc;

	if (probes->count == HEAP_FUNCTIONS_MAX)
		return -E2BIG;
	rc = probe_point_find(code, wanted_arguments(entry->function), probes->first_bytes, &point);
	if (rc)
		return rc;
	probes->probes[probes->count++] = (struct heap_probe){
		.function = entry->function,
		.entry = offset,
		.offset = offset + point.offset,
		.cookie = cookie_of(entry->function, &point),
		.returns = entry->function->kind != HEAP_KIND_FREE || entry->calls,
		.dear = point.dear,
	};
	probes->dear += point.dear;
	return 0;
}

static int add_entries(struct search *search, struct heap_probes *probes)
{
	for (size_t i = 0; i < search->count; i++) {
		const struct entry *entry = &search->entries[i];
		struct probe_code code = entry_code(search, entry);
		bool throws = entry->function->flags & HEAP_FUNCTION_THROWS;
		uint64_t offset;
		int rc;

		if (throws && probes->no_throwing)
			probes->left_out++;
		if (entry->forwards || !code.size || (throws && probes->no_throwing) ||
		    elf_file_code_offset(search->file, entry->address, &offset))
			continue;
		rc = probe_add(probes, &code, offset, entry);
		if (rc)
			return rc;
	}
	return probes->count ? 0 : -ENOENT;
}

int heap_probes_find(int fd, bool program, struct heap_probes *probes)
{
	AUTO_ELF struct elf_file file = {0};
	AUTO_FREE uint8_t *code = malloc(PROBE_CODE_MAX);
	AUTO_FREE struct search *search = calloc(1, sizeof(*search));
	struct heap_probes found = {.first_bytes = probes->first_bytes,
				    .no_throwing = probes->no_throwing};
	int rc;

	if (!code || !search)
		return -ENOMEM;
	rc = probes_open(fd, &file);
	if (rc)
		return rc;
	search->file = &file;
	search->code = code;
	rc = find_functions(search, program);
	if (rc)
		return rc;
	for (size_t i = 0; i < search->count; i++)
		find_calls(search, &search->entries[i]);
	found.allocator = search->owner;
	if (!found.allocator && search->is_glibc)
		found.allocator = ALLOCATOR_GLIBC;
	rc = add_entries(search, &found);
	if (!rc)
		*probes = found;
	return rc;
}

/* ---- at given offsets ---- */

struct segments {
	Elf64_Phdr list[PROGRAM_HEADERS_MAX];
	size_t count;
};

static bool segments_read(const struct elf_file *file, struct segments *segments)
{
	segments->count = file->header.e_phnum;
	return file->header.e_phentsize == sizeof(*segments->list) &&
	       segments->count <= PROGRAM_HEADERS_MAX &&
	       elf_bytes_read(&file->bytes, file->header.e_phoff, segments->list,
			      segments->count * sizeof(*segments->list));
}

/* The address of code at an offset of the file; false: that is no code. */
static bool code_address(const struct segments *segments, uint64_t offset, uint64_t *address)
{
	for (size_t i = 0; i < segments->count; i++) {
		const Elf64_Phdr *segment = &segments->list[i];

		if (segment->p_type != PT_LOAD || !(segment->p_flags & PF_X) ||
		    offset < segment->p_offset || offset - segment->p_offset >= segment->p_filesz)
			continue;
		*address = segment->p_vaddr + (offset - segment->p_offset);
		return true;
	}
	return false;
}

/* LSB Core, 10.6.2: the head of .eh_frame_hdr as all linkers write it. */
struct frame_index {
	uint8_t version;
	uint8_t pointer_encoding; /* DW_EH_PE_pcrel | DW_EH_PE_sdata4 */
	uint8_t count_encoding;	  /* DW_EH_PE_udata4 */
	uint8_t table_encoding;	  /* DW_EH_PE_datarel | DW_EH_PE_sdata4 */
	int32_t pointer;
	uint32_t count;
};

/* The row of an index for that address; what cannot be read is not said to lack it. */
static bool index_has(const struct elf_file *file, const Elf64_Phdr *segment, uint32_t count,
		      uint64_t address)
{
	uint64_t low = 0, high = count;

	while (low < high) {
		uint64_t middle = low + (high - low) / 2, at;
		int32_t row[2]; /* the first address of code, its description */

		if (!elf_bytes_read(&file->bytes,
				    segment->p_offset + sizeof(struct frame_index) +
					    middle * sizeof(row),
				    row, sizeof(row)))
			return true;
		at = segment->p_vaddr + (uint64_t)(int64_t)row[0];
		if (at == address)
			return true;
		if (at < address)
			low = middle + 1;
		else
			high = middle;
	}
	return false;
}

/*
 * Does a function begin there? By the unwind information, which is in stripped files, too: a probe
 * amid an instruction breaks the program. Where there is none of the usual kind, it is taken for
 * granted.
 */
static bool is_function(const struct elf_file *file, const struct segments *segments,
			uint64_t address)
{
	const Elf64_Phdr *segment = segments->list, *end = segment + segments->count;
	struct frame_index index;

	while (segment < end && segment->p_type != PT_GNU_EH_FRAME)
		segment++;
	if (segment == end ||
	    !elf_bytes_read(&file->bytes, segment->p_offset, &index, sizeof(index)) ||
	    index.version != 1 || index.pointer_encoding != 0x1b || index.count_encoding != 0x03 ||
	    index.table_encoding != 0x3b)
		return true;
	return index_has(file, segment, index.count, address);
}

int heap_probes_given(int fd, const struct heap_spec *const *specs, size_t count,
		      struct heap_probes *probes)
{
	AUTO_ELF struct elf_file file = {0};
	struct heap_probes found = {.first_bytes = probes->first_bytes,
				    .no_throwing = probes->no_throwing};
	AUTO_FREE struct segments *segments = calloc(1, sizeof(*segments));
	uint8_t bytes[CODE_UNKNOWN];
	int rc = segments ? probes_open(fd, &file) : -ENOMEM;

	if (!rc && !segments_read(&file, segments))
		rc = -EBADMSG;
	for (size_t i = 0; i < count && !rc; i++) {
		uint64_t address;

		const struct entry entry = {.function = specs[i]->function, .calls = true};
		struct probe_code code = {file.header.e_machine, bytes, sizeof(bytes)};

		if (!code_address(segments, specs[i]->offset, &address))
			return -EFAULT;
		if (!is_function(&file, segments, address))
			return -EILSEQ;
		if (code.size > file.bytes.size - specs[i]->offset)
			code.size = (size_t)(file.bytes.size - specs[i]->offset);
		if (!elf_bytes_read(&file.bytes, specs[i]->offset, bytes, code.size))
			return -EIO;
		rc = probe_add(&found, &code, specs[i]->offset, &entry);
	}
	if (!rc)
		*probes = found;
	return rc;
}

bool heap_program_is_static(int fd)
{
	AUTO_ELF struct elf_file file = {0};
	struct segments segments;

	if (probes_open(fd, &file) || !segments_read(&file, &segments))
		return false;
	for (size_t i = 0; i < segments.count; i++)
		if (segments.list[i].p_type == PT_INTERP)
			return false;
	return true;
}
