// SPDX-License-Identifier: GPL-2.0-only
/* The list that a JIT compiler writes for perf, by a test that writes one. */
#include "tests/unit/support.h"

#include <sched.h>
#include <signal.h>

#include <sys/prctl.h>
#include <sys/wait.h>

#include "tests/unit/programs.h"
#include "user/stack/perf_map.h"

static struct perf_map open_map(const char *name)
{
	struct perf_map map = PERF_MAP_NONE;

	map.fd = open(in_work(name), O_RDONLY | O_CLOEXEC);
	assert_true(map.fd >= 0);
	return map;
}

static void read_all(struct perf_map *map)
{
	struct stat st;

	assert_int_equal(fstat(map->fd, &st), 0);
	perf_map_read(map, (uint64_t)st.st_size);
}

static void assert_name(const struct perf_map *map, uint64_t address, const char *expected)
{
	char name[64];

	if (!expected) {
		assert_false(perf_map_name(map, address, name, sizeof(name)));
		return;
	}
	if (!perf_map_name(map, address, name, sizeof(name)))
		fail_msg("nothing at %" PRIx64 " instead of %s", address, expected);
	assert_string_equal(name, expected);
}

static void lines_name_ranges(void **state)
{
	struct perf_map map;

	(void)state;
	write_text("plain", "7f0000001000 20 LazyCompile:~grow /srv/app.js:12\n"
			    "0x7f0000001020 0x10 Builtin:Add\n"
			    "7f0000002000 8 last");
	map = open_map("plain");
	read_all(&map);
	assert_name(&map, 0x7f0000000fff, NULL);
	assert_name(&map, 0x7f0000001000, "LazyCompile:~grow /srv/app.js:12");
	assert_name(&map, 0x7f000000101f, "LazyCompile:~grow /srv/app.js:12");
	assert_name(&map, 0x7f0000001020, "Builtin:Add");
	assert_name(&map, 0x7f0000001030, NULL);
	/* not all of the line may be written yet */
	assert_name(&map, 0x7f0000002000, NULL);
	perf_map_close(&map);
}

static void malformed_lines_are_skipped(void **state)
{
	static const char lines[] = "\n"
				    " \n"
				    "zzzz\n"
				    "7f00\n"
				    "7f00 \n"
				    "7f00 10\n"
				    "7f00 10 \n"
				    "7f00 0 empty\n"
				    "-7f00 10 negative\n"
				    "7f00 -1 negative\n"
				    "7f00 10000000000000000 large\n"
				    "ffffffffffffffff0 10 large\n"
				    "fffffffffffffff8 10 wraps\n"
				    "7f00,10,commas\n"
				    "7f00\t10\ttabs\n"
				    "7f00  10 spaces\n"
				    "0x 10 nothing\n"
				    "7f00 0x nothing\n"
				    "9000 10 good one\n";
	struct perf_map map;

	(void)state;
	write_text("malformed", lines);
	map = open_map("malformed");
	read_all(&map);
	assert_int_equal(map.done, strlen(lines));
	assert_int_equal(map.functions.count, 1);
	assert_name(&map, 0x7f00, NULL);
	assert_name(&map, 0x9008, "good one");
	perf_map_close(&map);
}

static void later_lines_win(void **state)
{
	struct perf_map map;

	(void)state;
	write_text("later", "1000 100 first\n1040 20 second\n1050 100 third\n1000 8 fourth\n"
			    "2010 10 inner\n2000 40 all of it\n");
	map = open_map("later");
	read_all(&map);
	assert_name(&map, 0x1000, "fourth");
	assert_name(&map, 0x1008, "first");
	assert_name(&map, 0x1040, "second");
	assert_name(&map, 0x1050, "third");
	assert_name(&map, 0x114f, "third");
	assert_name(&map, 0x1150, NULL);
	assert_name(&map, 0x2018, "all of it");
	perf_map_close(&map);
}

static void what_is_added_wins_too(void **state)
{
	struct perf_map map;
	uint64_t version;

	(void)state;
	write_text("grows", "1000 100 first\n1100 100 sec");
	map = open_map("grows");
	read_all(&map);
	version = map.version;
	assert_name(&map, 0x1100, NULL);
	read_all(&map);
	assert_int_equal(map.version, version);
	run("printf 'ond\\n1080 100 third\\n' >>grows");
	read_all(&map);
	assert_int_not_equal(map.version, version);
	assert_name(&map, 0x107f, "first");
	assert_name(&map, 0x1080, "third");
	assert_name(&map, 0x1180, "second");
	perf_map_close(&map);
}

/* Names come from the file: if that has become another, so have they, but no more. */
static void the_file_may_change_or_shrink(void **state)
{
	struct perf_map map;
	char name[64];

	(void)state;
	write_text("shrinks", "1000 100 first\n2000 100 second\n");
	map = open_map("shrinks");
	read_all(&map);
	assert_int_equal(truncate(in_work("shrinks"), 20), 0);
	assert_name(&map, 0x1000, "first");
	assert_false(perf_map_name(&map, 0x2000, name, sizeof(name)));
	assert_int_equal(truncate(in_work("shrinks"), 0), 0);
	assert_false(perf_map_name(&map, 0x1000, name, sizeof(name)));
	perf_map_close(&map);
}

static void lines_without_an_end_are_passed_over(void **state)
{
	struct perf_map map;

	(void)state;
	run("head -c 1000000 /dev/zero | tr '\\0' '1' >endless && printf '\\n1000 10 good\\n' "
	    ">>endless");
	map = open_map("endless");
	read_all(&map);
	assert_name(&map, 0x1000, "good");
	perf_map_close(&map);
	/* a name may be longer than anyone wants to see */
	run("(printf '1000 10 '; head -c 5000 /dev/zero | tr '\\0' 'x'; printf '\\n2000 10 b\\n') "
	    ">longname");
	map = open_map("longname");
	read_all(&map);
	assert_name(&map, 0x1000,
		    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx");
	assert_name(&map, 0x2000, "b");
	perf_map_close(&map);
}

static void garbage_is_read_to_its_end(void **state)
{
	uint64_t seed = 7;

	(void)state;
	for (int round = 0; round < 200; round++) {
		char bytes[4096];
		struct perf_map map;

		for (size_t i = 0; i < sizeof(bytes); i++)
			bytes[i] = "0123456789abcdef xX\n\n\0"[random_below(&seed, 22)];
		write_bytes("garbage", bytes, sizeof(bytes));
		map = open_map("garbage");
		read_all(&map);
		for (size_t i = 0; i < map.functions.count; i++) {
			char name[64];

			perf_map_name(&map, map.functions.items[i].start, name, sizeof(name));
			assert_true(strlen(name) < sizeof(name));
		}
		perf_map_close(&map);
	}
}

/* ---- where it is found ---- */

static const char *own_path(pid_t pid)
{
	static char path[64];

	snprintf(path, sizeof(path), "/tmp/perf-%d.map", pid);
	return path;
}

static void write_own(const char *text)
{
	FILE *file = fopen(own_path(getpid()), "we");

	assert_non_null(file);
	fputs(text, file);
	assert_int_equal(fclose(file), 0);
}

static void a_list_is_reread_when_it_has_grown(void **state)
{
	uint32_t pid = (uint32_t)getpid();
	struct perf_map map = PERF_MAP_NONE;

	(void)state;
	unlink(own_path(getpid()));
	perf_map_update(&map, pid, MS(1000));
	assert_int_equal(map.fd, -1);
	assert_name(&map, 0x1000, NULL);
	write_own("1000 10 one\n");
	/* not again within a second */
	perf_map_update(&map, pid, MS(1999));
	assert_name(&map, 0x1000, NULL);
	perf_map_update(&map, pid, MS(2000));
	assert_name(&map, 0x1000, "one");
	write_own("1000 10 one\n2000 10 two\n");
	perf_map_update(&map, pid, MS(3001));
	assert_name(&map, 0x1000, "one");
	assert_name(&map, 0x2000, "two");
	/* shorter: written anew */
	write_own("3000 10 new\n");
	perf_map_update(&map, pid, MS(4002));
	assert_name(&map, 0x1000, NULL);
	assert_name(&map, 0x3000, "new");
	/* another file */
	assert_int_equal(unlink(own_path(getpid())), 0);
	write_own("4000 10 other but longer than before\n");
	perf_map_update(&map, pid, MS(5003));
	assert_name(&map, 0x3000, NULL);
	assert_name(&map, 0x4000, "other but longer than before");
	/* gone: what is known stays */
	assert_int_equal(unlink(own_path(getpid())), 0);
	perf_map_update(&map, pid, MS(6004));
	assert_name(&map, 0x4000, "other but longer than before");
	perf_map_close(&map);
}

static void only_a_file_of_the_users_is_read(void **state)
{
	uint32_t pid = (uint32_t)getpid();
	const char *path = own_path(getpid());
	int fd;

	(void)state;
	unlink(path);
	assert_int_equal(perf_map_open(pid), -ENOENT);
	write_text("elsewhere", "1000 10 x\n");
	assert_int_equal(symlink(in_work("elsewhere"), path), 0);
	assert_true(perf_map_open(pid) < 0);
	unlink(path);
	/* would hang */
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_true(perf_map_open(pid) < 0);
	unlink(path);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_true(perf_map_open(pid) < 0);
	rmdir(path);
	write_own("1000 10 x\n");
	if (!chown(path, 12345, 12345)) {
		assert_int_equal(perf_map_open(pid), -EPERM);
		assert_int_equal(chown(path, getuid(), getgid()), 0);
	}
	fd = perf_map_open(pid);
	assert_true(fd >= 0);
	close(fd);
	unlink(path);
	assert_true(perf_map_open(0x7fffffff) < 0);
}

/* Process 1 of a PID namespace, in a root of its own, as in a container. */
static void __attribute__((noreturn)) live_in_a_root(int ready)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (chroot(in_work("root")) || chdir("/") || write(ready, "", 1) != 1)
		_exit(1);
	for (;;)
		pause();
}

/* Its parent, which is outside of the namespace and tells the number it has there. */
static void __attribute__((noreturn)) live_beside(int tell, int ready)
{
	pid_t pid;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (unshare(CLONE_NEWPID))
		_exit(1);
	pid = fork();
	if (!pid)
		live_in_a_root(ready);
	close(ready);
	if (pid < 0 || write(tell, &pid, sizeof(pid)) != sizeof(pid))
		_exit(1);
	waitpid(pid, NULL, 0);
	_exit(0);
}

/* Starts both. The number of the inner one, 0 if that is not allowed here. */
static pid_t start_inside(pid_t *beside)
{
	int tell[2], ready[2];
	pid_t inner = 0;
	char byte;

	assert_int_equal(pipe(tell), 0);
	assert_int_equal(pipe(ready), 0);
	*beside = fork();
	assert_true(*beside >= 0);
	if (!*beside)
		live_beside(tell[1], ready[1]);
	close(tell[1]);
	close(ready[1]);
	if (read(tell[0], &inner, sizeof(inner)) != sizeof(inner) || read(ready[0], &byte, 1) != 1)
		inner = 0;
	close(tell[0]);
	close(ready[0]);
	return inner;
}

static void the_list_is_in_the_root_of_the_process(void **state)
{
	pid_t beside, inner;
	int fd;

	(void)state;
	run("mkdir -p root/tmp");
	inner = start_inside(&beside);
	if (!inner) {
		waitpid(beside, NULL, 0);
		print_message("skipped: no PID namespace without privileges\n");
		skip();
	}
	assert_int_equal(perf_map_open((uint32_t)inner), -ENOENT);
	write_text("root/tmp/perf-1.map", "1000 10 inside\n");
	fd = perf_map_open((uint32_t)inner);
	assert_true(fd >= 0);
	close(fd);
	/* a link in there cannot lead out of it */
	run("rm -r root/tmp && mkdir out && touch out/perf-1.map");
	assert_int_equal(symlink("../out", in_work("root/tmp")), 0);
	assert_int_equal(access(in_work("root/tmp/perf-1.map"), R_OK), 0);
	assert_int_equal(perf_map_open((uint32_t)inner), -ENOENT);
	kill(inner, SIGKILL);
	assert_int_equal(waitpid(beside, NULL, 0), beside);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_name_ranges),
		cmocka_unit_test(malformed_lines_are_skipped),
		cmocka_unit_test(later_lines_win),
		cmocka_unit_test(what_is_added_wins_too),
		cmocka_unit_test(the_file_may_change_or_shrink),
		cmocka_unit_test(lines_without_an_end_are_passed_over),
		cmocka_unit_test(garbage_is_read_to_its_end),
		cmocka_unit_test(a_list_is_reread_when_it_has_grown),
		cmocka_unit_test(only_a_file_of_the_users_is_read),
		cmocka_unit_test(the_list_is_in_the_root_of_the_process),
	};

	return cmocka_run_group_tests_name("perf_map", tests, work_begin, work_end);
}
