// SPDX-License-Identifier: GPL-2.0-only
#include "tests/unit/support.h"

#include "tests/unit/programs.h"
#include "user/stack/debug_file.h"

static const char program[] =
	"int answer(int x) { return x * 42; }\n"
	"int main(int argc, char **argv) { return argv ? answer(argc) : 0; }\n";

static uint8_t build_id[ELF_BUILD_ID_MAX];
static char id_path[128]; /* below the directory, of the debug file */

/* prog with all, stripped with nothing, debug with the rest; "linked" names it and has no id. */
static int begin(void **state)
{
	struct elf_file file;
	size_t length, at;

	if (work_begin(state))
		return -1;
	write_text("program.c", program);
	run("gcc -g -O1 -o prog program.c && objcopy --only-keep-debug prog prog.debug");
	run("strip -o stripped prog");
	run("gcc -g -O1 -Wl,--build-id=none -o noid program.c");
	run("objcopy --only-keep-debug noid linked.debug && strip -o linked noid");
	run("objcopy --add-gnu-debuglink=linked.debug linked && mkdir away && mv linked.debug "
	    "away");
	file = open_work_elf("prog");
	length = elf_file_build_id(&file, build_id);
	close_work_elf(&file);
	at = (size_t)snprintf(id_path, sizeof(id_path), "debug/.build-id/%02x/", build_id[0]);
	for (size_t i = 1; i < length; i++)
		at += (size_t)snprintf(id_path + at, sizeof(id_path) - at, "%02x", build_id[i]);
	snprintf(id_path + at, sizeof(id_path) - at, ".debug");
	run("mkdir -p $(dirname %s) .debug", id_path);
	return length == 20 ? 0 : -1;
}

static void clean(void)
{
	run("rm -rf %s linked.debug .debug/* debug/tmp", id_path);
}

static struct debug_search search_for(const char *name, bool with_id)
{
	static char directory[128];

	snprintf(directory, sizeof(directory), "%s", in_work("debug"));
	return (struct debug_search){
		.directory = directory,
		.path = in_work(name),
		.build_id = build_id,
		.build_id_len = with_id ? 20 : 0,
	};
}

/* Is a debug file found for a file? Its symbols prove that it is the right one. */
static int find(const char *name, bool with_id)
{
	struct debug_search search = search_for(name, with_id);
	struct elf_file own = open_work_elf(name), debug;
	int fd = -1, rc = debug_file_find(&search, &own, &fd, &debug);

	close_work_elf(&own);
	if (rc) {
		assert_int_equal(fd, -1);
		return rc;
	}
	assert_non_null(elf_file_section_of(&debug, SHT_SYMTAB));
	assert_int_equal(debug.bytes.fd, fd);
	elf_file_close(&debug);
	close(fd);
	return 0;
}

static void by_build_id(void **state)
{
	(void)state;
	clean();
	assert_int_equal(find("stripped", true), -ENOENT);
	run("cp prog.debug %s", id_path);
	assert_int_equal(find("stripped", true), 0);
	assert_int_equal(find("stripped", false), -ENOENT);
}

/* Even if the file itself is not there: what a recording names. */
static void without_the_file_itself(void **state)
{
	struct debug_search search = search_for("nowhere", true);
	struct elf_file debug;
	int fd = -1;

	(void)state;
	clean();
	assert_int_equal(debug_file_find(&search, NULL, &fd, &debug), -ENOENT);
	run("cp prog.debug %s", id_path);
	assert_int_equal(debug_file_find(&search, NULL, &fd, &debug), 0);
	elf_file_close(&debug);
	close(fd);
}

static void another_build_id_is_not_it(void **state)
{
	(void)state;
	clean();
	run("gcc -g -O0 -DOTHER -o other program.c && objcopy --only-keep-debug other %s", id_path);
	assert_int_equal(find("stripped", true), -ENOENT);
	run("cp noid %s", id_path);
	assert_int_equal(find("stripped", true), -ENOENT);
	write_text(id_path, "no ELF file at all");
	assert_int_equal(find("stripped", true), -ENOENT);
}

static void by_link_beside_the_file(void **state)
{
	(void)state;
	clean();
	assert_int_equal(find("linked", false), -ENOENT);
	run("cp away/linked.debug linked.debug");
	assert_int_equal(find("linked", false), 0);
	clean();
	run("cp away/linked.debug .debug/linked.debug");
	assert_int_equal(find("linked", false), 0);
}

static void by_link_below_the_directory(void **state)
{
	(void)state;
	clean();
	run("mkdir -p debug%s && cp away/linked.debug debug%s/", work_dir, work_dir);
	assert_int_equal(find("linked", false), 0);
}

/* The path as the process sees it; its root is that of the test. */
static void by_link_in_the_root_of_the_process(void **state)
{
	struct debug_search search = search_for("linked", false);
	struct elf_file own = open_work_elf("linked"), debug;
	int fd = -1;

	(void)state;
	clean();
	run("cp away/linked.debug linked.debug");
	search.pid = (uint32_t)getpid();
	assert_int_equal(debug_file_find(&search, &own, &fd, &debug), 0);
	elf_file_close(&debug);
	close(fd);
	search.pid = 0x7fffffff; /* gone */
	assert_int_equal(debug_file_find(&search, &own, &fd, &debug), 0);
	elf_file_close(&debug);
	close(fd);
	close_work_elf(&own);
}

static void a_link_is_proved_by_its_checksum(void **state)
{
	(void)state;
	clean();
	run("cp away/linked.debug linked.debug && printf x >>linked.debug");
	assert_int_equal(find("linked", false), -ENOENT);
	/* a good one further down the list */
	run("cp away/linked.debug .debug/linked.debug");
	assert_int_equal(find("linked", false), 0);
}

/* objcopy needs no file behind the link to be a debug file. */
static void a_link_to_itself_is_none(void **state)
{
	(void)state;
	clean();
	run("cp stripped self && objcopy --add-gnu-debuglink=self stripped new && mv new self");
	assert_int_equal(find("self", true), -ENOENT);
}

static void links_do_not_lead_elsewhere(void **state)
{
	size_t size;
	char *data = read_bytes("linked", &size), *name;

	(void)state;
	clean();
	run("cp away/linked.debug linked.debug && cp away/linked.debug away/x.debug");
	assert_int_equal(find("linked", false), 0);
	name = memmem(data, size, "linked.debug", 12);
	assert_non_null(name);
	memcpy(name, "away/x.debug", 12);
	write_bytes("leads", data, size);
	assert_int_equal(find("leads", false), -ENOENT);
	memset(name, 'x', 20); /* no end */
	write_bytes("leads", data, size);
	assert_int_equal(find("leads", false), -ENOENT);
	free(data);
}

/* Opening a FIFO hangs, opening a device may do worse. */
static void only_regular_files_are_opened(void **state)
{
	(void)state;
	run("rm -f fifo && mkfifo fifo && ln -sf /dev/null null");
	assert_int_equal(debug_open_regular(in_work("fifo")), -ENOENT);
	assert_int_equal(debug_open_regular(in_work("null")), -ENOENT);
	assert_int_equal(debug_open_regular(work_dir), -ENOENT);
	assert_int_equal(debug_open_regular(in_work("none")), -ENOENT);
	clean();
	run("mkfifo %s", id_path);
	assert_int_equal(find("stripped", true), -ENOENT);
	run("rm %s", id_path);
}

static int find_own(const char *path, bool with_id)
{
	struct debug_search search = search_for("", with_id);
	struct elf_file own;
	int fd = -1, rc;

	search.path = path;
	rc = debug_file_own(&search, &fd, &own);
	if (!rc) {
		elf_file_close(&own);
		close(fd);
	}
	return rc;
}

static void a_recorded_file_is_known_by_its_build_id(void **state)
{
	char path[256];

	(void)state;
	assert_int_equal(find_own(in_work("prog"), true), 0);
	snprintf(path, sizeof(path), "%s (deleted)", in_work("prog"));
	assert_int_equal(find_own(path, true), 0);
	assert_int_equal(find_own(in_work("prog"), false), -ENOENT);
	assert_int_equal(find_own(in_work("noid"), true), -ENOENT);
	assert_int_equal(find_own("prog", true), -ENOENT);
	assert_int_equal(find_own("", true), -ENOENT);
	assert_true(find_own(in_work("program.c"), true) < 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(by_build_id),
		cmocka_unit_test(without_the_file_itself),
		cmocka_unit_test(another_build_id_is_not_it),
		cmocka_unit_test(by_link_beside_the_file),
		cmocka_unit_test(by_link_below_the_directory),
		cmocka_unit_test(by_link_in_the_root_of_the_process),
		cmocka_unit_test(a_link_is_proved_by_its_checksum),
		cmocka_unit_test(a_link_to_itself_is_none),
		cmocka_unit_test(links_do_not_lead_elsewhere),
		cmocka_unit_test(only_regular_files_are_opened),
		cmocka_unit_test(a_recorded_file_is_known_by_its_build_id),
	};

	return cmocka_run_group_tests_name("debug_file", tests, begin, work_end);
}
