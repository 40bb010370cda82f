// SPDX-License-Identifier: GPL-2.0-only
/*
 * The call chain of a first touch is the one it was: for programs that know
 * their own chains (tests/targets/stack_*), frame by frame, from the
 * instruction that touched to the start of the thread or program.
 */
#include "tests/bpf/chains.h"

#include <gelf.h>
#include <linux/perf_event.h>
#include <sys/syscall.h>

/* The directory of this test's build: BUILD/tests/bpf/test_stacks, BUILD/targets/. */
static char targets_dir[PATH_MAX];

static char *target_path(const char *name)
{
	static char path[PATH_MAX + 64];

	snprintf(path, sizeof(path), "%s/%s", targets_dir, name);
	return path;
}

static void report(const char *program, const struct chains *chains)
{
	print_message(
		"    %s: %" PRIu64 " pages, %" PRIu64 " records, %" PRIu64 " frames as they were\n",
		program, chains->pages_compared, chains->records_compared, chains->frames_compared);
}

/* Runs a target to its end, and compares at each rest. */
static void run_target(const char *program, const char *argument, uint64_t least)
{
	char path[PATH_MAX + 64];
	char *argv[] = {path, (char *)argument, NULL};
	struct chains chains;
	struct watch watch;

	if (!watch_possible())
		skip();
	snprintf(path, sizeof(path), "%s", target_path(program));
	chains_open(&chains, &watch, SNAPSHOT_BYTES_DEFAULT);
	watch_spawn(&watch, argv, WATCH_CHILDREN);
	while (watch_until_rest(&watch)) {
		watch_settle(&watch);
		chains_check(&chains, &watch);
		watch_next(&watch);
	}
	report(program, &chains);
	assert_true(chains.pages_compared + chains.records_compared >= least);
	watch_close(&watch);
	chains_free(&chains);
}

#define TARGET_TEST(test, program, argument, least)                                                \
	static void test(void **state)                                                             \
	{                                                                                          \
		(void)state;                                                                       \
		run_target(program, argument, least);                                              \
	}

TARGET_TEST(deep, "stack_deep", NULL, 26)
TARGET_TEST(deep_static, "stack_deep-static", NULL, 26)
TARGET_TEST(deep_static_pie, "stack_deep-static-pie", NULL, 26)
TARGET_TEST(deep_stripped, "stack_deep-stripped", NULL, 26)
TARGET_TEST(places, "stack_places", NULL, 10)
TARGET_TEST(places_static, "stack_places-static", NULL, 10)
TARGET_TEST(fork_and_exec, "stack_fork", NULL, 9)
TARGET_TEST(kernel, "stack_kernel", NULL, 6)
TARGET_TEST(cxx, "stack_cxx", NULL, 100)
TARGET_TEST(malloc_glibc, "stack_malloc", NULL, 1000)
TARGET_TEST(malloc_jemalloc, "stack_malloc-jemalloc", NULL, 1000)
TARGET_TEST(malloc_mimalloc, "stack_malloc-mimalloc", NULL, 1000)

static void libraries(void **state)
{
	char plugin[PATH_MAX + 64];

	(void)state;
	snprintf(plugin, sizeof(plugin), "%s", target_path("stack_plugin.so"));
	run_target("stack_dlopen", plugin, 4);
}

/* Until the watched program has ended, and its records are all read. */
static void wait_ended(struct watch *watch)
{
	siginfo_t info;

	assert_int_equal(waitid(P_PID, (id_t)watch->pid, &info, WEXITED | WNOWAIT), 0);
	assert_int_equal(waitpid(watch->pid, NULL, 0), watch->pid);
	watch_pump(watch, 200);
	while (watch_until_rest(watch))
		;
	watch->pid = 0;
}

/* What a process did just before it ended is unwound when there is no /proc of it any more. */
static void ended(void **state)
{
	char *argv[] = {target_path("stack_brief"), NULL};
	struct chains chains;
	struct watch watch;

	(void)state;
	if (!watch_possible())
		skip();
	chains_open(&chains, &watch, SNAPSHOT_BYTES_DEFAULT);
	watch_spawn(&watch, argv, 0);
	assert_true(watch_until_rest(&watch));
	watch_settle(&watch);
	chains_check(&chains, &watch);
	watch_next(&watch);
	/* nothing is read meanwhile */
	wait_ended(&watch);
	chains_check(&chains, &watch);
	report("stack_brief", &chains);
	assert_true(chains.pages_compared >= 8);
	watch_close(&watch);
	chains_free(&chains);
}

/*
 * Of a process that was gone before anything was read, the files with its code
 * cannot be opened: its stacks say that, and everything else is as it should be.
 */
static void ended_unseen(void **state)
{
	char *argv[] = {target_path("stack_brief"), NULL};
	size_t ends[STACK_END_COUNT] = {0}, known = 0;
	struct chains chains;
	struct watch watch;

	(void)state;
	if (!watch_possible())
		skip();
	chains_open(&chains, &watch, SNAPSHOT_BYTES_DEFAULT);
	watch_spawn(&watch, argv, 0);
	watch_next(&watch);
	wait_ended(&watch);
	assert_true(chains.logged > 50);
	for (size_t i = 0; i < chains.logged; i++) {
		const struct stack *stack = stacks_get(chains.stacks, chains.log[i].stack);

		if (!stack)
			continue;
		known++;
		ends[stack->end]++;
	}
	print_message("    of %zu records %zu have a stack:", chains.logged, known);
	for (unsigned int i = 0; i < STACK_END_COUNT; i++)
		if (ends[i])
			print_message(" %zu %s", ends[i], stack_end_name(i));
	print_message("\n");
	watch_close(&watch);
	chains_free(&chains);
}

/* Stacks that the snapshot holds only in part, more and more of them in full. */
static void snapshot_sizes(void **state)
{
	static const size_t sizes[] = {SNAPSHOT_BYTES_MIN, 4096, 16384, SNAPSHOT_BYTES_MAX};
	size_t before = 0;

	(void)state;
	if (!watch_possible())
		skip();
	for (size_t size = 0; size < 4; size++) {
		char *argv[] = {target_path("stack_deep"), NULL};
		struct chains chains;
		struct watch watch;
		size_t complete = 0;

		chains_open(&chains, &watch, sizes[size]);
		watch_spawn(&watch, argv, 0);
		assert_true(watch_until_rest(&watch));
		watch_settle(&watch);
		for (size_t i = 0; i < chains.count; i++) {
			const struct true_chain *chain = &chains.chains[i];
			const struct logged *fault = chains_fault(&chains, chain->pid, chain->page);
			const struct stack *stack = stacks_get(chains.stacks, fault->stack);

			assert_non_null(stack);
			complete += stack->end == STACK_END_COMPLETE;
			/* whatever the snapshot holds of it is right */
			assert_true(stack->frame_count >= 2);
			assert_true(frames_are(&chains, stack, 0, chain,
					       stack->frame_count < chain->count
						       ? stack->frame_count
						       : chain->count));
		}
		print_message("    %zu bytes: %zu of %zu chains complete\n", sizes[size], complete,
			      chains.count);
		assert_true(complete > before || size == 3);
		before = complete;
		watch_close(&watch);
		chains_free(&chains);
	}
}

/* ---- a uretprobe of somebody else's ---- */

/* Where a function begins in its file; 0: not found. */
static uint64_t function_offset(const char *path, const char *name)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	uint64_t value = 0, offset = 0;
	Elf *elf;

	assert_true(fd >= 0);
	elf_version(EV_CURRENT);
	elf = elf_begin(fd, ELF_C_READ, NULL);
	assert_non_null(elf);
	for (Elf_Scn *section = NULL; (section = elf_nextscn(elf, section));) {
		GElf_Shdr header;
		GElf_Sym symbol;

		if (!gelf_getshdr(section, &header) || header.sh_type != SHT_SYMTAB)
			continue;
		for (int i = 0; gelf_getsym(elf_getdata(section, NULL), i, &symbol); i++) {
			const char *found = elf_strptr(elf, header.sh_link, symbol.st_name);

			if (found && !strcmp(found, name))
				value = symbol.st_value;
		}
	}
	for (size_t i = 0; value; i++) {
		GElf_Phdr segment;

		if (!gelf_getphdr(elf, (int)i, &segment))
			break;
		if (segment.p_type == PT_LOAD && value - segment.p_vaddr < segment.p_filesz)
			offset = value - segment.p_vaddr + segment.p_offset;
	}
	elf_end(elf);
	close(fd);
	return offset;
}

/* A uretprobe that does nothing but be there: a descriptor, or a negative errno. */
static int uretprobe_open(const char *path, uint64_t offset, pid_t pid)
{
	struct perf_event_attr attr = {.size = sizeof(attr), .config = 1 /* of the return */};
	FILE *file = fopen("/sys/bus/event_source/devices/uprobe/type", "r");
	int fd;

	if (!file)
		return -ENOENT;
	if (fscanf(file, "%u", &attr.type) != 1)
		attr.type = 0;
	fclose(file);
	attr.uprobe_path = (uintptr_t)path;
	attr.probe_offset = offset;
	fd = (int)syscall(SYS_perf_event_open, &attr, pid, -1, -1, PERF_FLAG_FD_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static void foreign_uretprobe(void **state)
{
	char path[PATH_MAX + 64];
	char *argv[] = {path, NULL};
	struct chains chains;
	struct watch watch;
	int probe = -1;

	(void)state;
	if (!watch_possible())
		skip();
	snprintf(path, sizeof(path), "%s", target_path("stack_uretprobe"));
	chains_open(&chains, &watch, SNAPSHOT_BYTES_DEFAULT);
	watch_spawn(&watch, argv, 0);
	for (int i = 0; watch_until_rest(&watch); i++) {
		watch_settle(&watch);
		for (size_t k = 0; k < chains.count; k++) {
			const struct logged *fault =
				chains_fault(&chains, chains.chains[k].pid, chains.chains[k].page);
			const struct stack *stack = stacks_get(chains.stacks, fault->stack);

			assert_non_null(stack);
			if (i)
				print_message("    probed: ends %s, %u frames\n",
					      stack_end_name(stack->end), stack->frame_count);
			/* by the kernel's own list of what it has replaced */
			assert_int_equal(stack->end, STACK_END_COMPLETE);
		}
		chains_check(&chains, &watch);
		if (i == 0) {
			probe = uretprobe_open(path, function_offset(path, "probed_function"),
					       watch.pid);
			if (probe < 0) {
				print_message("skipped: no uprobes here: %s\n", strerror(-probe));
				break;
			}
		} else if (i == 2) {
			close(probe);
		}
		/* mappings that no record tells of, as this one of the kernel's, are looked for
		 * once a second */
		watch_pump(&watch, 1100);
		watch_next(&watch);
	}
	/* the target has itself checked what the probed function returned, and went on to its end
	 */
	report("stack_uretprobe", &chains);
	watch_close(&watch);
	chains_free(&chains);
	if (probe < 0)
		skip();
	assert_true(chains.pages_compared >= 4);
}

/* Tidemark's own: what it replaces it knows, so nothing is lost, from the first stack on. */
static void marked_function(void **state)
{
	char path[PATH_MAX + 64], why[256];
	char *argv[] = {path, "marked", NULL};
	struct invocation_spec spec;
	struct chains chains;
	struct watch watch;

	(void)state;
	if (!watch_possible())
		skip();
	snprintf(path, sizeof(path), "%s", target_path("stack_uretprobe"));
	/* by its base name: attached when the target is watched, after it has found its chain */
	assert_int_equal(invocation_spec_parse("func:stack_uretprobe:probed_function", &spec, why,
					       sizeof(why)),
			 0);
	chains_open_marking(&chains, &watch, SNAPSHOT_BYTES_DEFAULT, &spec);
	watch_spawn_apart(&watch, argv);
	assert_true(watch_until_rest(&watch));
	chains_clear(&chains);
	assert_int_equal(live_watch_pid(watch.live, (uint32_t)watch.pid, 0), 0);
	assert_int_equal(live_check_invocations(watch.live), 0);
	watch_next(&watch);
	while (watch_until_rest(&watch)) {
		watch_settle(&watch);
		chains_check(&chains, &watch);
		watch_next(&watch);
	}
	report("stack_uretprobe, marked", &chains);
	watch_close(&watch);
	assert_true(chains.pages_compared >= 3);
	chains_free(&chains);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(deep),
		cmocka_unit_test(deep_static),
		cmocka_unit_test(deep_static_pie),
		cmocka_unit_test(deep_stripped),
		cmocka_unit_test(places),
		cmocka_unit_test(places_static),
		cmocka_unit_test(libraries),
		cmocka_unit_test(fork_and_exec),
		cmocka_unit_test(kernel),
		cmocka_unit_test(cxx),
		cmocka_unit_test(malloc_glibc),
		cmocka_unit_test(malloc_jemalloc),
		cmocka_unit_test(malloc_mimalloc),
		cmocka_unit_test(ended),
		cmocka_unit_test(ended_unseen),
		cmocka_unit_test(snapshot_sizes),
		cmocka_unit_test(foreign_uretprobe),
		cmocka_unit_test(marked_function),
	};
	char self[PATH_MAX];

	if (!realpath("/proc/self/exe", self))
		return 1;
	snprintf(targets_dir, sizeof(targets_dir), "%.4000s/../../targets", dirname(self));
	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests_name("stacks", tests, NULL, NULL);
}
