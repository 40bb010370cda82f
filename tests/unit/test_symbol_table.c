// SPDX-License-Identifier: GPL-2.0-only
/* Tables of symbols, against what nm says of the same files. */
#include "tests/unit/support.h"

#include <lzma.h>

#include "tests/unit/programs.h"
#include "user/stack/symbol_table.h"

/* What a compiler does not make: gaps, no sizes, aliases, one inside another. */
static const char corners[] =
	"#define FUNCTION(name) \".type \" #name \",@function\\n\" #name \":\\n\"\n"
	"#define SIZE(name, size) \".size \" #name \",\" #size \"\\n\"\n"
	"__asm__(\".text\\n.globl sized, unsized, after, outer, Inner, close, __close, "
	"__libc_close\\n\"\n"
	"	FUNCTION(sized) \".skip 16,0x90\\n\" SIZE(sized, 16)\n"
	"	\"gap: .skip 16,0x90\\n.size gap,0\\n\"\n"
	"	FUNCTION(unsized) \".skip 24,0x90\\n\"\n"
	"	FUNCTION(after) \".skip 8,0x90\\n\" SIZE(after, 8) \".skip 8,0x90\\n\"\n"
	"	FUNCTION(outer) \".skip 16,0x90\\n\"\n"
	"	FUNCTION(Inner) \".skip 16,0x90\\n\" SIZE(Inner, 16)\n"
	"	\"label: .skip 32,0x90\\n\" SIZE(outer, 64)\n"
	"	FUNCTION(local_alias) FUNCTION(__libc_close) FUNCTION(__close) FUNCTION(close)\n"
	"	\".skip 16,0x90\\n\" SIZE(local_alias, 16) SIZE(__libc_close, 16)\n"
	"	SIZE(__close, 16) SIZE(close, 16)\n"
	"	\".section last,\\\"ax\\\"\\n\" FUNCTION(in_last) \".skip 40,0x90\\n\"\n"
	"	\".section last2,\\\"ax\\\"\\n.skip 8,0x90\\n.data\\n\"\n"
	"	\".type not_code,@object\\nnot_code: .skip 8\\n.size not_code,8\\n.text\\n\");\n";

static const char program[] =
	"#include <stdio.h>\n"
	"#include <stdlib.h>\n"
	"#include <string.h>\n"
	"static __attribute__((noinline)) int quiet(int x) { return x * 7; }\n"
	"__attribute__((noinline)) int loud(int x) { return quiet(x) + 1; }\n"
	"int main(int argc, char **argv)\n"
	"{\n"
	"	char *copy = strdup(argv[0]);\n"
	"	printf(\"%s %d\\n\", copy, loud(argc));\n"
	"	free(copy);\n"
	"	return 0;\n"
	"}\n";

static int begin(void **state)
{
	if (work_begin(state))
		return -1;
	write_text("corners.c", corners);
	write_text("program.c", program);
	run("gcc -O2 -o program program.c corners.c");
	return 0;
}

static void settle(struct symbol_table *table)
{
	assert_int_equal(symbol_table_settle(table), 0);
}

static void assert_name(const struct symbol_table *table, uint64_t address, const char *expected)
{
	char name[SYMBOL_NAME_MAX];

	if (!symbol_table_name(table, address, name))
		name[0] = '\0';
	assert_string_equal(name, expected ? expected : "");
}

/* Is it the name of a symbol that covers the address? */
static bool covers(const struct nm_symbol *symbols, size_t count, const char *name,
		   uint64_t address)
{
	for (size_t i = 0; i < count; i++) {
		size_t bare = strcspn(symbols[i].name, "@");

		if (strlen(name) == bare && !strncmp(symbols[i].name, name, bare) &&
		    address >= symbols[i].address && address - symbols[i].address < symbols[i].size)
			return true;
	}
	return false;
}

/* Every byte of every function has the name of a function that it is in. */
static void compare(const struct symbol_table *table, const char *file, const char *options,
		    size_t at_least)
{
	static struct nm_symbol symbols[NM_MAX];
	size_t count = nm_functions(options, file, symbols);
	char name[SYMBOL_NAME_MAX];

	assert_true(count >= at_least);
	for (size_t i = 0; i < count; i++) {
		uint64_t end = symbols[i].address + symbols[i].size;

		for (uint64_t at = symbols[i].address; at < end; at += 1 + symbols[i].size / 64) {
			if (!symbol_table_name(table, at, name))
				fail_msg("%s: no name for %s", file, symbols[i].name);
			if (!covers(symbols, count, name, at))
				fail_msg("%s: %s is not at %" PRIx64, file, name, at);
		}
	}
}

static void every_function_is_known(void **state)
{
	struct elf_file file = open_work_elf("program");
	struct symbol_table table = {0};

	(void)state;
	assert_int_equal(symbol_table_add(&table, &file), 0);
	settle(&table);
	compare(&table, "program", "", 10);
	assert_name(&table, address_of("program", "quiet"), "quiet");
	assert_name(&table, address_of("program", "loud"), "loud");
	/* in the first page lies the header */
	assert_name(&table, 0, NULL);
	assert_name(&table, UINT64_MAX, NULL);
	assert_true(symbol_table_memory(&table) >= 10 * sizeof(struct span));
	symbol_table_free(&table);
	close_work_elf(&file);
}

/* The whole C library: aliases, IFUNCs, assembler, code in several sections. */
static void a_static_program_is_known(void **state)
{
	struct symbol_table table = {0};
	struct elf_file file;

	(void)state;
	run("gcc -O2 -static -o static program.c");
	file = open_work_elf("static");
	assert_int_equal(symbol_table_add(&table, &file), 0);
	settle(&table);
	compare(&table, "static", "", 1000);
	assert_name(&table, address_of("static", "malloc"), "malloc");
	assert_name(&table, address_of("static", "__libc_malloc") + 1, "malloc");
	symbol_table_free(&table);
	close_work_elf(&file);
}

static void corners_are_as_the_sizes_say(void **state)
{
	struct elf_file file = open_work_elf("program");
	struct symbol_table table = {0};
	uint64_t outer, last;

	(void)state;
	assert_int_equal(symbol_table_add(&table, &file), 0);
	settle(&table);
	assert_name(&table, address_of("program", "sized") + 15, "sized");
	/* a mark in the code, without a type: up to the next symbol */
	assert_name(&table, address_of("program", "gap") + 15, "gap");
	assert_name(&table, address_of("program", "unsized") + 23, "unsized");
	assert_name(&table, address_of("program", "after") + 7, "after");
	/* past its size, with nothing else there */
	assert_name(&table, address_of("program", "after") + 8, NULL);
	outer = address_of("program", "outer");
	assert_name(&table, outer + 15, "outer");
	assert_name(&table, outer + 16, "Inner");
	assert_name(&table, outer + 31, "Inner");
	/* a mark inside of a function that has a size */
	assert_name(&table, outer + 32, "outer");
	assert_name(&table, outer + 63, "outer");
	assert_name(&table, address_of("program", "__libc_close"), "close");
	/* not past the end of its section, though nothing says where it ends */
	last = address_of("program", "in_last");
	assert_name(&table, last + 39, "in_last");
	assert_name(&table, last + 40, NULL);
	assert_name(&table, address_of("program", "not_code"), NULL);
	symbol_table_free(&table);
	close_work_elf(&file);
}

/* Assembler says what it likes. */
static void sizes_end_with_the_section(void **state)
{
	struct symbol_table table = {0};
	struct elf_file file;
	uint64_t wide;

	(void)state;
	write_text("wide.s", ".section wide,\"ax\"\n.type too_wide,@function\n"
			     "too_wide: .skip 8,0x90\n.size too_wide,80\n"
			     ".section next,\"ax\"\n.skip 8,0x90\n"
			     ".section .note.GNU-stack,\"\"\n");
	run("gcc -shared -nostdlib -o wide.so wide.s");
	file = open_work_elf("wide.so");
	assert_int_equal(symbol_table_add(&table, &file), 0);
	settle(&table);
	wide = address_of("wide.so", "too_wide");
	assert_name(&table, wide + 7, "too_wide");
	assert_name(&table, wide + 8, NULL);
	symbol_table_free(&table);
	close_work_elf(&file);
}

static void a_stripped_library_has_what_it_exports(void **state)
{
	struct symbol_table table = {0};
	struct elf_file file;

	(void)state;
	run("gcc -O2 -shared -fPIC -o lib.so program.c && cp lib.so stripped.so && strip "
	    "stripped.so");
	file = open_work_elf("stripped.so");
	assert_int_equal(symbol_table_add(&table, &file), -ENOENT);
	assert_int_equal(symbol_table_add_dynamic(&table, &file), 0);
	settle(&table);
	compare(&table, "stripped.so", "-D", 2);
	assert_name(&table, address_of("lib.so", "loud"), "loud");
	assert_name(&table, address_of("lib.so", "quiet"), NULL);
	symbol_table_free(&table);
	close_work_elf(&file);
}

static void versions_are_no_part_of_a_name(void **state)
{
	struct symbol_table table = {0};
	struct elf_file file;

	(void)state;
	write_text("versioned.c", "int f(void) { return 1; }\n"
				  "__asm__(\".symver f,versioned@@V1\");\n");
	write_text("versions", "V1 { global: versioned; local: *; };\n");
	run("gcc -O2 -shared -fPIC -Wl,--version-script=versions -o versioned.so versioned.c");
	file = open_work_elf("versioned.so");
	assert_int_equal(symbol_table_add_dynamic(&table, &file), 0);
	settle(&table);
	assert_name(&table, address_of("versioned.so", "f"), "versioned");
	symbol_table_free(&table);
	assert_int_equal(symbol_table_add(&table, &file), 0);
	settle(&table);
	assert_name(&table, address_of("versioned.so", "f"), "versioned");
	symbol_table_free(&table);
	close_work_elf(&file);
}

/* ---- .gnu_debugdata ---- */

static void pack(const char *from, const char *to)
{
	size_t size, used = 0, room;
	char *data = read_bytes(from, &size);
	uint8_t *packed;

	room = lzma_stream_buffer_bound(size);
	packed = malloc(room);
	assert_non_null(packed);
	assert_int_equal(lzma_easy_buffer_encode(6, LZMA_CHECK_CRC32, NULL, (uint8_t *)data, size,
						 packed, &used, room),
			 LZMA_OK);
	write_bytes(to, packed, used);
	free(packed);
	free(data);
}

/* As distributions make it: "MiniDebugInfo" in gdb's manual. */
static void packed_symbols_are_unpacked(void **state)
{
	struct symbol_table table = {0};
	struct elf_file file;

	(void)state;
	run("objcopy --only-keep-debug program mini");
	pack("mini", "mini.xz");
	run("strip -o packed program && objcopy --add-section .gnu_debugdata=mini.xz packed");
	file = open_work_elf("packed");
	assert_int_equal(symbol_table_add(&table, &file), -ENOENT);
	assert_int_equal(symbol_table_add_dynamic(&table, &file), 0);
	settle(&table);
	compare(&table, "program", "", 10);
	assert_name(&table, address_of("program", "quiet"), "quiet");
	/* its names are in memory then */
	assert_true(symbol_table_memory(&table) > table.functions.count * sizeof(struct span));
	symbol_table_free(&table);
	close_work_elf(&file);
}

static void what_unpacks_to_too_much_is_left_alone(void **state)
{
	struct symbol_table table = {0};
	struct elf_file file;

	(void)state;
	/* 200 MiB of nothing behind a good beginning, in 30 KiB */
	run("cp mini large && truncate -s 200M large");
	pack("large", "large.xz");
	run("strip -o bomb program && objcopy --add-section .gnu_debugdata=large.xz bomb");
	file = open_work_elf("bomb");
	symbol_table_add_dynamic(&table, &file);
	settle(&table);
	assert_true(symbol_table_memory(&table) < 1 << 20);
	assert_name(&table, address_of("program", "quiet"), NULL);
	symbol_table_free(&table);
	close_work_elf(&file);
	/* cut short */
	run("head -c 500 mini.xz >short.xz && strip -o short program && "
	    "objcopy --add-section .gnu_debugdata=short.xz short");
	file = open_work_elf("short");
	symbol_table_add_dynamic(&table, &file);
	symbol_table_free(&table);
	close_work_elf(&file);
}

/* ---- files that mean harm ---- */

/* Asks a file that may be anything, and looks at no answer. */
static void ask(const void *image, size_t size)
{
	const struct elf_bytes bytes = {.fd = -1, .image = image, .size = size};
	struct symbol_table table = {0};
	char name[SYMBOL_NAME_MAX];
	uint8_t id[ELF_BUILD_ID_MAX];
	struct elf_file file;

	if (elf_file_open(&bytes, &file))
		return;
	assert_in_range(elf_file_build_id(&file, id), 0, ELF_BUILD_ID_MAX);
	for (size_t i = 0; i < file.section_count; i++)
		assert_true(strlen(elf_file_name(&file, &file.sections[i])) <= file.names_size);
	if (symbol_table_add(&table, &file))
		symbol_table_add_dynamic(&table, &file);
	if (!symbol_table_settle(&table))
		for (size_t i = 0; i < table.functions.count; i++)
			symbol_table_name(&table, table.functions.items[i].start, name);
	symbol_table_free(&table);
	elf_file_close(&file);
}

static void flip(const char *name, int rounds, uint64_t seed)
{
	size_t size;
	char *good = read_bytes(name, &size), *bad = malloc(size);
	uint64_t table = ((const Elf64_Ehdr *)(const void *)good)->e_shoff;

	assert_non_null(bad);
	assert_true(table < size);
	for (int round = 0; round < rounds; round++) {
		size_t cut = round % 8 ? size : random_below(&seed, size);

		memcpy(bad, good, size);
		for (uint64_t i = 1 + random_below(&seed, 8); i > 0; i--) {
			/* in the header, the table of sections, anywhere */
			uint64_t at = i % 3 == 0   ? random_below(&seed, 64)
				      : i % 3 == 1 ? table + random_below(&seed, size - table)
						   : random_below(&seed, size);

			bad[at] = (char)(random_below(&seed, 4) ? random_next(&seed) : 0xff);
		}
		/* a copy of just the size, so that a byte too far is found */
		char *exact = malloc(cut ? cut : 1);

		assert_non_null(exact);
		memcpy(exact, bad, cut);
		ask(exact, cut);
		free(exact);
	}
	free(bad);
	free(good);
}

static void any_bytes_are_survived(void **state)
{
	(void)state;
	flip("program", 4000, 1);
	flip("packed", 4000, 2);
	flip("stripped.so", 2000, 3);
}

/* The build id of a file that has nothing but a note, which is its end. */
static size_t build_id_of_note(uint32_t name_size, uint32_t desc_size, size_t desc_bytes)
{
	struct {
		Elf64_Ehdr header;
		Elf64_Shdr sections[2];
		Elf64_Nhdr note;
		char name[4];
		uint8_t desc[20];
	} image = {
		.header = {.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
			   .e_machine = EM_X86_64,
			   .e_shoff = sizeof(Elf64_Ehdr),
			   .e_shentsize = sizeof(Elf64_Shdr),
			   .e_shnum = 2},
		.sections[1] = {.sh_type = SHT_NOTE,
				.sh_offset = sizeof(Elf64_Ehdr) + 2 * sizeof(Elf64_Shdr),
				.sh_size = sizeof(Elf64_Nhdr) + 4 + desc_bytes},
		.note = {.n_namesz = name_size, .n_descsz = desc_size, .n_type = NT_GNU_BUILD_ID},
		.name = "GNU",
		.desc = {1, 2, 3},
	};
	size_t size = sizeof(image) - sizeof(image.desc) + desc_bytes, length;
	uint8_t *exact = malloc(size), id[ELF_BUILD_ID_MAX] = {0};
	const struct elf_bytes bytes = {.fd = -1, .image = exact, .size = size};
	struct elf_file file;

	assert_non_null(exact);
	memcpy(exact, &image, size);
	assert_int_equal(elf_file_open(&bytes, &file), 0);
	length = elf_file_build_id(&file, id);
	if (length)
		assert_memory_equal(id, image.desc, length);
	elf_file_close(&file);
	free(exact);
	return length;
}

static void notes_are_bounded(void **state)
{
	(void)state;
	assert_int_equal(build_id_of_note(4, 20, 20), 20);
	assert_int_equal(build_id_of_note(4, 8, 8), 8);
	assert_int_equal(build_id_of_note(4, 0, 0), 0);
	/* more than there is */
	assert_int_equal(build_id_of_note(4, 20, 19), 0);
	assert_int_equal(build_id_of_note(4, 64, 20), 0);
	assert_int_equal(build_id_of_note(4, UINT32_MAX, 20), 0);
	assert_int_equal(build_id_of_note(UINT32_MAX, 20, 20), 0);
	assert_int_equal(build_id_of_note(UINT32_MAX - 2, 20, 20), 0);
	assert_int_equal(build_id_of_note(5, 20, 20), 0);
}

/* A file claims what it does not have, for nothing: sparse, and larger than memory. */
static void sizes_are_not_believed(void **state)
{
	struct symbol_table table = {0};
	struct elf_bytes bytes;
	struct elf_file file;
	Elf64_Shdr *sections;
	Elf64_Ehdr *header;
	size_t size;
	char *data = read_bytes("program", &size);

	(void)state;
	header = (Elf64_Ehdr *)(void *)data;
	sections = (Elf64_Shdr *)(void *)(data + header->e_shoff);
	for (size_t i = 0; i < header->e_shnum; i++)
		if (sections[i].sh_type == SHT_SYMTAB || sections[i].sh_type == SHT_STRTAB)
			sections[i].sh_size = (uint64_t)1 << 40;
	write_bytes("sparse", data, size);
	assert_int_equal(truncate(in_work("sparse"), (off_t)1 << 42), 0);
	file = open_work_elf("sparse");
	assert_int_equal(symbol_table_add(&table, &file), -EFBIG);
	symbol_table_free(&table);
	close_work_elf(&file);

	/* 4 billion sections */
	header->e_shnum = 0;
	sections[0].sh_size = UINT32_MAX;
	write_bytes("sparse", data, size);
	assert_int_equal(truncate(in_work("sparse"), (off_t)1 << 42), 0);
	assert_true(elf_bytes_of(open(in_work("sparse"), O_RDONLY | O_CLOEXEC), &bytes));
	assert_int_equal(elf_file_open(&bytes, &file), -ENOEXEC);
	close(bytes.fd);
	free(data);
}

/* As a package manager does that writes over a file in use. */
static void a_file_cut_short_in_use_has_no_names(void **state)
{
	struct symbol_table table = {0};
	struct elf_file file;
	uint64_t loud = address_of("program", "loud");

	(void)state;
	run("cp program cut");
	file = open_work_elf("cut");
	assert_int_equal(symbol_table_add(&table, &file), 0);
	settle(&table);
	assert_name(&table, loud, "loud");
	assert_int_equal(truncate(in_work("cut"), 100), 0);
	assert_name(&table, loud, NULL);
	symbol_table_free(&table);
	assert_int_equal(symbol_table_add(&table, &file), -EIO);
	symbol_table_free(&table);
	close_work_elf(&file);
}

static void other_files_are_refused(void **state)
{
	struct elf_bytes bytes = {.fd = -1, .image = (const uint8_t *)"\177ELF\1\1\1", .size = 7};
	struct elf_file file;

	(void)state;
	assert_int_equal(elf_file_open(&bytes, &file), -ENOEXEC);
	bytes.size = 0;
	assert_int_equal(elf_file_open(&bytes, &file), -ENOEXEC);
	assert_true(elf_bytes_of(open(in_work("program.c"), O_RDONLY | O_CLOEXEC), &bytes));
	assert_int_equal(elf_file_open(&bytes, &file), -ENOEXEC);
	close(bytes.fd);
	assert_false(elf_bytes_of(-1, &bytes));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_function_is_known),
		cmocka_unit_test(a_static_program_is_known),
		cmocka_unit_test(corners_are_as_the_sizes_say),
		cmocka_unit_test(sizes_end_with_the_section),
		cmocka_unit_test(a_stripped_library_has_what_it_exports),
		cmocka_unit_test(versions_are_no_part_of_a_name),
		cmocka_unit_test(packed_symbols_are_unpacked),
		cmocka_unit_test(what_unpacks_to_too_much_is_left_alone),
		cmocka_unit_test(any_bytes_are_survived),
		cmocka_unit_test(notes_are_bounded),
		cmocka_unit_test(sizes_are_not_believed),
		cmocka_unit_test(a_file_cut_short_in_use_has_no_names),
		cmocka_unit_test(other_files_are_refused),
	};

	return cmocka_run_group_tests_name("symbol_table", tests, begin, work_end);
}
