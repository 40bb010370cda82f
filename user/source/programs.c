// SPDX-License-Identifier: GPL-2.0-only
#include "user/source/programs.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <bpf/btf.h>
#include <sys/mount.h>

#include "user/base/log.h"

struct program {
	const char *name; /* of the function, and of the tracepoint */
	bool needed;
	const char *lost; /* without it */
};

static const struct program programs[] = {
	{"page_fault_user", true, "first touches"},
	{"page_fault_kernel", false, "first touches by the kernel, as in read(2)"},
	{"sched_process_fork", true, "child processes"},
	{"sched_process_exec", true, "new programs"},
	{"sched_process_exit", true, "ends of processes"},
	{"sys_enter_mmap", false, "pages covered by MAP_FIXED, until reconciliation"},
	{"sys_exit_mmap", true, "new mappings"},
	{"sys_enter_munmap", true, "returned pages"},
	{"sys_exit_munmap", false, "refused munmap calls, until reconciliation"},
	{"sys_enter_mremap", false, "moved pages, until reconciliation"},
	{"sys_exit_mremap", false, "moved pages, until reconciliation"},
	{"sys_exit_mprotect", false, "changed protections, until reconciliation"},
	{"sys_exit_pkey_mprotect", false, "protections changed by pkey_mprotect"},
	{"sys_enter_madvise", false, "purges and lazily freed pages, until reconciliation"},
	{"sys_exit_madvise", false, "populated ranges, until reconciliation"},
	{"sys_enter_process_madvise", false, "purges by process_madvise, until reconciliation"},
	{"sys_exit_process_madvise", false, "process_madvise PAGEOUT and COLLAPSE"},
	{"sys_enter_brk", false, "returns by brk, until reconciliation"},
	{"sys_exit_brk", false, "growth of the heap, until reconciliation"},
	{"sys_exit_mlock", false, "pages populated by mlock, until reconciliation"},
	{"sys_exit_mlock2", false, "pages populated by mlock2, until reconciliation"},
	{"sys_exit_mlockall", false, "pages populated by mlockall, until reconciliation"},
};

static const struct program *program_find(const char *name)
{
	for (size_t i = 0; i < sizeof(programs) / sizeof(*programs); i++)
		if (!strcmp(programs[i].name, name))
			return &programs[i];
	return NULL;
}

static int tracefs_path(char *path, size_t size, const char *below)
{
	static const char *const roots[] = {"/sys/kernel/tracing", "/sys/kernel/debug/tracing"};

	for (size_t i = 0; i < sizeof(roots) / sizeof(*roots); i++) {
		snprintf(path, size, "%s/%s", roots[i], below);
		if (!access(path, F_OK))
			return 0;
	}
	return -ENOENT;
}

int tracefs_ensure(void)
{
	char path[128];

	if (!tracefs_path(path, sizeof(path), "events"))
		return 0;
	if (mount("tracefs", "/sys/kernel/tracing", "tracefs", 0, NULL)) {
		log_error("tracefs is not mounted and cannot be (%s): mount -t tracefs tracefs "
			  "/sys/kernel/tracing",
			  strerror(errno));
		return -EOPNOTSUPP;
	}
	if (tracefs_path(path, sizeof(path), "events")) {
		log_error("this kernel has no trace events: it needs CONFIG_FTRACE_SYSCALLS");
		return -EOPNOTSUPP;
	}
	log_info("mounted tracefs on /sys/kernel/tracing");
	return 0;
}

static bool tracepoint_exists(const struct bpf_program *program, const struct btf *btf)
{
	const char *section = bpf_program__section_name(program);
	char path[256], below[160];

	if (!strncmp(section, "tp_btf/", 7)) {
		snprintf(path, sizeof(path), "btf_trace_%s", section + 7);
		return btf__find_by_name_kind(btf, path, BTF_KIND_TYPEDEF) > 0;
	}
	snprintf(below, sizeof(below), "events/%s", strchr(section, '/') + 1);
	return !tracefs_path(path, sizeof(path), below);
}

static int program_missing(const struct program *program, const char *why)
{
	if (program->needed) {
		log_error("%s %s, and nothing can be said without %s", program->name, why,
			  program->lost);
		return -EOPNOTSUPP;
	}
	log_warning("%s %s; not seen: %s", program->name, why, program->lost);
	return 0;
}

int programs_select(const struct bpf_object *object, const char *omit)
{
	struct btf *btf = btf__load_vmlinux_btf();
	struct bpf_program *bpf;
	int rc = 0;

	if (!btf) {
		log_error("this kernel carries no type information: it needs "
			  "CONFIG_DEBUG_INFO_BTF=y (/sys/kernel/btf/vmlinux)");
		return -EOPNOTSUPP;
	}
	bpf_object__for_each_program(bpf, object)
	{
		const struct program *program = program_find(bpf_program__name(bpf));
		bool omitted = omit && !strcmp(bpf_program__name(bpf), omit);

		if (!program || rc || (!omitted && tracepoint_exists(bpf, btf)))
			continue;
		rc = program_missing(program, omitted ? "is left out" : "is not in this kernel");
		bpf_program__set_autoload(bpf, false);
	}
	btf__free(btf);
	return rc;
}

int programs_attach(const struct bpf_object *object, struct bpf_link **links, size_t max,
		    size_t *count)
{
	struct bpf_program *bpf;

	*count = 0;
	bpf_object__for_each_program(bpf, object)
	{
		const struct program *program = program_find(bpf_program__name(bpf));
		struct bpf_link *link;
		char why[160];

		if (!program || !bpf_program__autoload(bpf) || *count == max)
			continue;
		link = bpf_program__attach(bpf);
		if (link) {
			links[(*count)++] = link;
			continue;
		}
		snprintf(why, sizeof(why), "cannot be attached (%s)", strerror(errno));
		if (program_missing(program, why))
			return -EOPNOTSUPP;
	}
	return 0;
}
