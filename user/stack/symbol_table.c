// SPDX-License-Identifier: GPL-2.0-only
#include "user/stack/symbol_table.h"

#include <errno.h>
#include <lzma.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/cleanup.h"

/* Symbols read at a time. */
#define CHUNK 1024

/* Past it a symbol table is somebody's joke. */
#define SYMTAB_MAX_BYTES ((uint64_t)1 << 30)

/* Of .gnu_debugdata: distributions' are below 1 MiB, unpacked 10. */
#define PACKED_MAX ((size_t)16 << 20)
#define UNPACKED_MAX ((size_t)64 << 20)
#define UNPACK_MEMORY ((uint64_t)128 << 20)

/* Names compared for one address, and how much of each. */
#define ALIASES_MAX 32
#define ALIAS_BYTES 256

/* Of spans: a size that is only guessed gives way to one that is known. */
enum { RANK_GUESSED, RANK_SIZED };

/* span.tag: where the name is, and what it takes to choose among aliases. */
#define TAG_NAME(tag) ((uint32_t)(tag))
#define TAG_SOURCE(tag) ((size_t)((tag) >> 32 & 0xff))
#define TAG_CLASS(tag) ((tag) >> 40) /* lower is better */

static uint64_t tag_of(const Elf64_Sym *symbol, size_t source)
{
	uint64_t class = (ELF64_ST_BIND(symbol->st_info) == STB_LOCAL) * 2 +
			 (ELF64_ST_TYPE(symbol->st_info) == STT_NOTYPE);

	return symbol->st_name | (uint64_t)source << 32 | class << 40;
}

static bool is_function(const Elf64_Sym *symbol, uint16_t machine)
{
	unsigned int type = ELF64_ST_TYPE(symbol->st_info);

	/* $x and $d: where code and data begin (AAELF64, Mapping symbols) */
	if (machine == EM_AARCH64 && type == STT_NOTYPE && !symbol->st_size &&
	    ELF64_ST_BIND(symbol->st_info) == STB_LOCAL)
		return false;
	return symbol->st_name && symbol->st_shndx != SHN_UNDEF &&
	       (type == STT_FUNC || type == STT_GNU_IFUNC || type == STT_NOTYPE);
}

static int add_symbol(struct symbol_table *table, const struct elf_file *file,
		      const Elf64_Sym *symbol, size_t source)
{
	struct span span = {.start = symbol->st_value, .tag = tag_of(symbol, source)};
	const Elf64_Shdr *section;
	uint64_t room;

	if (!is_function(symbol, file->header.e_machine) || symbol->st_shndx >= file->section_count)
		return 0;
	section = &file->sections[symbol->st_shndx];
	if (!(section->sh_flags & SHF_EXECINSTR) || span.start < section->sh_addr ||
	    span.start - section->sh_addr >= section->sh_size)
		return 0;
	room = section->sh_size - (span.start - section->sh_addr);
	if (symbol->st_size && symbol->st_size < room)
		room = symbol->st_size;
	span.size = room < UINT32_MAX ? (uint32_t)room : UINT32_MAX;
	span.rank = symbol->st_size ? RANK_SIZED : RANK_GUESSED;
	if (table->functions.count == SYMBOL_TABLE_MAX)
		return -EFBIG;
	return spans_add(&table->functions, &span);
}

static int add_section(struct symbol_table *table, const struct elf_file *file,
		       const Elf64_Shdr *section)
{
	AUTO_FREE Elf64_Sym *chunk = malloc(CHUNK * sizeof(*chunk));
	uint64_t left = section->sh_size / sizeof(*chunk), offset = section->sh_offset;
	size_t source = table->source_count;
	const Elf64_Shdr *strings;

	if (section->sh_entsize != sizeof(*chunk) || section->sh_link >= file->section_count)
		return -ENOENT;
	if (section->sh_size > SYMTAB_MAX_BYTES)
		return -EFBIG;
	strings = &file->sections[section->sh_link];
	if (!chunk || source == SYMBOL_TABLE_SOURCES)
		return -ENOMEM;
	table->names[table->source_count++] = (struct symbol_names){
		.bytes = file->bytes, .offset = strings->sh_offset, .size = strings->sh_size};
	while (left) {
		size_t count = left < CHUNK ? left : CHUNK;

		if (!elf_bytes_read(&file->bytes, offset, chunk, count * sizeof(*chunk)))
			return -EIO;
		for (size_t i = 0; i < count; i++) {
			int rc = add_symbol(table, file, &chunk[i], source);

			if (rc)
				return rc;
		}
		offset += count * sizeof(*chunk);
		left -= count;
	}
	return 0;
}

int symbol_table_add(struct symbol_table *table, const struct elf_file *file)
{
	const Elf64_Shdr *section = elf_file_section_of(file, SHT_SYMTAB);

	return section ? add_section(table, file, section) : -ENOENT;
}

static int unpack_grow(uint8_t **data, size_t *size)
{
	size_t more = *size ? *size * 2 : 1 << 20;
	uint8_t *grown = more <= UNPACKED_MAX ? realloc(*data, more) : NULL;

	if (!grown)
		return -ENOMEM;
	*data = grown;
	*size = more;
	return 0;
}

/* Unpacks xz data, whose promised sizes are not believed. */
static int unpack(const uint8_t *packed, size_t packed_size, uint8_t **data, size_t *size)
{
	lzma_stream stream = LZMA_STREAM_INIT;
	AUTO_FREE uint8_t *out = NULL;
	size_t room = 0;
	lzma_ret ret;

	if (lzma_stream_decoder(&stream, UNPACK_MEMORY, 0) != LZMA_OK)
		return -ENOMEM;
	stream.next_in = packed;
	stream.avail_in = packed_size;
	do {
		if (!stream.avail_out) {
			size_t done = room;

			if (unpack_grow(&out, &room))
				break;
			stream.next_out = out + done;
			stream.avail_out = room - done;
		}
		ret = lzma_code(&stream, LZMA_FINISH);
	} while (ret == LZMA_OK);
	*size = room - stream.avail_out;
	lzma_end(&stream);
	if (!out || ret != LZMA_STREAM_END)
		return -EBADMSG;
	*data = TAKE_PTR(out);
	return 0;
}

/* Adds the symbols of an unpacked .gnu_debugdata, of which the table then needs the names only. */
static int add_unpacked(struct symbol_table *table, const uint8_t *image, size_t size)
{
	const struct elf_bytes bytes = {.fd = -1, .image = image, .size = size};
	size_t source = table->source_count;
	struct symbol_names *names = &table->names[source];
	struct elf_file file;
	int rc = elf_file_open(&bytes, &file);

	if (rc)
		return rc;
	rc = symbol_table_add(table, &file);
	if (table->source_count > source) {
		if (names->offset > size || names->size > size - names->offset)
			names->size = 0;
		names->owned = malloc(names->size + 1);
		if (names->owned)
			memcpy(names->owned, image + names->offset, names->size);
		else
			names->size = 0;
		names->bytes =
			(struct elf_bytes){.fd = -1, .image = names->owned, .size = names->size};
		names->offset = 0;
	}
	elf_file_close(&file);
	return rc;
}

static int add_debugdata(struct symbol_table *table, const struct elf_file *file)
{
	const Elf64_Shdr *section = elf_file_section(file, ".gnu_debugdata");
	AUTO_FREE uint8_t *packed = section ? elf_file_copy(file, section, PACKED_MAX) : NULL;
	AUTO_FREE uint8_t *image = NULL;
	size_t size;
	int rc;

	if (!packed)
		return -ENOENT;
	rc = unpack(packed, section->sh_size, &image, &size);
	return rc ? rc : add_unpacked(table, image, size);
}

int symbol_table_add_dynamic(struct symbol_table *table, const struct elf_file *file)
{
	const Elf64_Shdr *section = elf_file_section_of(file, SHT_DYNSYM);
	int debugdata = add_debugdata(table, file);
	int rc = section ? add_section(table, file, section) : -ENOENT;

	return debugdata ? rc : 0;
}

/* ---- names ---- */

/* Copies a name, cut to fit. Its version is not part of it: "memcpy@@GLIBC_2.14". */
static void read_name(const struct symbol_table *table, uint64_t tag, char *name, size_t size)
{
	const struct symbol_names *names = &table->names[TAG_SOURCE(tag)];
	uint64_t at = TAG_NAME(tag);
	size_t room, chunk, end = 0;

	name[0] = '\0';
	if (at >= names->size || names->offset > UINT64_MAX - names->size)
		return;
	room = names->size - at < size - 1 ? names->size - at : size - 1;
	/* most names are short */
	for (chunk = room < 64 ? room : 64; end < room; chunk = room - end) {
		size_t length;

		if (!elf_bytes_read(&names->bytes, names->offset + at + end, name + end, chunk))
			break;
		length = strnlen(name + end, chunk);
		end += length;
		if (length < chunk)
			break;
	}
	name[end] = '\0';
	if (name[0])
		name[1 + strcspn(name + 1, "@")] = '\0';
}

/* An assembler's local labels are not for people. */
static bool is_no_name(const char *name)
{
	return !name[0] || (name[0] == '.' && name[1] == 'L');
}

static size_t underscores(const char *name)
{
	return strspn(name, "_");
}

/* Of two names for the same code, is this the one that people use? */
static bool is_better(const char *name, const char *than)
{
	if (is_no_name(name) || is_no_name(than))
		return is_no_name(than) && !is_no_name(name);
	if (underscores(name) != underscores(than))
		return underscores(name) < underscores(than);
	if (strlen(name) != strlen(than))
		return strlen(name) < strlen(than);
	return strcmp(name, than) < 0;
}

bool symbol_table_name(const struct symbol_table *table, uint64_t address,
		       char name[SYMBOL_NAME_MAX])
{
	const struct span *found = spans_find(&table->functions, address);

	if (!found)
		return false;
	read_name(table, found->tag, name, SYMBOL_NAME_MAX);
	return !is_no_name(name);
}

bool symbol_table_any(const struct symbol_table *table, bool (*is)(void *ctx, const char *name),
		      void *ctx)
{
	char name[ALIAS_BYTES];

	for (size_t i = 0; i < table->functions.count; i++) {
		read_name(table, table->functions.items[i].tag, name, sizeof(name));
		if (is(ctx, name))
			return true;
	}
	return false;
}

/* ---- the sorted table ---- */

/* Aliases together, the better class first; those of guessed size after all others. */
static int compare_aliases(const void *left, const void *right)
{
	const struct span *a = left, *b = right;

	if (a->start != b->start)
		return a->start < b->start ? -1 : 1;
	if (a->rank != b->rank)
		return a->rank > b->rank ? -1 : 1;
	if (a->size != b->size)
		return a->size < b->size ? -1 : 1;
	return a->tag < b->tag ? -1 : a->tag > b->tag; /* class, source, name */
}

static bool are_aliases(const struct span *a, const struct span *b)
{
	return a->start == b->start && a->size == b->size && a->rank == b->rank;
}

/* The best of [first, first + count), which are aliases, the better class first. */
static const struct span *choose(const struct symbol_table *table, const struct span *first,
				 size_t count)
{
	char best_name[ALIAS_BYTES], name[ALIAS_BYTES];
	const struct span *best = first;

	if (count == 1)
		return first;
	read_name(table, best->tag, best_name, sizeof(best_name));
	for (size_t i = 1; i < count && i < ALIASES_MAX; i++) {
		if (TAG_CLASS(first[i].tag) != TAG_CLASS(best->tag) && !is_no_name(best_name))
			break;
		read_name(table, first[i].tag, name, sizeof(name));
		if (!is_better(name, best_name))
			continue;
		best = &first[i];
		memcpy(best_name, name, sizeof(name));
	}
	return best;
}

/* Leaves one of each group of aliases. */
static void drop_aliases(struct symbol_table *table)
{
	struct span *items = table->functions.items;
	size_t kept = 0, count;

	for (size_t i = 0; i < table->functions.count; i += count) {
		for (count = 1; i + count < table->functions.count &&
				are_aliases(&items[i], &items[i + count]);)
			count++;
		items[kept++] = *choose(table, &items[i], count);
	}
	table->functions.count = kept;
}

/* A function without a size reaches to the next one. */
static void bound_guesses(struct spans *functions)
{
	uint64_t next = UINT64_MAX, start = UINT64_MAX;

	for (size_t i = functions->count; i-- > 0;) {
		struct span *span = &functions->items[i];

		if (span->start != start)
			next = start;
		start = span->start;
		if (span->rank == RANK_GUESSED && next - start < span->size)
			span->size = (uint32_t)(next - start);
	}
}

int symbol_table_settle(struct symbol_table *table)
{
	struct spans *functions = &table->functions;
	int rc;

	if (!functions->count)
		return -ENOENT;
	qsort(functions->items, functions->count, sizeof(*functions->items), compare_aliases);
	drop_aliases(table);
	bound_guesses(functions);
	rc = spans_settle(functions);
	spans_trim(functions);
	return rc;
}

uint64_t symbol_table_memory(const struct symbol_table *table)
{
	uint64_t bytes = table->functions.capacity * sizeof(*table->functions.items);

	for (size_t i = 0; i < table->source_count; i++)
		if (table->names[i].owned)
			bytes += table->names[i].size;
	return bytes;
}

void symbol_table_free(struct symbol_table *table)
{
	spans_free(&table->functions);
	for (size_t i = 0; i < table->source_count; i++)
		free(table->names[i].owned);
	memset(table, 0, sizeof(*table));
}
