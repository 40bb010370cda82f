/* The driver's control groups: what a function makes below its own, and drivers seen from afar. */
#include "tests/handler/support.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "handler/driver/cgroup.h"
#include "handler/driver/group.h"

/* No process has that number: the kernel's limit is 4194304. */
#define FOREIGN "lambda-driver-2147483647-1"

static struct groups groups;
static struct cgroup_tree tree;
static pid_t child;

/* Skips the test where there is no freezer or no right to use it. */
static void groups_need(void)
{
	if (geteuid() != 0 || cgroup_tree_find("freezer", &tree) || groups_open(&groups, true, 0)) {
		print_message("  skipped: no control groups can be made\n");
		skip();
	}
}

__attribute__((format(printf, 1, 2))) static char *path_make(const char *format, ...)
{
	char *below = NULL, *path = NULL;
	va_list arguments;

	va_start(arguments, format);
	assert_true(vasprintf(&below, format, arguments) > 0);
	va_end(arguments);
	assert_true(asprintf(&path, "%s/%s", tree.path, below) > 0);
	free(below);
	return path;
}

static void group_make(const char *path)
{
	if (mkdir(path, 0755))
		fail_msg("cannot make %s: %s", path, strerror(errno));
}

static bool there_is(const char *path)
{
	return access(path, F_OK) == 0;
}

/* A process of its own session in that group. */
static void child_put(const char *path)
{
	char number[32];
	int directory = open(path, O_RDONLY | O_DIRECTORY);

	assert_true(directory >= 0);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		setsid();
		signal(SIGTERM, SIG_IGN);
		for (;;)
			pause();
	}
	snprintf(number, sizeof(number), "%d", child);
	assert_int_equal(cgroup_write(directory, "cgroup.procs", number), 0);
	close(directory);
}

static void child_expect_killed(void)
{
	int status;

	assert_int_equal(waitpid(child, &status, WNOHANG), child);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	child = 0;
}

static void test_groups_of_the_function(void **state)
{
	struct group group;
	char *own, *nested, *inner;

	(void)state;
	groups_need();
	assert_int_equal(group_create(&groups, 1, &group), 0);
	own = path_make("%s/1", groups.name);
	nested = path_make("%s/1/.nested", groups.name);
	inner = path_make("%s/1/.nested/inner", groups.name);
	group_make(nested);
	group_make(inner);
	child_put(inner);
	assert_int_equal(group_freeze(&group), 0);

	group_destroy(&group);
	child_expect_killed();
	assert_false(there_is(own));
	groups_close(&groups);
	free(own);
	free(nested);
	free(inner);
}

/* As seen from another PID namespace, a driver that lives has a number that no process has. */
static void test_driver_that_cannot_be_seen(void **state)
{
	char *foreign, *nested;
	int lock;

	(void)state;
	groups_need();
	groups_close(&groups);
	foreign = path_make(FOREIGN);
	nested = path_make(FOREIGN "/1");
	group_make(foreign);
	group_make(nested);
	child_put(nested);
	lock = open(foreign, O_RDONLY | O_DIRECTORY);
	assert_true(lock >= 0);
	assert_int_equal(flock(lock, LOCK_EX), 0);

	assert_int_equal(groups_open(&groups, true, 0), 0);
	groups_close(&groups);
	assert_true(there_is(nested));
	assert_int_equal(waitpid(child, NULL, WNOHANG), 0);

	close(lock);
	assert_int_equal(groups_open(&groups, true, 0), 0);
	groups_close(&groups);
	assert_false(there_is(foreign));
	child_expect_killed();
	free(foreign);
	free(nested);
}

/* That is what keeps others from it. */
static void test_own_directory_is_locked(void **state)
{
	char *own;
	int other;

	(void)state;
	groups_need();
	own = path_make("%s", groups.name);
	other = open(own, O_RDONLY | O_DIRECTORY);
	assert_true(other >= 0);
	assert_int_equal(flock(other, LOCK_EX | LOCK_NB), -1);
	assert_int_equal(errno, EWOULDBLOCK);
	close(other);
	groups_close(&groups);
	assert_false(there_is(own));
	free(own);
}

static int clean(void **state)
{
	(void)state;
	if (child > 0) {
		kill(child, SIGKILL);
		waitpid(child, NULL, 0);
	}
	child = 0;
	free(tree.path);
	tree.path = NULL;
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_groups_of_the_function, clean),
		cmocka_unit_test_teardown(test_driver_that_cannot_be_seen, clean),
		cmocka_unit_test_teardown(test_own_directory_is_locked, clean),
	};

	alarm(300);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
