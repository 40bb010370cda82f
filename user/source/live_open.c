// SPDX-License-Identifier: GPL-2.0-only
/* Loads and attaches the BPF programs, and says why where that cannot be. */
#include "user/source/live_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sys/mman.h>
#include <sys/stat.h>

#include "user/base/log.h"
#include "user/base/units.h"
#include "user/source/programs.h"

/* How long a record may wait in the ring buffer. */
#define POLL_MS_DEFAULT 20

static int print_libbpf(enum libbpf_print_level level, const char *format, va_list args)
{
	char line[512];

	(void)level;
	vsnprintf(line, sizeof(line), format, args);
	line[strcspn(line, "\n")] = '\0';
	log_debug("libbpf: %s", line);
	return 0;
}

static size_t power_of_two_at_least(size_t bytes)
{
	size_t power = LIVE_BUFFER_MIN;

	while (power < bytes)
		power *= 2;
	return power;
}

/* PROC_PID_INIT_INO, include/linux/proc_ns.h: the initial PID namespace, whose ids BPF sees. */
#define INIT_PID_NAMESPACE 0xEFFFFFFCU

static int check_rights(void)
{
	struct stat st;

	if (geteuid()) {
		log_error("needs root to load BPF programs and to read other processes' /proc: "
			  "use sudo");
		return -EPERM;
	}
	if (!stat("/proc/self/ns/pid", &st) && st.st_ino != INIT_PID_NAMESPACE) {
		log_error("runs in a PID namespace of its own, where process ids mean others: "
			  "start it on the host, or the container with --pid=host");
		return -EPERM;
	}
	return 0;
}

static int explain_load(int rc)
{
	if (rc == -EPERM || rc == -EACCES) {
		log_error("the kernel refuses BPF programs (%s): it takes CAP_BPF, CAP_PERFMON and "
			  "CAP_SYS_PTRACE; in a container, run on the host or with --privileged "
			  "--pid=host",
			  strerror(-rc));
		return -EPERM;
	}
	if (rc == -ENOMEM) {
		log_error("no memory for the ring buffer: use a smaller --buffer");
		return rc;
	}
	log_error("the kernel cannot load the BPF programs (%s): run with -v to see its reasons",
		  strerror(-rc));
	return -EOPNOTSUPP;
}

/* The first two pages of the map: what was read, what was written. */
static int map_positions(struct live *live)
{
	int fd = bpf_map__fd(live->skeleton->maps.events);
	long page = sysconf(_SC_PAGESIZE);
	void *consumer = mmap(NULL, (size_t)page, PROT_READ, MAP_SHARED, fd, 0);
	void *producer = mmap(NULL, (size_t)page, PROT_READ, MAP_SHARED, fd, page);

	if (consumer != MAP_FAILED)
		live->consumer_pos = consumer;
	if (producer != MAP_FAILED)
		live->producer_pos = producer;
	return live->consumer_pos && live->producer_pos ? 0 : -errno;
}

static int live_load(struct live *live, const struct live_options *options)
{
	int rc;

	live->skeleton = tidemark__open();
	if (!live->skeleton)
		return explain_load(-errno);
	rc = programs_select(live->skeleton->obj, options->omit_program);
	if (rc)
		return rc;
	live_heap_open(live, options);
	rc = live_invocations_open(live, options);
	if (rc)
		return rc;
	live->buffer_bytes = power_of_two_at_least(options->buffer_bytes);
	live->skeleton->rodata->wake_bytes = live->buffer_bytes / 4;
	live->skeleton->rodata->snapshot_bytes = (uint32_t)options->stack_bytes;
	live->skeleton->rodata->snapshot_rate = options->stack_rate;
	rc = bpf_map__set_max_entries(live->skeleton->maps.events, (uint32_t)live->buffer_bytes);
	if (!rc)
		rc = tidemark__load(live->skeleton);
	if (rc)
		return explain_load(rc);
	live->ring = ring_buffer__new(bpf_map__fd(live->skeleton->maps.events), live_on_record,
				      live, NULL);
	if (!live->ring)
		return explain_load(-errno);
	rc = map_positions(live);
	if (rc)
		return explain_load(rc);
	rc = programs_attach(live->skeleton->obj, live->links, LINKS_MAX, &live->link_count);
	return rc ? rc : live_invocations_attach(live);
}

int live_open(const struct live_options *options, struct live **out)
{
	struct live *live;
	int rc;

	libbpf_set_print(print_libbpf);
	rc = check_rights();
	if (!rc)
		rc = tracefs_ensure();
	if (rc)
		return rc;
	live = calloc(1, sizeof(*live));
	if (!live)
		return -ENOMEM;
	live->source.ops = &live_ops;
	live->jobs_tail = &live->jobs;
	live->poll_ms = options->poll_ms ? options->poll_ms : POLL_MS_DEFAULT;
	live->interval_ns = (uint64_t)options->interval_ms * NSEC_PER_MSEC;
	live->interval_due_ns = clock_ns() + live->interval_ns;
	live->thp_flags = system_thp_flags();
	live->output = options->command_output;
	rc = live_load(live, options);
	if (rc) {
		live_ops.close(&live->source);
		return rc;
	}
	*out = live;
	return 0;
}
