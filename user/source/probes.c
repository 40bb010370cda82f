// SPDX-License-Identifier: GPL-2.0-only
#include "user/source/probes.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "user/base/cleanup.h"
#include "user/base/elf_file.h"

/* A probe takes about 80 bytes; a language runtime has hundreds of them. */
#define NOTES_MAX ((size_t)16 << 20)
#define NOTE_TYPE 3
#define NOTE_NAME "stapsdt"

/* Symbols of a table, twice a browser's with all of them, and how many are read at a time. */
#define SYMBOLS_MAX ((uint64_t)8 << 20)
#define CHUNK 512

/* Names looked at to find some that are like the wanted one. */
#define NEAR_NAMES_MAX 200000

int probes_open(int fd, struct elf_file *file)
{
	struct elf_bytes bytes;
	char first;
	int rc;

	if (pread(fd, &first, 1, 0) < 0)
		return -errno;
	if (!elf_bytes_of(fd, &bytes))
		return -EBADMSG;
	rc = elf_file_open(&bytes, file);
	if (rc)
		return rc == -ENOMEM ? rc : -EBADMSG;
	return file->header.e_type == ET_EXEC || file->header.e_type == ET_DYN ? 0 : -EBADMSG;
}

/* ---- USDT probes ---- */

struct usdt {
	const char *provider;
	const char *name;
};

/* The string at *at, which then is behind its NUL; NULL: it does not end. */
static const char *take_string(const struct elf_note *note, size_t *at)
{
	const char *start = (const char *)note->desc + *at;
	const char *end = memchr(start, '\0', note->desc_size - *at);

	if (end)
		*at += (size_t)(end + 1 - start);
	return end ? start : NULL;
}

static bool is_usdt(const struct elf_note *note)
{
	return note->type == NOTE_TYPE && note->name_size == sizeof(NOTE_NAME) &&
	       !memcmp(note->name, NOTE_NAME, sizeof(NOTE_NAME));
}

/* Its address, the base it is relative to and its semaphore; provider, name, arguments. */
static bool read_usdt(const struct elf_note *note, struct usdt *usdt)
{
	size_t at = 3 * sizeof(uint64_t);

	if (note->desc_size < at)
		return false;
	usdt->provider = take_string(note, &at);
	usdt->name = usdt->provider ? take_string(note, &at) : NULL;
	return usdt->name && take_string(note, &at);
}

static void add_near_usdt(struct probes_near *near, const struct usdt *usdt, const char *wanted)
{
	char name[2 * sizeof(near->names[0])];

	snprintf(name, sizeof(name), "%s:%s", usdt->provider, usdt->name);
	probes_near_add(near, name, wanted);
}

static int find_usdt(const uint8_t *notes, size_t size, const struct usdt *wanted,
		     struct probes_near *near)
{
	char text[2 * sizeof(near->names[0])];
	struct elf_note note;
	struct usdt usdt;
	size_t at = 0, looked_at = 0;
	bool damaged = false;

	snprintf(text, sizeof(text), "%s:%s", wanted->provider, wanted->name);
	while (elf_note_next(notes, size, &at, &note)) {
		if (!is_usdt(&note))
			continue;
		if (!read_usdt(&note, &usdt)) {
			damaged = true;
			continue;
		}
		if (!strcmp(usdt.provider, wanted->provider) && !strcmp(usdt.name, wanted->name))
			return 0;
		if (looked_at++ < NEAR_NAMES_MAX)
			add_near_usdt(near, &usdt, text);
	}
	return damaged || at != size ? -EBADMSG : -ENOENT;
}

int probes_find_usdt(int fd, const char *provider, const char *name, struct probes_near *near)
{
	const struct usdt wanted = {provider, name};
	AUTO_ELF struct elf_file file = {0};
	AUTO_FREE uint8_t *notes = NULL;
	struct probes_near found = {0};
	const Elf64_Shdr *section;
	int rc = probes_open(fd, &file);

	if (rc)
		return rc;
	section = elf_file_section(&file, ".note.stapsdt");
	if (section) {
		notes = elf_file_copy(&file, section, NOTES_MAX);
		if (!notes || section->sh_type != SHT_NOTE)
			return -EBADMSG;
	}
	rc = section ? find_usdt(notes, section->sh_size, &wanted, &found) : -ENOENT;
	if (rc == -ENOENT && near)
		*near = found;
	return rc;
}

/* ---- names of symbols ---- */

/* A string table through a window: neighbours in one table mostly are in the other. */
struct strings {
	const struct elf_bytes *bytes;
	uint64_t offset; /* in the file */
	uint64_t size;
	uint64_t start; /* of the window */
	size_t held;
	char window[4096];
};

/* A window begins so far before the name it is moved for. */
#define WINDOW_BEFORE 1024

static void strings_open(struct strings *strings, const struct elf_file *file,
			 const Elf64_Shdr *section)
{
	uint64_t all = file->bytes.size, offset = section->sh_offset;
	uint64_t room = offset < all ? all - offset : 0;

	*strings = (struct strings){
		.bytes = &file->bytes,
		.offset = offset,
		.size = section->sh_size < room ? section->sh_size : room,
	};
}

/* The string at `at`, if all of it is in the window. */
static const char *strings_held(const struct strings *strings, uint64_t at)
{
	const char *name = strings->window + (at - strings->start);

	if (at < strings->start || at - strings->start >= strings->held)
		return NULL;
	return memchr(name, '\0', strings->held - (size_t)(at - strings->start)) ? name : NULL;
}

/* Valid until the next call. NULL: outside, without an end, longer than anyone's, unreadable. */
static const char *strings_get(struct strings *strings, uint64_t at)
{
	const char *name = strings_held(strings, at);
	uint64_t start = at > WINDOW_BEFORE ? at - WINDOW_BEFORE : 0;
	size_t size = sizeof(strings->window);

	if (name || at >= strings->size)
		return name;
	if (strings->size - start < size)
		size = (size_t)(strings->size - start);
	strings->held = 0;
	if (!elf_bytes_read(strings->bytes, strings->offset + start, strings->window, size))
		return NULL;
	strings->start = start;
	strings->held = size;
	return strings_held(strings, at);
}

/* ---- functions ---- */

struct function {
	const char *name;
	const Elf64_Sym *symbol;
	bool hidden; /* of a version that nobody gets any more who is linked now */
};

/* True: enough. */
typedef bool (*function_visit)(void *ctx, const struct function *function);

struct table {
	const struct elf_file *file;
	const Elf64_Shdr *symbols;
	uint64_t count;
	uint64_t versions; /* offset of their versions, 0: they have none */
	struct strings strings;
};

static uint64_t find_versions(const struct elf_file *file, const Elf64_Shdr *symbols,
			      uint64_t count)
{
	const Elf64_Shdr *versions = elf_file_section_of(file, SHT_GNU_versym);

	return versions && symbols->sh_type == SHT_DYNSYM &&
			       versions->sh_size / sizeof(Elf64_Versym) >= count
		       ? versions->sh_offset
		       : 0;
}

/* -ENOENT: the file has none of that type. */
static int table_open(struct table *table, const struct elf_file *file, uint32_t type)
{
	const Elf64_Shdr *symbols = elf_file_section_of(file, type);

	if (!symbols)
		return -ENOENT;
	if (symbols->sh_entsize != sizeof(Elf64_Sym) || symbols->sh_link >= file->section_count)
		return -EBADMSG;
	table->file = file;
	table->symbols = symbols;
	table->count = symbols->sh_size / sizeof(Elf64_Sym);
	if (table->count > SYMBOLS_MAX)
		return -EBADMSG;
	table->versions = find_versions(file, symbols, table->count);
	strings_open(&table->strings, file, &file->sections[symbols->sh_link]);
	return 0;
}

static bool is_function(const Elf64_Sym *symbol)
{
	unsigned int type = ELF64_ST_TYPE(symbol->st_info);

	return (type == STT_FUNC || type == STT_GNU_IFUNC) && symbol->st_shndx != SHN_UNDEF &&
	       symbol->st_name;
}

/* Visits the functions among [first, first + count). 1: enough; -EBADMSG: a name is missing. */
static int table_visit_some(struct table *table, uint64_t first, size_t count, function_visit visit,
			    void *ctx)
{
	const struct elf_bytes *bytes = &table->file->bytes;
	Elf64_Versym versions[CHUNK];
	Elf64_Sym symbols[CHUNK];
	int rc = 0;

	if (!elf_bytes_read(bytes, table->symbols->sh_offset + first * sizeof(*symbols), symbols,
			    count * sizeof(*symbols)))
		return -EIO;
	if (!table->versions || !elf_bytes_read(bytes, table->versions + first * sizeof(*versions),
						versions, count * sizeof(*versions)))
		memset(versions, 0, sizeof(versions));
	for (size_t i = 0; i < count; i++) {
		struct function function = {.symbol = &symbols[i], .hidden = versions[i] & 0x8000};

		if (!is_function(&symbols[i]))
			continue;
		function.name = strings_get(&table->strings, symbols[i].st_name);
		if (!function.name)
			rc = -EBADMSG;
		else if (visit(ctx, &function))
			return 1;
	}
	return rc;
}

/* As above, all of them; those behind a symbol without a name, too. */
static int table_visit(struct table *table, function_visit visit, void *ctx)
{
	int rc = 0, one;

	for (uint64_t i = 0; i < table->count; i += CHUNK) {
		uint64_t left = table->count - i;

		one = table_visit_some(table, i, left < CHUNK ? (size_t)left : CHUNK, visit, ctx);
		if (one == -EIO)
			return -EBADMSG;
		if (one > 0)
			return one;
		rc = one ? one : rc;
	}
	return rc;
}

/* ---- one function by its name ---- */

/* Which of several with the same name is meant; less is more. */
enum function_rank { RANK_GLOBAL, RANK_HIDDEN, RANK_LOCAL, RANK_NONE };

struct search {
	const char *name;
	enum function_rank rank; /* of what was found */
	uint64_t address;
	bool is_ifunc;
	bool several;
};

/* In .symtab, linkers write the version into the name: "f@@V2", and "f@V1" of a hidden one. */
static enum function_rank rank_of(const struct search *search, const struct function *function)
{
	size_t length = strlen(search->name);
	const char *rest = function->name + length;

	if (strncmp(function->name, search->name, length) != 0 || (rest[0] && rest[0] != '@'))
		return RANK_NONE;
	if (function->hidden || (rest[0] == '@' && rest[1] != '@'))
		return RANK_HIDDEN;
	return ELF64_ST_BIND(function->symbol->st_info) == STB_LOCAL ? RANK_LOCAL : RANK_GLOBAL;
}

static bool search_visit(void *ctx, const struct function *function)
{
	struct search *search = ctx;
	const Elf64_Sym *symbol = function->symbol;
	enum function_rank rank = rank_of(search, function);

	if (rank == RANK_NONE || rank > search->rank)
		return false;
	if (rank == search->rank && symbol->st_value != search->address) {
		search->several = true;
	} else if (rank < search->rank) {
		search->rank = rank;
		search->address = symbol->st_value;
		search->is_ifunc = ELF64_ST_TYPE(symbol->st_info) == STT_GNU_IFUNC;
		search->several = false;
	}
	return false;
}

/* Go's own sections; a linker for position-independent code moves the first. */
static bool is_go(const struct elf_file *file)
{
	static const char *const sections[] = {".gopclntab", ".data.rel.ro.gopclntab",
					       ".go.buildinfo", ".note.go.buildid"};

	for (size_t i = 0; i < sizeof(sections) / sizeof(*sections); i++)
		if (elf_file_section(file, sections[i]))
			return true;
	return false;
}

/*
 * The kernel's trampoline must not lie in the place of their return address: they keep it for
 * later, look at whose it is, or are entered by a jump, with other things there.
 */
static bool needs_return_address(const char *name)
{
	static const char *const names[] = {
		/* return once more, when the trampoline is forgotten: SIGILL, or worse */
		"setjmp",
		"_setjmp",
		"__setjmp",
		"sigsetjmp",
		"__sigsetjmp",
		"getcontext",
		"__getcontext",
		"swapcontext",
		"__swapcontext",
		/* whose caller decides what they do; the unwinder's begin at its own */
		"dlopen",
		"dlmopen",
		"dlsym",
		"dlvsym",
		"__cxa_throw",
		"__cxa_rethrow",
		"_Unwind_RaiseException",
		"_Unwind_Resume",
		"_Unwind_Resume_or_Rethrow",
		"_Unwind_ForcedUnwind",
		"_Unwind_Backtrace",
		/* there lies argc, or what the kernel put on the stack for a signal */
		"_start",
		"__restore_rt",
	};
	static const char *const parts[] = {".cold", "_dl_runtime_resolve", "_dl_runtime_profile",
					    "__x86.get_pc_thunk"};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (!strcmp(name, names[i]))
			return true;
	/* the cold part of a function, and what a symbol is bound by */
	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++)
		if (strstr(name, parts[i]))
			return true;
	return false;
}

/* -ENOENT: it is not in the table, or there is no table. */
static int search_table(const struct elf_file *file, uint32_t type, struct search *search)
{
	struct table table;
	int rc = table_open(&table, file, type);

	if (rc)
		return rc;
	rc = table_visit(&table, search_visit, search);
	return search->rank != RANK_NONE ? 0 : rc ? rc : -ENOENT;
}

static int search_judge(const struct elf_file *file, const struct search *search, uint64_t *offset)
{
	if (search->several)
		return -ENOTUNIQ;
	if (search->is_ifunc || is_go(file) || needs_return_address(search->name))
		return -EOPNOTSUPP;
	return elf_file_code_offset(file, search->address, offset);
}

/* ---- functions with a name like it ---- */

struct near_search {
	const char *wanted;
	struct probes_near near;
	size_t looked_at;
};

static bool near_visit(void *ctx, const struct function *function)
{
	struct near_search *search = ctx;
	char name[sizeof(search->near.names[0]) + 1];

	if (ELF64_ST_TYPE(function->symbol->st_info) == STT_GNU_IFUNC)
		return false;
	/* without its version; a longer one stays too long */
	snprintf(name, sizeof(name), "%.*s", (int)strcspn(function->name, "@"), function->name);
	if (!needs_return_address(name))
		probes_near_add(&search->near, name, search->wanted);
	return ++search->looked_at == NEAR_NAMES_MAX;
}

static void find_near(const struct elf_file *file, const char *name, struct probes_near *near)
{
	static const uint32_t types[] = {SHT_SYMTAB, SHT_DYNSYM};
	struct near_search search = {.wanted = name};
	struct table table;

	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++)
		if (search.looked_at < NEAR_NAMES_MAX && !table_open(&table, file, types[i]))
			table_visit(&table, near_visit, &search);
	*near = search.near;
}

int probes_find_function(int fd, const char *name, uint64_t *offset, struct probes_near *near)
{
	struct search search = {.name = name, .rank = RANK_NONE};
	AUTO_ELF struct elf_file file = {0};
	int rc = probes_open(fd, &file);

	if (rc)
		return rc;
	rc = search_table(&file, SHT_SYMTAB, &search);
	if (rc == -ENOENT)
		rc = search_table(&file, SHT_DYNSYM, &search);
	if (!rc)
		return search_judge(&file, &search, offset);
	if (rc == -ENOENT && near)
		find_near(&file, name, near);
	return rc;
}

/* ---- all functions ---- */

struct list {
	probes_function_found found;
	void *ctx;
};

static bool list_visit(void *ctx, const struct function *function)
{
	const struct list *list = ctx;
	const Elf64_Sym *symbol = function->symbol;
	char name[256];

	if (ELF64_ST_TYPE(symbol->st_info) == STT_GNU_IFUNC ||
	    ELF64_ST_BIND(symbol->st_info) == STB_LOCAL)
		return false;
	/* without its version; none that anybody looks for is as long */
	snprintf(name, sizeof(name), "%.*s", (int)strcspn(function->name, "@"), function->name);
	list->found(list->ctx, name, symbol->st_value, symbol->st_size);
	return false;
}

int probes_list_functions(const struct elf_file *file, uint32_t type, probes_function_found found,
			  void *ctx)
{
	struct list list = {found, ctx};
	struct table table;
	int rc = table_open(&table, file, type);

	return rc ? rc : table_visit(&table, list_visit, &list);
}
