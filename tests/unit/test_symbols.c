// SPDX-License-Identifier: GPL-2.0-only
/* Names of frames, from whatever the files have, as the views get them. */
#include "tests/unit/support.h"

#include <signal.h>

#include <sys/auxv.h>
#include <sys/wait.h>

#include "tests/unit/programs.h"
#include "user/stack/symbols_internal.h"

static const char program[] =
	"static inline __attribute__((always_inline)) int inner(int x)\n" /* 1 */
	"{\n"
	"	volatile int y = x * 3;\n"
	"	return y + 1;\n"
	"}\n"
	"static __attribute__((noinline)) int hidden(int x)\n" /* 6 */
	"{\n"
	"	return inner(x) + x;\n"
	"}\n"
	"__attribute__((noinline)) int shown(int x)\n" /* 10 */
	"{\n"
	"	return hidden(x) + 1;\n"
	"}\n"
	"int main(int argc, char **argv)\n"
	"{\n"
	"	return argv ? shown(argc) : 0;\n"
	"}\n";

static const char mangled[] =
	"int cxx(int) __asm__(\"_ZN4shop5Order3addEiPKc\");\n"
	"int cxx(int x) { return x; }\n"
	"int legacy(int) __asm__(\"_ZN7mycrate5cache6insert17h0123456789abcdefE\");\n"
	"int legacy(int x) { return x + 1; }\n"
	"int v0(int) __asm__(\"_RNvNtCs1234_7mycrate5cache6insert\");\n"
	"int v0(int x) { return x + 2; }\n"
	"int wrong(int) __asm__(\"_ZNnothing\");\n"
	"int wrong(int x) { return x + 3; }\n";

struct names {
	struct stacks *stacks;
	struct symbols *symbols;
};

static int begin(void **state)
{
	if (work_begin(state))
		return -1;
	write_text("program.c", program);
	write_text("mangled.c", mangled);
	run("gcc -O1 -g -o debug program.c mangled.c && strip -g -o plain debug");
	run("strip -o stripped debug");
	run("gcc -O1 -shared -fPIC -o libfoo.so.1 program.c && strip libfoo.so.1");
	return 0;
}

static struct names names_new(bool lines)
{
	struct names names = {.stacks = stacks_new(NULL, NULL)};
	static char directory[128];

	assert_non_null(names.stacks);
	names.symbols = symbols_new(names.stacks, lines);
	assert_non_null(names.symbols);
	snprintf(directory, sizeof(directory), "%s", in_work("debugfiles"));
	names.symbols->settings.debug_directory = directory;
	return names;
}

static void names_free(struct names *names)
{
	symbols_free(names->symbols);
	stacks_free(names->stacks);
}

static struct symbol_lines lines_at(struct names *names, uint32_t module, uint64_t address)
{
	const struct event_frame frame = {.module = module, .address = address};
	struct symbol_lines lines = symbols_of(names->symbols, &frame);

	assert_true(lines.count >= 1);
	for (size_t i = 0; i < lines.count; i++) {
		assert_true(lines.lines[i].name[0]);
		assert_non_null(lines.lines[i].file);
		assert_int_equal(lines.lines[i].inlined, i + 1 < lines.count);
	}
	return lines;
}

static const char *raw_at(struct names *names, uint32_t module, uint64_t address)
{
	const struct event_frame frame = {.module = module, .address = address};

	return symbols_raw_name(names->symbols, &frame);
}

static const char *name_at(struct names *names, uint32_t module, uint64_t address)
{
	struct symbol_lines lines = lines_at(names, module, address);

	return lines.lines[lines.count - 1].name;
}

/* Is the function at an address known by its name, with a line of hidden()? */
static void assert_hidden(struct names *names, uint32_t module, uint64_t address)
{
	struct symbol_lines lines = lines_at(names, module, address);
	const struct symbol *function = &lines.lines[lines.count - 1];

	assert_string_equal(function->name, "hidden");
	assert_in_range(function->line, 7, 9);
	assert_non_null(strstr(function->file, "/program.c"));
}

static pid_t host_pid(void)
{
	pid_t pid;

	assert_int_equal(children_of(0, &pid, 1), 1);
	return pid;
}

/* How many readers there are; *pid is one of them. */
static int readers_and(pid_t *pid)
{
	pid_t pids[32];
	size_t count = children_of(host_pid(), pids, ARRAY_SIZE(pids));

	*pid = pids[0];
	return (int)count;
}

static int readers(void)
{
	pid_t pid;

	return readers_and(&pid);
}

static void functions_have_names(void **state)
{
	struct names names = names_new(false);
	uint32_t module = add_module(names.stacks, in_work("plain"), 0);
	uint64_t hidden = address_of("plain", "hidden");
	struct symbol_lines lines = lines_at(&names, module, hidden + 1);

	(void)state;
	assert_int_equal(lines.count, 1);
	assert_string_equal(lines.lines[0].name, "hidden");
	assert_string_equal(lines.lines[0].file, "");
	assert_int_equal(lines.lines[0].line, 0);
	assert_true(lines.lines[0].known);
	assert_string_equal(raw_at(&names, module, hidden), "hidden");
	assert_string_equal(name_at(&names, module, address_of("plain", "main")), "main");
	names_free(&names);
}

static void what_has_no_name_has_a_place(void **state)
{
	struct names names = names_new(true);
	uint32_t module = add_module(names.stacks, in_work("libfoo.so.1"), 0);
	struct symbol_lines lines = lines_at(&names, module, 0x1000);

	(void)state;
	assert_string_equal(lines.lines[0].name, "libfoo.so.1+0x1000");
	assert_false(lines.lines[0].known);
	assert_null(raw_at(&names, module, 0x1000));
	assert_string_equal(name_at(&names, 0, 0x7f1234), "0x7f1234");
	/* numbers that were never given */
	assert_string_equal(name_at(&names, 99, 0x7f1234), "0x7f1234");
	assert_string_equal(name_at(&names, UINT32_MAX, 0x7f1234), "0x7f1234");
	/* the file has gone */
	module = add_module(names.stacks, "/nowhere/libbar.so", 0);
	assert_string_equal(name_at(&names, module, 0x2a), "libbar.so+0x2a");
	assert_int_equal(symbols_skipped(names.symbols), 0);
	names_free(&names);
}

static void another_file_by_that_name_is_not_it(void **state)
{
	struct names names = names_new(true);
	uint32_t module;

	(void)state;
	run("cp plain changes");
	module = add_module(names.stacks, in_work("changes"), 0);
	run("gcc -O0 -o changes program.c");
	assert_string_equal(name_at(&names, module, 0x2a), "changes+0x2a");
	names_free(&names);
}

static void lines_and_inlined_functions_are_shown(void **state)
{
	struct names names = names_new(true);
	uint32_t module = add_module(names.stacks, in_work("debug"), 0);
	uint64_t address = address_of("debug", "hidden");
	struct symbol_lines lines = lines_at(&names, module, address);

	(void)state;
	assert_hidden(&names, module, address);
	while (lines.count == 1)
		lines = lines_at(&names, module, ++address);
	assert_int_equal(lines.count, 2);
	assert_string_equal(lines.lines[0].name, "inner");
	assert_string_equal(lines.lines[0].file, in_work("program.c"));
	assert_true(lines.lines[0].known);
	assert_in_range(lines.lines[0].line, 2, 4);
	assert_string_equal(lines.lines[1].name, "hidden");
	assert_int_equal(lines.lines[1].line, 8);
	assert_string_equal(raw_at(&names, module, address), "hidden");
	names_free(&names);
}

static void without_lines_nothing_reads_dwarf(void **state)
{
	struct names names = names_new(false);
	uint32_t module = add_module(names.stacks, in_work("debug"), 0);
	struct symbol_lines lines = lines_at(&names, module, address_of("debug", "hidden"));

	(void)state;
	assert_string_equal(lines.lines[0].file, "");
	assert_int_equal(readers(), 0);
	names_free(&names);
}

static void answers_stay_and_readers_do_not(void **state)
{
	struct names names = names_new(true);
	uint32_t module = add_module(names.stacks, in_work("debug"), 0);
	uint64_t address = address_of("debug", "hidden");
	struct symbol_lines first, again;
	uint64_t memory;

	(void)state;
	assert_int_equal(readers(), 0);
	first = lines_at(&names, module, address);
	assert_int_equal(readers(), 1);
	symbols_rest(names.symbols);
	assert_int_equal(readers(), 0);
	memory = symbols_memory(names.symbols);
	again = lines_at(&names, module, address);
	assert_ptr_equal(first.lines, again.lines);
	assert_hidden(&names, module, address);
	assert_int_equal(readers(), 0);
	assert_int_equal(symbols_memory(names.symbols), memory);
	/* something new */
	assert_in_range(lines_at(&names, module, address_of("debug", "shown")).lines[0].line, 11,
			13);
	assert_int_equal(readers(), 1);
	assert_true(symbols_memory(names.symbols) > memory);
	names_free(&names);
}

static void build_id_path(const char *name, char *path, size_t size)
{
	struct elf_file file = open_work_elf(name);
	uint8_t id[ELF_BUILD_ID_MAX];
	size_t length = elf_file_build_id(&file, id), at;

	close_work_elf(&file);
	at = (size_t)snprintf(path, size, "debugfiles/.build-id/%02x/", id[0]);
	for (size_t i = 1; i < length; i++)
		at += (size_t)snprintf(path + at, size - at, "%02x", id[i]);
	snprintf(path + at, size - at, ".debug");
}

static void a_stripped_file_has_its_debug_file(void **state)
{
	struct names names = names_new(true), without = names_new(false);
	uint32_t module;
	char path[128];

	(void)state;
	build_id_path("stripped", path, sizeof(path));
	run("mkdir -p $(dirname %s) && objcopy --only-keep-debug debug %s", path, path);
	module = add_module(names.stacks, in_work("stripped"), 0);
	assert_hidden(&names, module, address_of("debug", "hidden"));
	module = add_module(without.stacks, in_work("stripped"), 0);
	assert_string_equal(name_at(&without, module, address_of("debug", "hidden")), "hidden");
	/* it has symbols of its own, but no lines */
	module = add_module(names.stacks, in_work("plain"), 0);
	assert_hidden(&names, module, address_of("debug", "hidden"));
	run("rm -r debugfiles");
	names_free(&without);
	names_free(&names);
}

static void mangled_names_are_shown_demangled(void **state)
{
	struct names names = names_new(false);
	uint32_t module = add_module(names.stacks, in_work("plain"), 0);
	static const struct {
		const char *raw, *shown;
	} cases[] = {
		{"_ZN4shop5Order3addEiPKc", "shop::Order::add(int, char const*)"},
		{"_ZN7mycrate5cache6insert17h0123456789abcdefE", "mycrate::cache::insert"},
		{"_RNvNtCs1234_7mycrate5cache6insert", "mycrate::cache::insert"},
		{"_ZNnothing", "_ZNnothing"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint64_t address = address_of("plain", cases[i].raw);

		assert_string_equal(raw_at(&names, module, address), cases[i].raw);
		assert_string_equal(name_at(&names, module, address), cases[i].shown);
		assert_string_equal(name_at(&names, module, address + 1), cases[i].shown);
	}
	assert_int_equal(readers(), 1);
	symbols_rest(names.symbols);
	assert_int_equal(readers(), 0);
	/* known already */
	assert_string_equal(
		name_at(&names, module, address_of("plain", "_ZN4shop5Order3addEiPKc") + 2),
		"shop::Order::add(int, char const*)");
	assert_int_equal(readers(), 0);
	names_free(&names);
}

static void long_names_are_cut(void **state)
{
	struct names names = names_new(false);
	uint32_t module;
	uint64_t address;

	(void)state;
	run("(printf 'int '; head -c 3000 /dev/zero | tr '\\0' a; echo '(void) { return 1; }'; "
	    "echo 'int main(void) { return 0; }') >long.c && gcc -o long long.c");
	module = add_module(names.stacks, in_work("long"), 0);
	address = address_of("long", "main") - 1;
	assert_int_equal(strlen(raw_at(&names, module, address)), 3000);
	assert_int_equal(strlen(name_at(&names, module, address)), READER_NAME_MAX - 1);
	assert_string_equal(name_at(&names, module, address) + READER_NAME_MAX - 5, "a...");
	names_free(&names);
}

/* ---- the bounds ---- */

static void large_dwarf_is_left_alone(void **state)
{
	struct names names = names_new(true);
	uint32_t module;
	struct symbol_lines lines;

	(void)state;
	run("gcc -O1 -g -gz=zlib -o packed program.c");
	module = add_module(names.stacks, in_work("packed"), 0);
	names.symbols->settings.unpacked_bytes = 200;
	lines = lines_at(&names, module, address_of("packed", "hidden"));
	assert_string_equal(lines.lines[0].name, "hidden");
	assert_string_equal(lines.lines[0].file, "");
	lines_at(&names, module, address_of("packed", "shown"));
	assert_int_equal(symbols_skipped(names.symbols), 1);
	assert_int_equal(readers(), 0);
	/* what is not packed takes no memory */
	module = add_module(names.stacks, in_work("debug"), 0);
	assert_hidden(&names, module, address_of("debug", "hidden"));
	assert_int_equal(symbols_skipped(names.symbols), 1);
	names_free(&names);
}

static void a_reader_that_had_enough_is_replaced(void **state)
{
	struct names names = names_new(true);
	uint32_t module = add_module(names.stacks, in_work("debug"), 0);
	struct symbol_lines lines;
	pid_t pid;

	(void)state;
	lines_at(&names, module, address_of("debug", "hidden"));
	assert_int_equal(readers_and(&pid), 1);
	assert_int_equal(kill(pid, SIGKILL), 0);
	lines = lines_at(&names, module, address_of("debug", "shown"));
	assert_in_range(lines.lines[0].line, 11, 13);
	assert_int_equal(symbols_skipped(names.symbols), 0);
	names_free(&names);
}

static void a_host_that_died_is_replaced(void **state)
{
	struct names names = names_new(true);
	uint32_t module = add_module(names.stacks, in_work("debug"), 0);
	pid_t pid = host_pid();

	(void)state;
	assert_hidden(&names, module, address_of("debug", "hidden"));
	assert_int_equal(kill(pid, SIGKILL), 0);
	/* its readers with it */
	assert_string_equal(name_at(&names, module, address_of("debug", "_ZN4shop5Order3addEiPKc")),
			    "shop::Order::add(int, char const*)");
	assert_in_range(lines_at(&names, module, address_of("debug", "shown")).lines[0].line, 11,
			13);
	assert_int_not_equal(host_pid(), pid);
	assert_int_equal(symbols_skipped(names.symbols), 0);
	names_free(&names);
}

static void a_file_that_kills_readers_is_left_alone(void **state)
{
	struct names names = names_new(true);
	struct symbol_lines lines;
	uint32_t module;

	(void)state;
	run("cp debug kills");
	module = add_module(names.stacks, in_work("kills"), 0);
	/* opened, with its table, and then cut: the reader that maps it dies of it */
	assert_string_equal(raw_at(&names, module, address_of("debug", "hidden")), "hidden");
	assert_int_equal(truncate(in_work("kills"), 64), 0);
	lines = lines_at(&names, module, address_of("debug", "hidden"));
	assert_string_equal(lines.lines[0].name, "hidden");
	assert_string_equal(lines.lines[0].file, "");
	assert_int_equal(symbols_skipped(names.symbols), 1);
	lines_at(&names, module, address_of("debug", "shown"));
	assert_int_equal(symbols_skipped(names.symbols), 1);
	assert_int_equal(readers(), 0);
	names_free(&names);
}

/* Each of them costs time, in which nothing else is done. */
static void many_bad_files_end_the_reading(void **state)
{
	struct names names = names_new(true);
	uint32_t module = add_module(names.stacks, in_work("debug"), 0);
	struct symbol_lines lines;

	(void)state;
	names.symbols->wasted_ns = 3600 * NSEC_PER_SEC;
	lines = lines_at(&names, module, address_of("debug", "hidden"));
	assert_string_equal(lines.lines[0].name, "hidden");
	assert_string_equal(lines.lines[0].file, "");
	assert_int_equal(readers(), 0);
	names_free(&names);
}

static void a_batch_takes_only_so_long(void **state)
{
	struct names names = names_new(true);
	uint32_t module = add_module(names.stacks, in_work("debug"), 0);
	uint64_t cxx = address_of("debug", "_ZN4shop5Order3addEiPKc");
	struct symbol_lines lines;

	(void)state;
	names.symbols->waited_ns = 3600 * NSEC_PER_SEC;
	lines = lines_at(&names, module, cxx);
	assert_string_equal(lines.lines[0].name, "_ZN4shop5Order3addEiPKc");
	assert_string_equal(lines.lines[0].file, "");
	assert_int_equal(readers(), 0);
	/* no better in the same batch, but in the next */
	assert_ptr_equal(lines_at(&names, module, cxx).lines, lines.lines);
	symbols_rest(names.symbols);
	assert_string_equal(name_at(&names, module, cxx), "shop::Order::add(int, char const*)");
	assert_int_equal(lines_at(&names, module, cxx).lines[0].line, 2);
	/* what was given before is still there */
	assert_string_equal(lines.lines[0].name, "_ZN4shop5Order3addEiPKc");
	names_free(&names);
}

static void tables_are_bounded_together(void **state)
{
	struct names names = names_new(false);
	uint32_t one = add_module(names.stacks, in_work("plain"), 0);
	uint32_t two = add_module(names.stacks, in_work("debug"), 0);

	(void)state;
	assert_string_equal(name_at(&names, one, address_of("plain", "main")), "main");
	names.symbols->settings.table_bytes = 100;
	assert_true(names.symbols->sources[one].opened);
	assert_string_equal(name_at(&names, two, address_of("plain", "main")), "main");
	/* the one that was there made room */
	assert_false(names.symbols->sources[one].opened);
	assert_true(names.symbols->sources[two].opened);
	assert_string_equal(name_at(&names, one, address_of("plain", "shown")), "shown");
	assert_string_equal(name_at(&names, two, address_of("plain", "shown")), "shown");
	assert_int_equal(symbols_skipped(names.symbols), 0);
	names_free(&names);
}

static void many_readers_are_not_kept(void **state)
{
	struct names names = names_new(true);

	(void)state;
	for (int i = 0; i < 12; i++) {
		char name[16];
		uint32_t module;

		snprintf(name, sizeof(name), "copy%d", i);
		run("cp debug %s", name);
		module = add_module(names.stacks, in_work(name), 0);
		assert_hidden(&names, module, address_of("debug", "hidden"));
		assert_in_range(readers(), 1, 8);
	}
	names_free(&names);
}

static void many_answers_are_kept_apart(void **state)
{
	struct names names = names_new(false);
	uint32_t one = add_module(names.stacks, in_work("plain"), 0);
	uint32_t two = add_module(names.stacks, "/nowhere/two", 0);

	(void)state;
	for (uint64_t round = 0; round < 2; round++)
		for (uint64_t i = 0; i < 5000; i++) {
			char expected[32];

			snprintf(expected, sizeof(expected), "two+0x%" PRIx64, i);
			assert_string_equal(name_at(&names, two, i), expected);
			snprintf(expected, sizeof(expected), "plain+0x%" PRIx64, i << 32);
			assert_string_equal(name_at(&names, one, i << 32), expected);
		}
	assert_int_equal(names.symbols->answer_count, 10000);
	names_free(&names);
}

/* ---- code without a file ---- */

static void jit_code_is_named_by_its_compiler(void **state)
{
	struct names names = names_new(true);
	uint32_t module = add_module(names.stacks, "[jit]", MODULE_NO_FILE);
	char path[64];
	FILE *file;

	(void)state;
	snprintf(path, sizeof(path), "/tmp/perf-%d.map", getpid());
	unlink(path);
	assert_string_equal(name_at(&names, module, 0x7f0000001004), "[jit]+0x7f0000001004");
	assert_null(raw_at(&names, module, 0x7f0000001004));
	file = fopen(path, "we");
	assert_non_null(file);
	fputs("7f0000001000 20 JS:grow app.js:12\n7f0000002000 20 _ZN1a1bEv\n", file);
	assert_int_equal(fclose(file), 0);
	/* it looks again within a second, but not at once */
	assert_null(raw_at(&names, module, 0x7f0000001004));
	names.symbols->sources[module].map.looked_ns -= 2 * NSEC_PER_SEC;
	assert_string_equal(raw_at(&names, module, 0x7f0000001004), "JS:grow app.js:12");
	assert_string_equal(name_at(&names, module, 0x7f0000001004), "JS:grow app.js:12");
	assert_string_equal(name_at(&names, module, 0x7f0000002004), "a::b()");
	assert_true(lines_at(&names, module, 0x7f0000001004).lines[0].known);
	unlink(path);
	/* the process may be gone by now */
	assert_string_equal(name_at(&names, module, 0x7f0000001008), "JS:grow app.js:12");
	names_free(&names);
}

/* ---- files that are open ---- */

static int open_named(void *ctx, uint32_t pid, uint64_t address, uint32_t dev, uint64_t ino,
		      char path[EVENT_PATH_LEN])
{
	const char *name = ctx;

	(void)pid;
	(void)address;
	(void)dev;
	(void)ino;
	snprintf(path, EVENT_PATH_LEN, "%s", name ? in_work(name) : "/gone");
	return name ? open(in_work(name), O_RDONLY | O_CLOEXEC) : -ENOENT;
}

static uint32_t open_module(struct names *names, uint32_t pid, uint64_t ino, const char *name)
{
	/* an hour later for each process */
	const struct event_header at = {
		.kind = EVENT_ATTACH, .pid = pid, .tid = pid, .time_ns = pid * 3600 * NSEC_PER_SEC};
	const struct stack_module *module =
		stacks_file(names->stacks, &at, 1, ino, 0, open_named, (void *)name);

	assert_non_null(module);
	return module->number;
}

static void open_files_need_no_path(void **state)
{
	struct names names = names_new(true);
	uint32_t module;

	(void)state;
	run("cp debug removed");
	module = open_module(&names, 1, 77, "removed");
	run("rm removed");
	assert_hidden(&names, module, address_of("debug", "hidden"));
	names_free(&names);
}

/* .gnu_debuglink, as only the file itself tells. */
static void a_link_leads_to_the_debug_file(void **state)
{
	struct names names = names_new(true);

	(void)state;
	run("gcc -O1 -g -Wl,--build-id=none -o noid program.c");
	run("objcopy --only-keep-debug noid noid.debug && strip noid");
	run("objcopy --add-gnu-debuglink=noid.debug noid");
	assert_hidden(&names, open_module(&names, 0, 78, "noid"),
		      address_of("noid.debug", "hidden"));
	names_free(&names);
}

static void a_file_that_opens_late_is_named_late(void **state)
{
	struct names names = names_new(true);
	uint64_t address = address_of("debug", "hidden");
	uint32_t module = open_module(&names, 1, 79, NULL);

	(void)state;
	assert_null(raw_at(&names, module, address));
	lines_at(&names, module, address);
	/* another process, which lets itself be read */
	assert_int_equal(open_module(&names, 2, 79, "debug"), module);
	assert_string_equal(raw_at(&names, module, address), "hidden");
	assert_hidden(&names, module, address);
	names_free(&names);
}

static void no_elf_file_is_survived(void **state)
{
	struct names names = names_new(true);
	uint32_t module = open_module(&names, 1, 80, "program.c");

	(void)state;
	assert_string_equal(name_at(&names, module, 0x10), "program.c+0x10");
	names_free(&names);
}

static void the_vdso_has_names(void **state)
{
	const struct event_header at = {.pid = 1, .tid = 1, .time_ns = 1};
	struct names names = names_new(true);
	const Elf64_Ehdr *header = (const void *)getauxval(AT_SYSINFO_EHDR);
	const struct stack_module *module = stacks_vdso(names.stacks, &at);
	size_t known = 0;

	(void)state;
	if (!header || !module || !module->module) {
		names_free(&names);
		print_message("skipped: no vdso\n");
		skip();
	}
	for (uint64_t address = 0; address < 0x2000; address += 4) {
		const char *name = raw_at(&names, module->number, address);

		/* rather than __vdso_clock_gettime */
		known += name && !strcmp(name, "clock_gettime");
	}
	assert_true(known > 10);
	names_free(&names);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(functions_have_names),
		cmocka_unit_test(what_has_no_name_has_a_place),
		cmocka_unit_test(another_file_by_that_name_is_not_it),
		cmocka_unit_test(lines_and_inlined_functions_are_shown),
		cmocka_unit_test(without_lines_nothing_reads_dwarf),
		cmocka_unit_test(answers_stay_and_readers_do_not),
		cmocka_unit_test(a_stripped_file_has_its_debug_file),
		cmocka_unit_test(mangled_names_are_shown_demangled),
		cmocka_unit_test(long_names_are_cut),
		cmocka_unit_test(large_dwarf_is_left_alone),
		cmocka_unit_test(a_reader_that_had_enough_is_replaced),
		cmocka_unit_test(a_host_that_died_is_replaced),
		cmocka_unit_test(a_file_that_kills_readers_is_left_alone),
		cmocka_unit_test(many_bad_files_end_the_reading),
		cmocka_unit_test(a_batch_takes_only_so_long),
		cmocka_unit_test(tables_are_bounded_together),
		cmocka_unit_test(many_readers_are_not_kept),
		cmocka_unit_test(many_answers_are_kept_apart),
		cmocka_unit_test(jit_code_is_named_by_its_compiler),
		cmocka_unit_test(open_files_need_no_path),
		cmocka_unit_test(a_link_leads_to_the_debug_file),
		cmocka_unit_test(a_file_that_opens_late_is_named_late),
		cmocka_unit_test(no_elf_file_is_survived),
		cmocka_unit_test(the_vdso_has_names),
	};

	return cmocka_run_group_tests_name("symbols", tests, begin, work_end);
}
