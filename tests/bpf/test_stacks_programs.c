// SPDX-License-Identifier: GPL-2.0-only
/*
 * Other people's programs: which share of their stacks reaches the start of
 * the thread. The floors are far below what was measured: they say that nothing
 * is badly wrong, not how good it is.
 */
#include "tests/bpf/tap.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include "user/stack/unwinder.h"

extern char **environ;

/* A program, looked up in PATH; skips the test where it is not installed. */
static void need_program(const char *name)
{
	char command[256];

	if (!watch_possible())
		skip();
	snprintf(command, sizeof(command), "command -v %s >/dev/null", name);
	if (!system(command))
		return;
	print_message("skipped: %s is not installed\n", name);
	skip();
}

/* Says how the stacks ended. Returns the share of complete ones in percent. */
static double report_ends(const char *program, const struct watch *watch, uint64_t least)
{
	size_t count;
	const struct process *const *processes = pipeline_processes(watch->pipeline, &count);
	const struct unwind_totals *totals;
	double percent;

	assert_true(count > 0);
	totals = unwinder_totals(processes[0]->unwinder);
	percent = 100.0 * (double)totals->ends[STACK_END_COMPLETE] / (double)totals->taken;
	print_message("    %s: %" PRIu64 " stacks, %.1f%% complete", program, totals->taken,
		      percent);
	for (unsigned int i = 0; i < STACK_END_COUNT; i++)
		if (totals->ends[i] && i != STACK_END_COMPLETE)
			print_message(", %" PRIu64 " %s", totals->ends[i], stack_end_name(i));
	print_message("; %zu distinct, %" PRIu64 " steps guessed, %" PRIu64 " known again, %" PRIu64
		      " lost, %" PRIu64 " skipped\n",
		      stacks_count(processes[0]->stacks), totals->guessed, totals->repeated,
		      totals->lost, totals->skipped);
	assert_true(totals->taken >= least);
	return percent;
}

/* A failed stack of each kind, for people. */
static void show_failures(const struct chains *chains)
{
	bool shown[STACK_END_COUNT] = {false};

	for (size_t i = 0; i < chains->logged; i++) {
		const struct stack *stack = stacks_get(chains->stacks, chains->log[i].stack);

		if (!stack || stack->end == STACK_END_COMPLETE || shown[stack->end])
			continue;
		shown[stack->end] = true;
		chains_print_stack(chains->stacks, stack);
	}
}

/*
 * Runs a script that says when it is done, and then waits for a line: the oracle
 * is asked meanwhile.
 */
static void run_script(const char *program, const char *flag, const char *script, uint64_t least,
		       double floor)
{
	char *argv[] = {(char *)program, (char *)flag, (char *)script, NULL};
	struct verdicts verdicts;
	struct chains chains;
	struct watch watch;
	double percent;

	need_program(program);
	chains_open(&chains, &watch, SNAPSHOT_BYTES_DEFAULT);
	tap_open(&watch);
	watch_spawn(&watch, argv, 0);
	assert_true(watch_until_rest(&watch));
	watch_pump(&watch, 50);
	percent = report_ends(program, &watch, least);
	show_failures(&chains);
	verdicts = tap_judge(watch.pid, chains.stacks);
	tap_print(program, "all of them", &verdicts);
	watch_next(&watch);
	watch_close(&watch);
	chains_free(&chains);
	tap_close();
	assert_true(percent >= floor);
	assert_true(tap_percent(verdicts.identical, &verdicts) >= 97);
}

static void python(void **state)
{
	(void)state;
	run_script("/usr/bin/python3", "-c",
		   "import json, sys, time\n"
		   "kept = {}\n"
		   "def order(n):\n"
		   "    return {'id': n, 'items': [str(n + i) * 9 for i in range(12)]}\n"
		   "def keep(n):\n"
		   "    kept[n] = json.loads(json.dumps(order(n)))\n"
		   "for n in range(8000):\n"
		   "    keep(n)\n"
		   "    if n % 40 == 0: time.sleep(0.002)\n"
		   "print('REST done', flush=True)\n"
		   "sys.stdin.readline()\n",
		   1000, 95);
}

/* JIT code has no unwind information: V8 keeps frame pointers. */
static void node(void **state)
{
	(void)state;
	run_script("node", "-e",
		   "const kept = [];\n"
		   "function order(n) { const o = { id: n, items: [] };\n"
		   "  for (let i = 0; i < 50; i++) o.items.push('item ' + (n * i));\n"
		   "  return o; }\n"
		   "function batch(n) { for (let i = 0; i < 200; i++) kept.push(order(n + i)); }\n"
		   "let n = 0;\n"
		   "const timer = setInterval(() => { batch(n); n += 200;\n"
		   "  if (n <= 20000) return;\n"
		   "  clearInterval(timer);\n"
		   "  console.log('REST done');\n"
		   "  process.stdin.once('data', () => process.exit(0)); }, 5);\n",
		   1000, 50);
}

static void cxx_exceptions(void **state)
{
	char self[PATH_MAX], path[PATH_MAX + 64];
	char *argv[] = {path, NULL};
	struct chains chains;
	struct watch watch;
	double percent;

	(void)state;
	if (!watch_possible())
		skip();
	assert_non_null(realpath("/proc/self/exe", self));
	snprintf(path, sizeof(path), "%.4000s/../../targets/stack_cxx", dirname(self));
	chains_open(&chains, &watch, SNAPSHOT_BYTES_DEFAULT);
	watch_spawn(&watch, argv, 0);
	while (watch_until_rest(&watch))
		watch_next(&watch);
	percent = report_ends("C++ with exceptions", &watch, 100);
	show_failures(&chains);
	watch_close(&watch);
	chains_free(&chains);
	assert_true(percent >= 99);
}

/* ---- redis ---- */

/* A port of the loopback that is free now. */
static unsigned int free_port(void)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, length), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &length), 0);
	close(fd);
	return ntohs(address.sin_port);
}

/* False until the server listens. */
static bool port_answers(unsigned int port)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_port = htons((uint16_t)port),
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool answers = !connect(fd, (struct sockaddr *)&address, sizeof(address));

	close(fd);
	return answers;
}

static void redis_fill(struct watch *watch, const char *port)
{
	char *argv[] = {"redis-benchmark",
			"-p",
			(char *)port,
			"-q",
			"-n",
			"12000",
			"-r",
			"20000",
			"-d",
			"400",
			"-c",
			"4",
			"-t",
			"set,lpush,sadd",
			NULL};
	siginfo_t info = {0};
	pid_t client = fork();

	assert_true(client >= 0);
	if (!client) {
		int null = open("/dev/null", O_WRONLY);

		dup2(null, 1);
		execvp(argv[0], argv);
		_exit(127);
	}
	while (!info.si_pid) {
		watch_pump(watch, 20);
		assert_int_equal(waitid(P_PID, (id_t)client, &info, WEXITED | WNOHANG), 0);
	}
	assert_int_equal(info.si_status, 0);
}

static void redis(void **state)
{
	char port[8];
	char *argv[] = {"redis-server", "--port", port,		  "--bind", "127.0.0.1",
			"--save",	"",	  "--appendonly", "no",	    NULL};
	struct verdicts verdicts;
	unsigned int number;
	struct chains chains;
	struct watch watch;
	double percent;

	(void)state;
	need_program("redis-server");
	need_program("redis-benchmark");
	number = free_port();
	snprintf(port, sizeof(port), "%u", number);
	chains_open(&chains, &watch, SNAPSHOT_BYTES_DEFAULT);
	tap_open(&watch);
	watch_spawn(&watch, argv, 0);
	for (int i = 0; i < 500 && !port_answers(number); i++)
		watch_pump(&watch, 20);
	redis_fill(&watch, port);
	percent = report_ends("redis-server", &watch, 500);
	show_failures(&chains);
	verdicts = tap_judge(watch.pid, chains.stacks);
	tap_print("redis-server", "all of them", &verdicts);
	kill(watch.pid, SIGTERM);
	watch_close(&watch);
	chains_free(&chains);
	tap_close();
	assert_true(percent >= 95);
	assert_true(tap_percent(verdicts.identical, &verdicts) >= 97);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(python),
		cmocka_unit_test(redis),
		cmocka_unit_test(node),
		cmocka_unit_test(cxx_exceptions),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests_name("stacks_programs", tests, NULL, NULL);
}
