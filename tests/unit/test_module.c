// SPDX-License-Identifier: GPL-2.0-only
#include "tests/unit/unwind_support.h"

#include <sys/auxv.h>

#include "user/stack/module_rows.h"

static const char program[] = "int helper(int x) { return x * 2; }\n"
			      "int main(int argc, char **argv)\n"
			      "{ (void)argv; return helper(argc); }\n";

static const char *build(const char *name, const char *options)
{
	return unwind_build(name, "c", program, options);
}

/* What module_open() says of a file of these bytes. */
static int open_bytes(const void *data, size_t size, struct module **module)
{
	int fd;

	unwind_write(unwind_path("bytes"), data, size);
	fd = open(unwind_path("bytes"), O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	return module_open(fd, module);
}

static bool fd_is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

/* ---- what a file is ---- */

static void expect_build_id(const char *path, const char *hex)
{
	struct module *module = unwind_open(path);
	const uint8_t *id;
	size_t size = module_build_id(module, &id);
	char text[2 * 64 + 1] = "";

	assert_true(size <= 64);
	for (size_t i = 0; i < size; i++)
		sprintf(text + 2 * i, "%02x", id[i]);
	assert_string_equal(text, hex);
	module_close(module);
}

static void build_ids(void **state)
{
	char libc[256];

	(void)state;
	expect_build_id(build("id", "-Wl,--build-id=0x00112233445566778899aabbccddeeff01234567"),
			"00112233445566778899aabbccddeeff01234567");
	expect_build_id(build("id", "-Wl,--build-id=0xabcd"), "abcd");
	expect_build_id(build("id", "-Wl,--build-id=none"), "");
	expect_build_id(build("id", "-static -Wl,--build-id=0x1234"), "1234");
	snprintf(libc, sizeof(libc), "%s",
		 unwind_command("grep -m1 -o '/[^ ]*/libc\\.so[^ ]*' /proc/%d/maps", getpid()));
	expect_build_id(libc, unwind_command("readelf -n %s | sed -n 's/.*Build ID: //p'", libc));
	assert_true(strlen(unwind_command("readelf -n %s | sed -n 's/.*Build ID: //p'", libc)) ==
		    40);
}

static void machines(void **state)
{
	static const struct {
		size_t at; /* byte of the header */
		uint8_t value;
		int rc;
	} changes[] = {
		{EI_CLASS, ELFCLASS32, -ENOTSUP},
		{EI_DATA, ELFDATA2MSB, -ENOTSUP},
		{offsetof(Elf64_Ehdr, e_machine), EM_AARCH64, 0},
		{offsetof(Elf64_Ehdr, e_machine), EM_386, -ENOTSUP},
		{offsetof(Elf64_Ehdr, e_machine), EM_RISCV, -ENOTSUP},
		{offsetof(Elf64_Ehdr, e_type), ET_REL, -ENOEXEC},
		{offsetof(Elf64_Ehdr, e_type), ET_CORE, -ENOEXEC},
		{offsetof(Elf64_Ehdr, e_phentsize), 32, -ENOEXEC},
		{EI_MAG0, 0, -ENOEXEC},
	};
	const char *path = build("plain", "-O2");
	struct module *module = unwind_open(path);
	uint8_t *data;
	size_t size;

	(void)state;
#ifdef __x86_64__
	assert_int_equal(module_machine(module), EM_X86_64);
#endif
	module_close(module);
	for (size_t i = 0; i < ARRAY_SIZE(changes); i++) {
		module = NULL;
		data = unwind_read(path, &size);
		data[changes[i].at] = changes[i].value;
		data[offsetof(Elf64_Ehdr, e_machine) + 1] = 0;
		assert_int_equal(open_bytes(data, size, &module), changes[i].rc);
		free(data);
		assert_true(!module == !!changes[i].rc); /* untouched on failure */
		if (module)
			assert_int_equal(module_machine(module), EM_AARCH64);
		module_close(module);
	}
}

static void files_that_are_none_of_ours(void **state)
{
	static const char text[] = "#!/bin/sh\nexit 0\n";
	struct module *module = NULL;
	uint8_t zeroes[256] = {0};
	int fd, ends[2];

	(void)state;
	assert_int_equal(open_bytes(text, sizeof(text), &module), -ENOEXEC);
	assert_int_equal(open_bytes(zeroes, sizeof(zeroes), &module), -ENOEXEC);
	assert_int_equal(open_bytes(zeroes, 0, &module), -ENOEXEC);
	fd = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	assert_int_equal(module_open(fd, &module), -ENOEXEC);
	assert_false(fd_is_open(fd)); /* taken all the same */
	fd = open("/", O_RDONLY | O_CLOEXEC);
	assert_int_equal(module_open(fd, &module), -ENOEXEC);
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(module_open(ends[0], &module), -ENOEXEC);
	close(ends[1]);
	assert_int_equal(module_open(-1, &module), -ENOEXEC);
	assert_null(module);
	module_close(NULL);
}

static void the_file_is_taken(void **state)
{
	int fd = open(build("plain", "-O2"), O_RDONLY | O_CLOEXEC);
	const void *image = NULL;
	struct module *module;
	size_t size = 0;

	(void)state;
	assert_int_equal(module_open(fd, &module), 0);
	assert_int_equal(module_file(module, &image, &size), fd);
	assert_true(fd_is_open(fd));
	module_close(module);
	assert_false(fd_is_open(fd));
}

/* ---- addresses ---- */

static uint64_t symbol(const char *path, const char *name)
{
	return strtoull(unwind_command("nm %s | sed -n 's/ [tT] %s$//p'", path, name), NULL, 16);
}

static void addresses_of_places_in_the_file(void **state)
{
	static const char *const how[] = {"-O2",
					  "-O2 -no-pie",
					  "-static",
					  "-static-pie -fPIE",
					  "-O2 -Wl,-z,noseparate-code",
					  "-O2 -Wl,-z,separate-code"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(how); i++) {
		const char *path = build("plain", how[i]);
		struct module *module = unwind_open(path);
		uint64_t main_at = symbol(path, "main"), address = 0, offset;
		char *end;

		/* objdump names the place in the file: "... <main> (File Offset: 0x1139):" */
		offset = strtoull(unwind_command("objdump -dF %s | sed -n "
						 "'s/.*<main> (File Offset: \\(0x[0-9a-f]*\\)).*/"
						 "\\1/p'",
						 path),
				  &end, 16);
		assert_true(main_at && offset);
		assert_true(module_address(module, offset, &address));
		assert_int_equal(address, main_at);
		module_close(module);
	}
}

static void places_that_are_not_code(void **state)
{
	const char *path = build("plain", "-O2 -Wl,-z,separate-code");
	struct module *module = unwind_open(path);
	uint64_t address = 42;
	struct stat st;

	(void)state;
	assert_int_equal(stat(path, &st), 0);
	assert_false(module_address(module, 0, &address)); /* headers: readable only */
	assert_false(module_address(module, (uint64_t)st.st_size, &address));
	assert_false(module_address(module, UINT64_MAX, &address));
	assert_false(module_address(module, 1ULL << 63, &address));
	assert_int_equal(address, 42);
	module_close(module);
}

static void the_vdso(void **state)
{
	struct module *module;
	const Elf64_Ehdr *header;
	const void *image;
	const uint8_t *id;
	uint64_t address;
	size_t size;

	(void)state;
	assert_int_equal(module_open_vdso(&module), 0);
	assert_int_equal(module_file(module, &image, &size), -1);
	assert_ptr_equal(image, (void *)getauxval(AT_SYSINFO_EHDR));
	header = image;
	assert_true(size >= sizeof(*header) && size <= 65536);
	assert_true(header->e_shoff + header->e_shnum * sizeof(Elf64_Shdr) <= size);
	assert_int_equal(module_machine(module), header->e_machine);
	assert_true(module_build_id(module, &id) > 0);
	assert_true(module_address(module, 0x800, &address));
	assert_int_equal(address, 0x800);
	module_close(module);
}

/* ---- rows ---- */

static void rows_are_kept(void **state)
{
	const char *path = build("plain", "-O2");
	struct module *module = unwind_open(path);
	uint64_t at = symbol(path, "main"), memory = module_memory(module);
	const struct unwind_row *row = NULL, *again = NULL, *other = NULL;

	(void)state;
	assert_int_equal(module_row(module, at, &row), 0);
	assert_false(row->signal_frame);
	assert_true(module_memory(module) > memory);
	memory = module_memory(module);
	assert_int_equal(module_row(module, at, &again), 0);
	assert_ptr_equal(row, again);
	/* the same rules are the same row, wherever they hold */
	assert_int_equal(module_row(module, symbol(path, "helper"), &other), 0);
	assert_ptr_equal(row, other);
	assert_int_equal(module_memory(module), memory);
	assert_int_equal(module_row(module, 0, &row), -ENOENT);
	assert_int_equal(module_row(module, 0, &row), -ENOENT);
	assert_int_equal(module_row(module, UINT64_MAX, &row), -ENOENT);
	assert_ptr_equal(row, again);
	module_close(module);
}

/* What was read once is not read again; what is read later is not there any more. */
static void a_file_cut_short_while_it_is_used(void **state)
{
	const char *path = build("cut", "-O2");
	struct module *module = unwind_open(path);
	uint64_t at = symbol(path, "main");
	const struct unwind_row *row = NULL, *other;

	(void)state;
	assert_int_equal(module_row(module, at, &row), 0);
	assert_int_equal(truncate(path, 100), 0);
	other = row;
	assert_int_equal(module_row(module, at, &other), 0);
	assert_ptr_equal(other, row);
	for (uint64_t i = 1; i < 64; i++)
		assert_int_equal(module_row(module, at + i, &row), -EIO);
	module_close(module);
}

static void files_cut_short_before(void **state)
{
	size_t size, opened = 0;
	uint8_t *data = unwind_read(build("plain", "-O2"), &size);
	uint64_t at = symbol(unwind_path("plain"), "main");

	(void)state;
	for (size_t cut = 0; cut < size; cut += cut < 1200 ? 1 : 97) {
		const struct unwind_row *row;
		struct module *module;
		int rc = open_bytes(data, cut, &module);

		if (rc) {
			assert_int_equal(rc, -ENOEXEC);
			continue;
		}
		opened++;
		for (uint64_t i = 0; i < 4; i++) {
			rc = module_row(module, at + i, &row);
			assert_true(!rc || rc == -ENOENT || rc == -EIO || rc == -EBADMSG);
		}
		module_close(module);
	}
	assert_true(opened > 100);
	free(data);
}

/* The end of an address's entry in .eh_frame, as readelf has it, from the section's start. */
static uint64_t entry_end(const char *path, uint64_t address)
{
	const char *line = unwind_command("readelf --debug-dump=frames %s | grep 'pc=%016lx\\.'",
					  path, address);
	uint64_t offset, length;

	assert_int_equal(sscanf(line, "%lx %lx", &offset, &length), 2);
	return offset + sizeof(uint32_t) + length;
}

/* Bytes of the file behind a segment's end are not in it. */
static void unwind_information_behind_its_segment(void **state)
{
	const char *path = build("plain", "-O2");
	uint64_t at = symbol(path, "main"), end = entry_end(path, at), frames;
	size_t size;
	uint8_t *data = unwind_read(path, &size);
	Elf64_Ehdr *header = (Elf64_Ehdr *)data;
	Elf64_Phdr *programs = (Elf64_Phdr *)(data + header->e_phoff), *load = NULL;

	(void)state;
	frames = strtoull(
		unwind_command("readelf -SW %s | sed -n 's/.* \\.eh_frame  *PROGBITS *//p'", path),
		NULL, 16);
	for (unsigned int i = 0; i < header->e_phnum; i++)
		if (programs[i].p_type == PT_LOAD &&
		    frames - programs[i].p_vaddr < programs[i].p_filesz)
			load = &programs[i];
	assert_non_null(load);
	for (uint64_t cut = 0; cut < 12; cut++) {
		const struct unwind_row *row = NULL;
		struct module *module = NULL;

		load->p_filesz = frames + end - cut - load->p_vaddr;
		assert_int_equal(open_bytes(data, size, &module), 0);
		assert_int_equal(module_row(module, at, &row), cut ? -EBADMSG : 0);
		module_close(module);
	}
	free(data);
}

/* Sizes and counts that a file of nothing may claim. */
static void files_that_claim_to_be_huge(void **state)
{
	const char *path = build("huge", "-static -Wl,--no-eh-frame-hdr");
	const struct unwind_row *row;
	struct module *module;
	Elf64_Ehdr *header;
	Elf64_Phdr *programs;
	Elf64_Shdr *sections;
	uint8_t *data;
	size_t size;

	(void)state;
	data = unwind_read(path, &size);
	header = (Elf64_Ehdr *)data;
	programs = (Elf64_Phdr *)(data + header->e_phoff);
	sections = (Elf64_Shdr *)(data + header->e_shoff);
	for (unsigned int i = 0; i < header->e_shnum; i++)
		if (sections[i].sh_flags & SHF_ALLOC)
			sections[i].sh_size = 1ULL << 40;
	for (unsigned int i = 0; i < header->e_phnum; i++)
		if (programs[i].p_type == PT_LOAD)
			programs[i].p_filesz = programs[i].p_memsz = 1ULL << 40;
	unwind_write(path, data, size);
	assert_int_equal(truncate(path, 1LL << 40), 0); /* sparse */
	module = unwind_open(path);
	for (uint64_t at = 0x401000; at < 0x402000; at++)
		module_row(module, at, &row);
	assert_true(module_memory(module) < 64 << 20);
	module_close(module);

	header->e_shnum = 0; /* their number is in the first one */
	sections[0].sh_size = 1ULL << 34;
	unwind_write(path, data, size);
	assert_int_equal(truncate(path, 1LL << 42), 0);
	module_close(unwind_open(path));

	header->e_phnum = 0xffff;
	unwind_write(path, data, size);
	free(data);
	module = NULL;
	assert_int_equal(module_open(open(path, O_RDONLY), &module), -ENOEXEC);
}

static void segments_that_wrap_around(void **state)
{
	static const uint64_t values[] = {UINT64_MAX, UINT64_MAX - 0xfff, 1ULL << 63, 0};
	const char *path = build("plain", "-O2");
	size_t fields[] = {offsetof(Elf64_Phdr, p_offset), offsetof(Elf64_Phdr, p_vaddr),
			   offsetof(Elf64_Phdr, p_filesz)};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(values) * ARRAY_SIZE(fields); i++) {
		const struct unwind_row *row;
		struct module *module = NULL;
		size_t size;
		uint8_t *data = unwind_read(path, &size);
		Elf64_Ehdr *header = (Elf64_Ehdr *)data;
		uint8_t *programs = data + header->e_phoff;

		for (unsigned int j = 0; j < header->e_phnum; j++)
			memcpy(programs + j * sizeof(Elf64_Phdr) + fields[i / ARRAY_SIZE(values)],
			       &values[i % ARRAY_SIZE(values)], 8);
		if (!open_bytes(data, size, &module)) {
			uint64_t address;

			for (uint64_t at = 0; at < 0x4000; at += 64) {
				module_row(module, at, &row);
				module_row(module, UINT64_MAX - at, &row);
				module_address(module, at, &address);
			}
		}
		module_close(module);
		free(data);
	}
}

/* ---- the cache ---- */

static struct unwind_row *row_new(int32_t offset)
{
	struct unwind_row *row = calloc(1, sizeof(*row) + sizeof(row->rules[0]));

	assert_non_null(row);
	row->rule_count = 1;
	row->rules[0] = (struct unwind_rule){.reg = 16, .kind = RULE_OFFSET, .offset = offset};
	return row;
}

static void answers_are_found_again(void **state)
{
	const struct unwind_row *kept[100], *found;
	struct module_rows rows;

	(void)state;
	module_rows_open(&rows);
	assert_int_equal(module_rows_find(&rows, 0, &found), 1);
	for (uint64_t i = 0; i < 10000; i++) {
		const struct unwind_row **row = &kept[i % ARRAY_SIZE(kept)];
		struct unwind_row *made = row_new((int32_t)(i % ARRAY_SIZE(kept)));

		assert_int_equal(module_rows_keep(&rows, made, &found), 0);
		if (i < ARRAY_SIZE(kept))
			*row = found;
		assert_ptr_equal(*row, found);
		module_rows_answer(&rows, i << 32, i % 3 ? found : NULL, i % 3 ? 0 : -ENOENT);
	}
	assert_int_equal(rows.row_count, ARRAY_SIZE(kept));
	assert_int_equal(rows.count, 10000);
	for (uint64_t i = 0; i < 10000; i++) {
		int rc = module_rows_find(&rows, i << 32, &found);

		assert_int_equal(rc, i % 3 ? 0 : -ENOENT);
		if (!rc)
			assert_ptr_equal(found, kept[i % ARRAY_SIZE(kept)]);
		assert_int_equal(module_rows_find(&rows, (i << 32) + 1, &found), 1);
	}
	module_rows_close(&rows);
}

/* Too many addresses: those of the module with most of them go, and no row does. */
static void addresses_are_forgotten(void **state)
{
	const struct unwind_row *kept, *found;
	struct module_rows many, few;
	uint32_t in_few = 1000;

	(void)state;
	module_rows_open(&many);
	module_rows_open(&few);
	assert_int_equal(module_rows_keep(&many, row_new(7), &kept), 0);
	for (uint64_t i = 0; i < in_few; i++)
		module_rows_answer(&few, i, NULL, -ENOENT);
	for (uint64_t i = 0; i < MODULE_ADDRESSES_MAX - in_few; i++)
		module_rows_answer(&many, i, kept, 0);
	assert_int_equal(many.count + few.count, MODULE_ADDRESSES_MAX);
	assert_int_equal(module_rows_find(&many, 12345, &found), 0);
	module_rows_answer(&few, in_few, NULL, -ENOENT);
	assert_int_equal(many.count, 0);
	assert_int_equal(few.count, in_few + 1);
	assert_int_equal(module_rows_find(&many, 12345, &found), 1);
	assert_int_equal(kept->rules[0].offset, 7);
	assert_true(module_rows_memory(&many) < 4096);
	module_rows_answer(&many, 12345, kept, 0);
	assert_int_equal(module_rows_find(&many, 12345, &found), 0);
	module_rows_close(&many);
	module_rows_close(&few);
}

/* Rows that are all different: no more than MODULE_ROW_BYTES_MAX of them. */
static void rows_have_a_limit(void **state)
{
	const struct unwind_row *kept;
	struct module_rows rows;
	int32_t i = 0;

	(void)state;
	module_rows_open(&rows);
	while (!module_rows_keep(&rows, row_new(i), &kept))
		assert_true(i++ < 1 << 20);
	assert_true(i > 10000);
	assert_true(rows.row_bytes <= MODULE_ROW_BYTES_MAX);
	/* those that are there are still found */
	assert_int_equal(module_rows_keep(&rows, row_new(5), &kept), 0);
	assert_int_equal(module_rows_keep(&rows, row_new(i + 1), &kept), -ENOMEM);
	module_rows_close(&rows);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(build_ids),
		cmocka_unit_test(machines),
		cmocka_unit_test(files_that_are_none_of_ours),
		cmocka_unit_test(the_file_is_taken),
		cmocka_unit_test(addresses_of_places_in_the_file),
		cmocka_unit_test(places_that_are_not_code),
		cmocka_unit_test(the_vdso),
		cmocka_unit_test(rows_are_kept),
		cmocka_unit_test(a_file_cut_short_while_it_is_used),
		cmocka_unit_test(files_cut_short_before),
		cmocka_unit_test(unwind_information_behind_its_segment),
		cmocka_unit_test(files_that_claim_to_be_huge),
		cmocka_unit_test(segments_that_wrap_around),
		cmocka_unit_test(answers_are_found_again),
		cmocka_unit_test(addresses_are_forgotten),
		cmocka_unit_test(rows_have_a_limit),
	};

	return cmocka_run_group_tests_name("module", tests, unwind_dir_make, unwind_dir_drop);
}
