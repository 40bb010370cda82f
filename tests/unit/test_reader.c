// SPDX-License-Identifier: GPL-2.0-only
/* The process that reads hostile files: what it may do, and what it does to the collector. */
#include "tests/unit/support.h"

#include <signal.h>
#include <time.h>

#include <sys/wait.h>

#include "tests/unit/programs.h"
#include "user/stack/reader.h"

#define MEMORY ((uint64_t)256 << 20)

/* No answer takes as long, unless something is wrong. */
#define WAIT_MS 20000

static const char program[] = "static inline __attribute__((always_inline)) int inner(int x)\n"
			      "{\n"
			      "	volatile int y = x * 3;\n"
			      "	return y + 1;\n"
			      "}\n"
			      "__attribute__((noinline)) int outer(int x)\n"
			      "{\n"
			      "	return inner(x) + x;\n"
			      "}\n"
			      "int main(int argc, char **argv)\n"
			      "{\n"
			      "	return argv ? outer(argc) : 0;\n"
			      "}\n";

static struct reader_host *host;
static uint64_t outer; /* an address in it, inside of what is inlined */

static int begin(void **state)
{
	struct debug_line lines[DEBUG_LINES_MAX];
	struct debug_info *info;
	int fd;

	if (work_begin(state))
		return -1;
	write_text("program.c", program);
	run("gcc -O1 -g -o program program.c");
	fd = open(in_work("program"), O_RDONLY | O_CLOEXEC);
	if (debug_info_open(fd, &info))
		return -1;
	outer = address_of("program", "outer");
	while (debug_info_lines(info, outer, lines) != 2)
		outer++;
	debug_info_close(info);
	close(fd);
	return reader_host_start(&host);
}

static struct reader *start(const char *name, uint64_t memory)
{
	int fd = name ? open(in_work(name), O_RDONLY | O_CLOEXEC) : -1;
	struct reader *reader;

	assert_true(!name || fd >= 0);
	assert_int_equal(reader_start(host, fd, memory, &reader), 0);
	if (fd >= 0)
		close(fd);
	return reader;
}

static pid_t host_pid(void)
{
	pid_t pid;

	assert_int_equal(children_of(0, &pid, 1), 1);
	return pid;
}

/* The only one there is. */
static pid_t reader_pid(void)
{
	pid_t pids[2];

	assert_int_equal(children_of(host_pid(), pids, 2), 1);
	return pids[0];
}

static int readers(void)
{
	pid_t pids[16];

	return (int)children_of(host_pid(), pids, ARRAY_SIZE(pids));
}

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / NSEC_PER_MSEC;
}

static int end(void **state)
{
	reader_host_stop(host);
	return work_end(state);
}

static void lines_come_through(void **state)
{
	struct debug_line lines[DEBUG_LINES_MAX];
	struct reader *reader = start("program", MEMORY);

	(void)state;
	assert_false(reader_was_fine(reader));
	for (int i = 0; i < 3; i++) {
		assert_int_equal(reader_lines(reader, outer, WAIT_MS, lines), 2);
		assert_string_equal(lines[0].name, "inner");
		assert_string_equal(lines[0].file, in_work("program.c"));
		assert_in_range(lines[0].line, 2, 4);
		assert_string_equal(lines[1].name, "outer");
		assert_int_equal(lines[1].line, 8);
		assert_int_equal(reader_lines(reader, 0, WAIT_MS, lines), 0);
	}
	assert_true(reader_was_fine(reader));
	reader_stop(reader);
}

static void relative_files_get_their_directory(void **state)
{
	struct debug_line lines[DEBUG_LINES_MAX];
	struct reader *reader;

	(void)state;
	/* clang has those that are included relative */
	write_text("includes.c", "#include \"program.c\"\n");
	run("clang -O1 -g -o relative includes.c");
	reader = start("relative", MEMORY);
	assert_in_range(reader_lines(reader, address_of("relative", "main"), WAIT_MS, lines), 1, 3);
	assert_int_equal(lines[0].file[0], '/');
	assert_non_null(strstr(lines[0].file, "/program.c"));
	reader_stop(reader);
}

static void names_come_through(void **state)
{
	struct reader *reader = start(NULL, MEMORY);
	char text[READER_NAME_MAX], name[READER_MANGLED_MAX + 10];
	struct debug_line lines[DEBUG_LINES_MAX];

	(void)state;
	assert_int_equal(reader_demangle(reader, "_ZN4shop5Order3addEi", WAIT_MS, text), 0);
	assert_string_equal(text, "shop::Order::add(int)");
	assert_int_equal(reader_demangle(reader, "main", WAIT_MS, text), -ENOENT);
	assert_int_equal(reader_demangle(reader, "", WAIT_MS, text), -ENOENT);
	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	assert_int_equal(reader_demangle(reader, name, WAIT_MS, text), -ENOENT);
	assert_int_equal(reader_lines(reader, outer, WAIT_MS, lines), 0);
	reader_stop(reader);
	reader_stop(NULL);
}

static uint64_t status_of(pid_t pid, const char *field, int base)
{
	char path[64], text[4096], *line;
	FILE *file;
	size_t got;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	file = fopen(path, "re");
	assert_non_null(file);
	got = fread(text, 1, sizeof(text) - 1, file);
	fclose(file);
	text[got] = '\0';
	line = strstr(text, field);
	assert_non_null(line);
	return strtoull(line + strlen(field), NULL, base);
}

static void it_can_do_nothing(void **state)
{
	struct debug_line lines[DEBUG_LINES_MAX];
	struct reader *reader = start("program", MEMORY);
	pid_t pid = reader_pid();
	FILE *pipe;
	int files;

	(void)state;
	assert_int_equal(reader_lines(reader, outer, WAIT_MS, lines), 2);
	assert_int_equal(status_of(pid, "\nCapEff:", 16), 0);
	assert_int_equal(status_of(pid, "\nCapPrm:", 16), 0);
	assert_int_equal(status_of(pid, "\nNoNewPrivs:", 10), 1);
	if (!getuid()) {
		assert_int_equal(status_of(pid, "\nUid:", 10), 65534);
		assert_int_equal(status_of(pid, "\nGid:", 10), 65534);
		/* the file and the socket */
		pipe = output_of("ls /proc/%d/fd | wc -l", pid);
		assert_int_equal(fscanf(pipe, "%d", &files), 1);
		assert_int_equal(pclose(pipe), 0);
		assert_int_equal(files, 2);
	}
	reader_stop(reader);
	assert_int_equal(kill(pid, 0), -1);
	/* neither may the host */
	pid = host_pid();
	assert_int_equal(status_of(pid, "\nCapPrm:", 16), 0);
	if (!getuid())
		assert_int_equal(status_of(pid, "\nUid:", 10), 65534);
}

static void one_that_is_stuck_is_not_waited_for(void **state)
{
	struct debug_line lines[DEBUG_LINES_MAX];
	struct reader *reader = start("program", MEMORY);
	uint64_t begin_ms;

	(void)state;
	assert_int_equal(reader_lines(reader, outer, WAIT_MS, lines), 2);
	assert_int_equal(kill(reader_pid(), SIGSTOP), 0);
	begin_ms = now_ms();
	assert_int_equal(reader_lines(reader, outer, 200, lines), -ETIMEDOUT);
	assert_in_range(now_ms() - begin_ms, 199, 10000);
	/* its late answer would be that to another question */
	assert_int_equal(kill(reader_pid(), SIGCONT), 0);
	assert_int_equal(reader_lines(reader, 0, WAIT_MS, lines), -EPIPE);
	reader_stop(reader);
}

static void one_that_died_says_nothing(void **state)
{
	struct debug_line lines[DEBUG_LINES_MAX];
	struct reader *reader = start("program", MEMORY);

	(void)state;
	kill(reader_pid(), SIGKILL);
	assert_int_equal(reader_lines(reader, outer, WAIT_MS, lines), -EPIPE);
	assert_int_equal(reader_lines(reader, outer, WAIT_MS, lines), -EPIPE);
	reader_stop(reader);
}

/* A process that is dead may still be there, where nobody reaps orphans. */
static bool is_dead(pid_t pid)
{
	char path[64], text[512] = "";
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	file = fopen(path, "re");
	if (!file)
		return true;
	if (!fgets(text, sizeof(text), file))
		text[0] = '\0';
	fclose(file);
	return !text[0] || strstr(text, ") Z ");
}

static void assert_dies(pid_t pid)
{
	for (int i = 0; i < 1000; i++) {
		if (is_dead(pid))
			return;
		usleep(10000);
	}
	fail_msg("%d is still there", pid);
}

/* The collector takes all of them with it, whatever they are doing. */
static void they_end_with_the_collector(void **state)
{
	pid_t collector, pids[2];
	int fds[2];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	collector = fork();
	assert_true(collector >= 0);
	if (!collector) {
		struct debug_line lines[DEBUG_LINES_MAX];

		if (reader_host_start(&host))
			_exit(1);
		reader_lines(start("program", MEMORY), outer, WAIT_MS, lines);
		pids[0] = host_pid();
		pids[1] = reader_pid();
		kill(pids[1], SIGSTOP);
		_exit(write(fds[1], pids, sizeof(pids)) != sizeof(pids));
	}
	assert_int_equal(read(fds[0], pids, sizeof(pids)), sizeof(pids));
	close(fds[0]);
	close(fds[1]);
	assert_int_equal(waitpid(collector, NULL, 0), collector);
	assert_dies(pids[0]);
	assert_dies(pids[1]);
}

static void ctrl_c_is_not_for_them(void **state)
{
	struct debug_line lines[DEBUG_LINES_MAX];
	struct reader *reader = start("program", MEMORY);

	(void)state;
	assert_int_not_equal(getpgid(reader_pid()), getpgrp());
	assert_int_equal(kill(host_pid(), SIGTERM), 0);
	assert_int_equal(kill(reader_pid(), SIGTERM), 0);
	assert_int_equal(reader_lines(reader, outer, WAIT_MS, lines), 2);
	reader_stop(reader);
}

static void without_a_host_there_are_no_readers(void **state)
{
	struct debug_line lines[DEBUG_LINES_MAX];
	struct reader *reader = start("program", MEMORY), *second;
	pid_t pid = reader_pid();

	(void)state;
	assert_int_equal(kill(host_pid(), SIGKILL), 0);
	assert_int_equal(reader_start(host, -1, MEMORY, &second), -EPIPE);
	assert_int_equal(reader_start(host, -1, MEMORY, &second), -EPIPE);
	/* it is killed with the host, in a moment */
	assert_dies(pid);
	assert_int_equal(reader_lines(reader, outer, WAIT_MS, lines), -EPIPE);
	reader_stop(reader);
	reader_host_stop(host);
	assert_int_equal(reader_host_start(&host), 0);
	reader_stop(start("program", MEMORY));
	assert_int_equal(readers(), 0);
}

/* Not even one that had no time yet to say what its host's death shall do. */
static void a_host_killed_at_once_leaves_no_reader(void **state)
{
	(void)state;
	for (int round = 0; round < 200; round++) {
		struct reader *reader = start("program", MEMORY);
		pid_t pids[2] = {host_pid(), reader_pid()};

		assert_int_equal(kill(pids[0], SIGKILL), 0);
		assert_dies(pids[1]);
		reader_stop(reader);
		reader_host_stop(host);
		assert_int_equal(reader_host_start(&host), 0);
	}
}

/* The one that is hurt is the one that reads the bad file. */
static void they_are_apart(void **state)
{
	struct debug_line lines[DEBUG_LINES_MAX];
	struct reader *one = start("program", MEMORY);
	pid_t pid = reader_pid();
	struct reader *two = start("program", MEMORY);

	(void)state;
	assert_int_equal(readers(), 2);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(reader_lines(one, outer, WAIT_MS, lines), -EPIPE);
	assert_int_equal(reader_lines(two, outer, WAIT_MS, lines), 2);
	reader_stop(one);
	reader_stop(two);
	assert_int_equal(readers(), 0);
}

/* ---- names that mean harm ---- */

/*
 * f<>(C<T0, T1, ...>), each T twice the one before it, with an empty pack to look for in all
 * of it: libiberty searches 2^n places before it writes anything.
 */
static void endless_name(char *name, size_t size)
{
	static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
	size_t used = (size_t)snprintf(name, size, "_Z1fIJEEvDp1CI1A1BIS1_S1_E");

	for (int i = 4; i < 36; i++)
		used += (size_t)snprintf(name + used, size - used, "S2_IS%c_S%c_E", digits[i - 1],
					 digits[i - 1]);
	snprintf(name + used, size - used, "E");
}

static void a_name_without_an_end_is_given_up(void **state)
{
	struct reader *reader = start(NULL, MEMORY);
	char name[1024], text[READER_NAME_MAX];
	uint64_t begin_ms = now_ms();
	int rc;

	(void)state;
	endless_name(name, sizeof(name));
	rc = reader_demangle(reader, name, 300, text);
	/* a libiberty that does not fall for it is welcome */
	assert_true(rc == -ETIMEDOUT || rc == -EPIPE || !rc || rc == -ENOENT);
	assert_in_range(now_ms() - begin_ms, 0, 10000);
	reader_stop(reader);
}

static void deep_names_are_survived(void **state)
{
	struct reader *reader = start(NULL, MEMORY);
	char name[READER_MANGLED_MAX], text[READER_NAME_MAX];

	(void)state;
	/* pointers to pointers to ... */
	memset(name, 'P', sizeof(name));
	memcpy(name, "_Z1f", 4);
	name[sizeof(name) - 2] = 'i';
	name[sizeof(name) - 1] = '\0';
	reader_demangle(reader, name, WAIT_MS, text);
	reader_stop(reader);
}

/* ---- DWARF that means harm ---- */

/* Asks it a few questions. Whatever it does: the answers are text. */
static int harmless(const char *name, uint64_t memory, unsigned int wait_ms)
{
	struct reader *reader = start(name, memory);
	int count = 0;

	for (uint64_t i = 0; i < 4 && count >= 0; i++) {
		struct debug_line lines[DEBUG_LINES_MAX];

		count = reader_lines(reader, outer + i * i * 7, wait_ms, lines);
		for (int line = 0; line < count; line++) {
			assert_true(!lines[line].name || strlen(lines[line].name) < 5000);
			assert_true(!lines[line].file || strlen(lines[line].file) < 5000);
		}
	}
	reader_stop(reader);
	return count;
}

static void any_bytes_are_survived(void **state)
{
	size_t size, died = 0, rounds = 300;
	char *good = read_bytes("program", &size), *bad = malloc(size);
	struct elf_file file = open_work_elf("program");
	uint64_t seed = 5;

	(void)state;
	assert_non_null(bad);
	for (size_t round = 0; round < rounds; round++) {
		memcpy(bad, good, size);
		for (uint64_t i = 1 + random_below(&seed, 6); i > 0; i--) {
			const Elf64_Shdr *section =
				&file.sections[random_below(&seed, file.section_count)];

			if (section->sh_type != SHT_PROGBITS || section->sh_addr) {
				i++;
				continue;
			}
			bad[section->sh_offset + random_below(&seed, section->sh_size)] =
				(char)random_next(&seed);
		}
		write_bytes("bad", bad, size);
		died += harmless("bad", MEMORY, 2000) < 0;
	}
	/* or it would be a test of nothing */
	assert_true(died < rounds / 2);
	close_work_elf(&file);
	free(bad);
	free(good);
}

/* Two million blocks in one another: a recursion for each. */
static void endless_nesting_is_survived(void **state)
{
	(void)state;
	write_text(
		"deep.c",
		"__asm__(\".globl outer\\n.type outer,@function\\nouter: ret\\n.size outer,1\\n\"\n"
		"\".section .debug_abbrev,\\\"\\\",@progbits\\n\"\n"
		"\".byte 1,0x11,1,0x11,1,0x12,6,0,0, 2,0x2e,1,0x11,1,0x12,6,0,0\\n\"\n"
		"\".byte 3,0x0b,1,0x11,1,0x12,6,0,0, 0\\n\"\n"
		"\".section .debug_info,\\\"\\\",@progbits\\n.long 2f-1f\\n\"\n"
		"\"1: .short 4\\n.long .debug_abbrev\\n.byte 8\\n\"\n"
		"\".byte 1\\n.quad outer\\n.long 1\\n.byte 2\\n.quad outer\\n.long 1\\n\"\n"
		"\".rept 2000000\\n.byte 3\\n.quad outer\\n.long 1\\n.endr\\n2:\\n.text\\n\");\n"
		"int main(void) { return 0; }\n");
	run("gcc -o deep deep.c");
	outer = address_of("deep", "outer");
	harmless("deep", MEMORY, 3000);
}

static void memory_is_bounded(void **state)
{
	struct debug_line lines[DEBUG_LINES_MAX];
	struct reader *reader;

	(void)state;
	write_text("large.s", ".section .debug_info,\"\",@progbits\n.skip 300000000\n"
			      ".section .note.GNU-stack,\"\"\n");
	run("gcc -O1 -g -gz=zlib -o large program.c large.s");
	outer = address_of("large", "outer");
	/* 300 MB must be unpacked */
	reader = start("large", 64 << 20);
	assert_true(reader_lines(reader, outer, WAIT_MS, lines) <= 0);
	reader_stop(reader);
	reader = start("large", (uint64_t)1 << 30);
	assert_true(reader_lines(reader, outer, WAIT_MS, lines) > 0);
	reader_stop(reader);
}

/* It maps the file, so it dies of that: the collector does not. */
static void a_file_cut_short_in_use_ends_it(void **state)
{
	struct debug_line lines[DEBUG_LINES_MAX];
	struct reader *reader;

	(void)state;
	outer = address_of("program", "outer");
	run("cp program cut");
	reader = start("cut", MEMORY);
	assert_int_equal(reader_lines(reader, 0, WAIT_MS, lines), 0);
	assert_int_equal(truncate(in_work("cut"), 0), 0);
	assert_int_equal(reader_lines(reader, outer, WAIT_MS, lines), -EPIPE);
	assert_true(reader_was_fine(reader));
	reader_stop(reader);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_come_through),
		cmocka_unit_test(relative_files_get_their_directory),
		cmocka_unit_test(names_come_through),
		cmocka_unit_test(it_can_do_nothing),
		cmocka_unit_test(one_that_is_stuck_is_not_waited_for),
		cmocka_unit_test(one_that_died_says_nothing),
		cmocka_unit_test(they_end_with_the_collector),
		cmocka_unit_test(ctrl_c_is_not_for_them),
		cmocka_unit_test(without_a_host_there_are_no_readers),
		cmocka_unit_test(a_host_killed_at_once_leaves_no_reader),
		cmocka_unit_test(they_are_apart),
		cmocka_unit_test(a_name_without_an_end_is_given_up),
		cmocka_unit_test(deep_names_are_survived),
		cmocka_unit_test(any_bytes_are_survived),
		cmocka_unit_test(endless_nesting_is_survived),
		cmocka_unit_test(memory_is_bounded),
		cmocka_unit_test(a_file_cut_short_in_use_ends_it),
	};

	return cmocka_run_group_tests_name("reader", tests, begin, end);
}
