// SPDX-License-Identifier: GPL-2.0-only
/* Unwind rows held against those of elfutils, and unwind information that is garbage. */
#include "tests/unit/unwind_support.h"

#include <dwarf.h>
#include <elfutils/libdw.h>
#include <gelf.h>
#include <sys/auxv.h>
#include <sys/resource.h>

/* ---- elfutils' rows ---- */

static const struct unwind_arch *arch;

/* What a row says of a register, said or not. */
struct meaning {
	int kind;
	int64_t offset;
	const struct unwind_expression *expression;
};

static struct meaning row_meaning(const struct unwind_row *row, unsigned int reg)
{
	struct meaning meaning = {.kind = RULE_UNDEFINED};

	for (unsigned int i = 0; i < row->rule_count; i++) {
		if (row->rules[i].reg != reg)
			continue;
		meaning.kind = row->rules[i].kind;
		meaning.offset = row->rules[i].offset;
		if (meaning.kind == RULE_EXPRESSION || meaning.kind == RULE_VAL_EXPRESSION)
			meaning.expression = row->expressions[meaning.offset];
		return meaning;
	}
	if (reg == arch->sp)
		meaning.kind = RULE_VAL_OFFSET;
	else if (arch->callee_saved >> reg & 1)
		meaning.kind = RULE_SAME;
	return meaning;
}

static bool same_operations(const struct unwind_expression *mine, const Dwarf_Op *theirs,
			    size_t count)
{
	if (mine->count != count)
		return false;
	for (size_t i = 0; i < count; i++) {
		const struct unwind_operation *operation = &mine->operations[i];

		if (operation->atom != theirs[i].atom)
			return false;
		if (operation->atom == DW_OP_bra || operation->atom == DW_OP_skip)
			continue; /* an index here, a distance there */
		if (operation->number != theirs[i].number ||
		    operation->number2 != theirs[i].number2)
			return false;
	}
	return true;
}

static bool same_cfa(const struct unwind_row *row, Dwarf_Frame *frame)
{
	Dwarf_Op *ops;
	size_t count;

	if (dwarf_frame_cfa(frame, &ops, &count))
		return false;
	if (!count)
		return row_meaning(row, row->return_reg).kind == RULE_UNDEFINED;
	if (row->cfa_is_expression)
		return same_operations(row->expressions[0], ops, count);
	return count == 1 && ops->atom == DW_OP_bregx && ops->number == row->cfa_reg &&
	       (int64_t)ops->number2 == row->cfa_offset;
}

/*
 * Registers without a rule: elfutils 0.188 takes register 0 for rbx, which is 3
 * (backends/x86_64_cfi.c).
 */
static bool same_default(const struct meaning *meaning, bool undefined, unsigned int reg)
{
	if (arch->machine == EM_X86_64 && (reg == 0 || reg == 3))
		return meaning->kind == RULE_UNDEFINED || meaning->kind == RULE_SAME;
	return meaning->kind == (undefined ? RULE_UNDEFINED : RULE_SAME);
}

/* elfutils has rules as expressions: [call_frame_cfa [plus_uconst] [stack_value]]. */
static bool same_offset(const struct meaning *meaning, const Dwarf_Op *ops, size_t count)
{
	size_t at = 1;
	int64_t offset = 0;
	bool value;

	if (at < count && ops[at].atom == DW_OP_plus_uconst)
		offset = (int64_t)ops[at++].number;
	value = at < count && ops[at].atom == DW_OP_stack_value;
	return meaning->kind == (value ? RULE_VAL_OFFSET : RULE_OFFSET) &&
	       meaning->offset == offset;
}

static bool same_register(const struct unwind_row *row, Dwarf_Frame *frame, unsigned int reg)
{
	struct meaning meaning = row_meaning(row, reg);
	Dwarf_Op memory[3], *ops;
	size_t count;
	bool value;

	if (dwarf_frame_register(frame, (int)reg, memory, &ops, &count))
		return false;
	if (!count)
		return same_default(&meaning, ops == memory, reg);
	if (ops->atom == DW_OP_regx)
		return meaning.kind == RULE_REGISTER && meaning.offset == (int64_t)ops->number;
	if (ops == memory)
		return same_offset(&meaning, ops, count);
	value = ops[count - 1].atom == DW_OP_stack_value;
	return meaning.kind == (value ? RULE_VAL_EXPRESSION : RULE_EXPRESSION) &&
	       same_operations(meaning.expression, ops + 1, count - 1 - value);
}

static bool same_row(const struct unwind_row *row, Dwarf_Frame *frame)
{
	bool signal_frame;

	if (dwarf_frame_info(frame, NULL, NULL, &signal_frame) != row->return_reg ||
	    signal_frame != row->signal_frame || !same_cfa(row, frame))
		return false;
	for (unsigned int reg = 0; reg < arch->register_count; reg++)
		if (!same_register(row, frame, reg))
			return false;
	return true;
}

struct tally {
	unsigned int same;
	unsigned int none; /* for both */
};

static void compare_at(struct module *module, Dwarf_CFI *cfi, uint64_t address, struct tally *tally)
{
	const struct unwind_row *row = NULL;
	Dwarf_Frame *frame = NULL;
	int theirs = dwarf_cfi_addrframe(cfi, address, &frame);
	int mine = module_row(module, address, &row);

	if (theirs) {
		if (mine != -ENOENT)
			fail_msg("0x%lx: %d, elfutils has no row", address, mine);
		tally->none++;
		return;
	}
	if (mine)
		fail_msg("0x%lx: %d, elfutils has a row", address, mine);
	if (!same_row(row, frame))
		fail_msg("0x%lx: the row is not elfutils'", address);
	tally->same++;
	free(frame);
}

/* Every address, with gaps, of all code. */
static struct tally compare(struct module *module, Elf *elf, uint64_t step)
{
	Dwarf_CFI *cfi = dwarf_getcfi_elf(elf);
	struct tally tally = {0};
	size_t count;

	assert_non_null(cfi);
	arch = unwind_arch(module_machine(module));
	assert_int_equal(elf_getphdrnum(elf, &count), 0);
	for (size_t i = 0; i < count; i++) {
		GElf_Phdr phdr;

		assert_non_null(gelf_getphdr(elf, (int)i, &phdr));
		if (phdr.p_type != PT_LOAD || !(phdr.p_flags & PF_X))
			continue;
		for (uint64_t at = 0; at < phdr.p_filesz; at += step)
			compare_at(module, cfi, phdr.p_vaddr + at, &tally);
	}
	dwarf_cfi_end(cfi);
	return tally;
}

static struct tally compare_file(const char *path, uint64_t step)
{
	struct module *module = unwind_open(path);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	Elf *elf = elf_begin(fd, ELF_C_READ, NULL);
	struct tally tally;

	assert_non_null(elf);
	tally = compare(module, elf, step);
	elf_end(elf);
	close(fd);
	module_close(module);
	return tally;
}

/* The file that something of this process is mapped from. */
static const char *mapped_file(const char *part)
{
	return unwind_command("grep -m1 -o '/[^ ]*%s[^ ]*' /proc/%d/maps", part, getpid());
}

static void rows_of_libraries(void **state)
{
	static const char *const parts[] = {"/libc\\.so", "/ld-linux", "/libcmocka", "/libz\\."};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		struct tally tally = compare_file(mapped_file(parts[i]), 7);

		assert_true(tally.same > 1000);
		assert_true(tally.same > tally.none);
	}
}

static void rows_of_this_program(void **state)
{
	(void)state;
	assert_true(compare_file("/proc/self/exe", 1).same > 1000);
}

static void rows_of_the_vdso(void **state)
{
	struct module *module;
	const void *image;
	size_t size;
	Elf *elf;

	(void)state;
	assert_int_equal(module_open_vdso(&module), 0);
	assert_int_equal(module_file(module, &image, &size), -1);
	assert_ptr_equal(image, (void *)getauxval(AT_SYSINFO_EHDR));
	elf = elf_memory((char *)(uintptr_t)image, size);
	assert_non_null(elf);
	assert_true(compare(module, elf, 1).same > 100);
	elf_end(elf);
	module_close(module);
}

static const char program[] = "#include <stdio.h>\n"
			      "#include <stdlib.h>\n"
			      "int main(int argc, char **argv)\n"
			      "{ char *p = malloc(argc); printf(\"%p %s\\n\", p, argv[0]);\n"
			      "return 0; }\n";

/* The linker writes no search table into these. */
static void rows_of_static_programs(void **state)
{
	static const char *const how[] = {"-static", "-static -no-pie", "-static-pie -fPIE",
					  "-static -Wl,--no-eh-frame-hdr"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(how); i++) {
		const char *path = unwind_build("program", "c", program, how[i]);
		struct tally tally = compare_file(path, 3);

		assert_true(tally.same > 10000);
	}
}

/* Sections may be missing: the search table is found by program header. */
static void rows_without_section_headers(void **state)
{
	const char *path = unwind_build("program", "c", program, "-O2");
	struct module *whole = unwind_open(path), *bare;
	unsigned int rows = 0;
	Elf64_Ehdr *header;
	uint8_t *data;
	size_t size;

	(void)state;
	data = unwind_read(path, &size);
	header = (Elf64_Ehdr *)data;
	header->e_shoff = header->e_shnum = header->e_shstrndx = 0;
	unwind_write(unwind_path("bare"), data, size);
	free(data);
	bare = unwind_open(unwind_path("bare"));
	for (uint64_t at = 0; at < 0x3000; at++) {
		const struct unwind_row *a = NULL, *b = NULL;
		int rc = module_row(whole, at, &a);

		assert_int_equal(module_row(bare, at, &b), rc);
		if (rc)
			continue;
		assert_int_equal(a->cfa_offset, b->cfa_offset);
		assert_int_equal(a->rule_count, b->rule_count);
		rows++;
	}
	assert_true(rows > 30);
	module_close(whole);
	module_close(bare);
}

/* ---- garbage ---- */

struct range {
	size_t offset;
	size_t size;
};

static struct range section(const uint8_t *data, const char *name)
{
	const Elf64_Ehdr *header = (const Elf64_Ehdr *)data;
	const Elf64_Shdr *sections = (const Elf64_Shdr *)(data + header->e_shoff);
	const char *names = (const char *)data + sections[header->e_shstrndx].sh_offset;

	for (unsigned int i = 0; i < header->e_shnum; i++)
		if (!strcmp(names + sections[i].sh_name, name))
			return (struct range){sections[i].sh_offset, sections[i].sh_size};
	fail_msg("no section %s", name);
	return (struct range){0};
}

/* Bytes that say something: LEB128's ends, encodings, instructions. */
static uint8_t garbage_byte(uint64_t *random)
{
	static const uint8_t telling[] = {0x00, 0x01, 0x7f, 0x80, 0xff, 0x0f, 0x10,
					  0x16, 0x0a, 0x0b, 0x1b, 0x9b, 0x50};

	return random_below(random, 2) ? (uint8_t)random_next(random)
				       : telling[random_below(random, sizeof(telling))];
}

static unsigned int expect_rows_or_errors(const char *path, uint64_t base, uint64_t *random)
{
	struct module *module = NULL;
	int fd = open(path, O_RDONLY | O_CLOEXEC), rc = module_open(fd, &module);
	unsigned int errors = 0;

	if (rc) {
		assert_true(rc == -ENOEXEC || rc == -ENOTSUP);
		return 1;
	}
	for (unsigned int i = 0; i < 3000; i++) {
		const struct unwind_row *row;
		uint64_t address = base + random_below(random, 0x20000);

		rc = module_row(module, address, &row);
		assert_true(!rc || rc == -ENOENT || rc == -EBADMSG || rc == -EIO);
		errors += rc == -EBADMSG || rc == -EIO;
		if (!rc)
			assert_true(row->rule_count <= UNWIND_RULES_MAX &&
				    row->cfa_reg < UNWIND_RULES_MAX &&
				    row->return_reg < UNWIND_RULES_MAX);
	}
	assert_true(module_memory(module) < 4 << 20);
	module_close(module);
	return errors;
}

static void garble(const char *name, const char *source, uint64_t base, int variants)
{
	unsigned int errors = 0;
	uint64_t random = 42;
	struct range range;
	size_t size;

	for (int i = 0; i < variants; i++) {
		uint8_t *data = unwind_read(source, &size);
		uint64_t changes = 1ULL << random_below(&random, 8);

		range = (struct range){0, sizeof(Elf64_Ehdr) + 12 * sizeof(Elf64_Phdr)};
		if (name)
			range = section(data, name);
		while (changes--)
			data[range.offset + random_below(&random, range.size)] =
				garbage_byte(&random);
		unwind_write(unwind_path("garbled"), data, size);
		free(data);
		errors += expect_rows_or_errors(unwind_path("garbled"), base, &random);
	}
	assert_true(errors > 0);
}

static void garbled_files(void **state)
{
	char path[256];

	(void)state;
	snprintf(path, sizeof(path), "%s", mapped_file("/libz\\."));
	garble(".eh_frame", path, 0, 200);
	garble(".eh_frame_hdr", path, 0, 60);
	garble(NULL, path, 0, 60); /* the headers */
	/* without a search table, so that all of it is read */
	snprintf(path, sizeof(path), "%s",
		 unwind_build("linear", "c", program, "-static -Wl,--no-eh-frame-hdr"));
	garble(".eh_frame", path, 0x401000, 60);
}

/* A file's .eh_frame as written, with two bytes of code. */
static struct module *module_of_frames(const char *frames)
{
	char source[4096];

	snprintf(source, sizeof(source),
		 ".text\nf: nop\nret\ng: nop\nret\n.section .eh_frame,\"a\",@progbits\n%s\n",
		 frames);
	return unwind_open(unwind_build("frames", "s", source,
					"-static -nostdlib -Wl,--no-eh-frame-hdr,-e0 "
					"-Wl,--section-start=.text=0x400000"));
}

#define CIE_OF(letters, data)                                                                      \
	"cie: .long cie_end-1f\n1: .long 0\n.byte 1\n" letters "\n.uleb128 1\n.sleb128 -8\n"       \
	".byte 16\n" data "\n.byte 0x0c, 7, 8, 0x90, 1\n.balign 4\ncie_end:\n"
#define FDE_OF(rest)                                                                               \
	"fde: .long fde_end-2f\n2: .long 2b-cie\n" rest "\n.balign 4\nfde_end: .long 0\n"

static int row_of_frames(const char *frames, int32_t *cfa_offset)
{
	struct module *module = module_of_frames(frames);
	const struct unwind_row *row;
	int rc = module_row(module, 0x400000, &row);

	if (!rc)
		*cfa_offset = row->cfa_offset;
	module_close(module);
	return rc;
}

static void entries_of_all_forms(void **state)
{
	static const char *const forms[] = {
		CIE_OF(".asciz \"\"", "") FDE_OF(".quad f\n.quad 2"),
		CIE_OF(".asciz \"z\"", ".uleb128 0") FDE_OF(".quad f\n.quad 2\n.uleb128 0"),
		CIE_OF(".asciz \"zR\"", ".uleb128 1\n.byte 0x1b")
			FDE_OF(".long f-.\n.long 2\n.uleb128 0"),
		CIE_OF(".asciz \"zR\"", ".uleb128 1\n.byte 0x03")
			FDE_OF(".long f\n.long 2\n.uleb128 0"),
		CIE_OF(".asciz \"zR\"", ".uleb128 1\n.byte 0x0b")
			FDE_OF(".long f\n.long 2\n.uleb128 0"),
		CIE_OF(".asciz \"zR\"", ".uleb128 1\n.byte 0x1c")
			FDE_OF(".quad f-.\n.quad 2\n.uleb128 0"),
		CIE_OF(".asciz \"zR\"", ".uleb128 1\n.byte 0x01")
			FDE_OF(".uleb128 0x400000\n.uleb128 2\n.uleb128 0"),
		/* personality, where its data are, unknown letters behind */
		CIE_OF(".asciz \"zPLRX\"", ".uleb128 8\n.byte 0x9b\n.long 0\n.byte 0x1b, 0x1b, 9")
			FDE_OF(".long f-.\n.long 2\n.uleb128 4\n.long 0"),
		/* augmentation data of which nobody knows what they are */
		CIE_OF(".asciz \"zR\"", ".uleb128 3\n.byte 0x1b, 1, 2")
			FDE_OF(".long f-.\n.long 2\n.uleb128 3\n.byte 1, 2, 3"),
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
		int32_t offset = 0;
		int rc = row_of_frames(forms[i], &offset);

		if (rc || offset != 8)
			fail_msg("form %zu: %d", i, rc);
	}
}

static void entries_that_make_no_sense(void **state)
{
	static const char *const forms[] = {
		/* an augmentation that is not sized, and not known */
		CIE_OF(".asciz \"q\"", "") FDE_OF(".quad f\n.quad 2"),
		/* indirect addresses, which are filled in at run time */
		CIE_OF(".asciz \"zR\"", ".uleb128 1\n.byte 0x9b")
			FDE_OF(".long f-.\n.long 2\n.uleb128 0"),
		/* more augmentation data than there are */
		CIE_OF(".asciz \"zRPPPPPPPPPPPPPPPP\"", ".uleb128 1\n.byte 0x1b")
			FDE_OF(".long f-.\n.long 2\n.uleb128 0"),
		CIE_OF(".asciz \"zR\"", ".uleb128 0x7fffffff\n.byte 0x1b")
			FDE_OF(".long f-.\n.long 2\n.uleb128 0"),
		/* a text without an end */
		CIE_OF(".ascii \"zRRR\"", ".fill 40,1,0x41")
			FDE_OF(".long f-.\n.long 2\n.uleb128 0"),
		/* nothing covered, nothing of ours covered */
		CIE_OF(".asciz \"z\"", ".uleb128 0") FDE_OF(".quad f\n.quad 0\n.uleb128 0"),
		CIE_OF(".asciz \"z\"", ".uleb128 0") FDE_OF(".quad g\n.quad 2\n.uleb128 0"),
		/* its own CIE; none; an entry before the section */
		CIE_OF(".asciz \"z\"", ".uleb128 0") "fde: .long fde_end-2f\n2: .long 4\n.quad "
						     "f\n.quad 2\n.long 0\nfde_end: .long 0\n",
		"fde: .long fde_end-2f\n2: .long 0x7fffff00\n.quad f\n.quad 2\n.long 0\n"
		"fde_end: .long 0\n",
		/* longer than the section, and as long as its length says */
		".long 0xfffffff0, 0, 0, 0, 0, 0, 0, 0\n",
		".long 0xffffffff, 0x20, 0, 0, 0, 0, 0, 0\n",
		"",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
		int32_t offset = 0;
		int rc = row_of_frames(forms[i], &offset);

		if (rc != -ENOENT && rc != -EBADMSG)
			fail_msg("form %zu: %d", i, rc);
	}
}

/*
 * Two entries share the bytes of an expression, which is a register's value to
 * one and the CFA to the other. elfutils 0.188 keeps expressions by where they
 * lie, and ends in an assertion.
 */
static void entries_that_overlap(void **state)
{
	struct module *module = module_of_frames(CIE_OF(
		".asciz \"z\"",
		".uleb128 0") "fa: .long fa_end-2f\n2: .long 2b-cie\n.quad f\n.quad 2\n.uleb128 "
			      "x-3f\n3:\n"
			      "fb: .long fb_end-4f\n4: .long 4b-cie\n.quad g\n.quad 2\n.uleb128 1\n"
			      "x: .byte 0x16, 0x0f, 2, 0x70, 0\nfb_end:\nfa_end: .long 0\n");
	const struct unwind_row *row;

	(void)state;
	assert_int_equal(module_row(module, 0x400000, &row), 0);
	assert_false(row->cfa_is_expression);
	assert_int_equal(module_row(module, 0x400002, &row), -ENOENT);
	module_close(module);
}

/* An instruction with the number of a register that makes elfutils take 1 GiB. */
static void what_asks_for_much_memory(void **state)
{
	struct module *module = module_of_frames(CIE_OF(".asciz \"z\"", ".uleb128 0") FDE_OF(
		".quad f\n.quad 2\n.uleb128 0\n.byte 0x07, 0xfe, 0xff, 0xff, 0x3f\n"
		".fill 2000,1,0x0a\n.fill 2000,1,0x0b\n"));
	const struct unwind_row *row;
	struct rusage before, after;

	(void)state;
	getrusage(RUSAGE_SELF, &before);
	assert_int_equal(module_row(module, 0x400000, &row), -EBADMSG);
	getrusage(RUSAGE_SELF, &after);
	assert_true(after.ru_maxrss - before.ru_maxrss < 1024);
	assert_true(module_memory(module) < 64 << 10);
	module_close(module);
}

/* Entries as long as functions are: not read in one go. */
static void entries_that_are_long(void **state)
{
	static const struct {
		unsigned int fill;
		int rc;
	} lengths[] = {{400, 0}, {440, 0},   {470, 0},	       {480, 0},
		       {500, 0}, {32000, 0}, {33000, -EBADMSG}};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
		int32_t offset = 0;
		char frames[1024];

		snprintf(frames, sizeof(frames),
			 CIE_OF(".asciz \"z\"", ".uleb128 0")
				 FDE_OF(".quad f\n.quad 2\n.uleb128 0\n.fill %u,1,0\n"
					".byte 0x0e, 48"),
			 lengths[i].fill);
		assert_int_equal(row_of_frames(frames, &offset), lengths[i].rc);
		if (!lengths[i].rc)
			assert_int_equal(offset, 48);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_of_libraries),
		cmocka_unit_test(rows_of_this_program),
		cmocka_unit_test(rows_of_the_vdso),
		cmocka_unit_test(rows_of_static_programs),
		cmocka_unit_test(rows_without_section_headers),
		cmocka_unit_test(garbled_files),
		cmocka_unit_test(entries_of_all_forms),
		cmocka_unit_test(entries_that_make_no_sense),
		cmocka_unit_test(entries_that_overlap),
		cmocka_unit_test(what_asks_for_much_memory),
		cmocka_unit_test(entries_that_are_long),
	};

	elf_version(EV_CURRENT);
	return cmocka_run_group_tests_name("cfi", tests, unwind_dir_make, unwind_dir_drop);
}
