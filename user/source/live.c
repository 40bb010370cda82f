// SPDX-License-Identifier: GPL-2.0-only
#include "user/source/live.h"

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <bsd/sys/tree.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "bpf/tidemark.skel.h" /* generated, in the build directory */
#include "user/base/cleanup.h"
#include "user/base/log.h"
#include "user/base/units.h"
#include "user/source/decode.h"
#include "user/source/look.h"
#include "user/source/procfs.h"
#include "user/source/programs.h"
#include "user/source/queue.h"
#include "user/source/spawn.h"

#define LINKS_MAX 64

/* How long a record may wait in the ring buffer. */
#define POLL_MS_DEFAULT 20

/*
 * One drain ends after this long even if there is more, so that intervals and
 * keys are served while a process makes events as fast as it can.
 */
#define DRAIN_NS (50 * NSEC_PER_MSEC)

/* /proc is read for at most so long between two drains. */
#define LOOK_NS (2 * NSEC_PER_MSEC)

/* Looks wait while so much of what they found is not yet delivered. */
#define QUEUE_HIGH ((size_t)4 << 20)

/* How often the kernel's loss counters are read. */
#define LOSS_NS (100 * NSEC_PER_MSEC)

/* How often the kernel's list of watched processes is compared with ours. */
#define UNKNOWN_NS NSEC_PER_SEC

struct live_process {
	RB_ENTRY(live_process) link;
	uint32_t pid;
	struct proc proc;
	bool opened;
	bool identify;	   /* its program is new: say what it is */
	unsigned int jobs; /* looks under way */
	uint64_t lost;	   /* told of so far */
};

RB_HEAD(live_processes, live_process);

struct live {
	struct source source;
	struct tidemark *skeleton;
	struct ring_buffer *ring;
	struct bpf_link *links[LINKS_MAX];
	size_t link_count;
	struct live_processes processes;
	struct queue queue;
	struct look_job *jobs; /* in turn */
	struct look_job **jobs_tail;
	struct source_state state;
	size_t buffer_bytes;
	const uint64_t *consumer_pos; /* of the ring buffer, mapped: kernel/bpf/ringbuf.c */
	const uint64_t *producer_pos;
	unsigned int poll_ms;
	uint64_t interval_ns;
	uint64_t interval_due_ns;
	uint64_t interval_number;
	uint64_t loss_due_ns;
	uint64_t unknown_due_ns;
	uint32_t thp_flags;
	bool open_failed; /* said once */
	/* of the drain under way */
	source_sink sink;
	void *sink_ctx;
	uint64_t drain_until_ns;
	unsigned int drain_count;
};

static int process_compare(const struct live_process *a, const struct live_process *b)
{
	return a->pid < b->pid ? -1 : a->pid > b->pid;
}

RB_PROTOTYPE(live_processes, live_process, link, process_compare)
RB_GENERATE(live_processes, live_process, link, process_compare)

static struct live *live_of(const struct source *source)
{
	return (struct live *)source; /* the first member */
}

static struct live_process *process_find(const struct live *live, uint32_t pid)
{
	struct live_process key = {.pid = pid};

	return RB_FIND(live_processes, (struct live_processes *)&live->processes, &key);
}

static struct live_process *process_add(struct live *live, uint32_t pid)
{
	struct live_process *process = process_find(live, pid);

	if (process)
		return process;
	process = calloc(1, sizeof(*process));
	if (!process)
		return NULL;
	process->pid = pid;
	RB_INSERT(live_processes, &live->processes, process);
	return process;
}

static void process_drop(struct live *live, uint32_t pid)
{
	struct live_process *process = process_find(live, pid);
	struct look_job **at = &live->jobs;

	if (!process)
		return;
	while (*at) {
		struct look_job *job = *at;

		if (job->pid != pid) {
			at = &job->next;
			continue;
		}
		*at = job->next;
		free(job);
	}
	live->jobs_tail = at; /* the end of the list was reached */
	RB_REMOVE(live_processes, &live->processes, process);
	if (process->opened)
		proc_close(&process->proc);
	free(process);
}

static struct event_header header_make(uint16_t kind, size_t size, uint32_t pid)
{
	return (struct event_header){
		.size = (uint16_t)size, .kind = kind, .pid = pid, .time_ns = clock_ns()};
}

static void push(struct live *live, const struct event_header *event)
{
	if (queue_push(&live->queue, event))
		log_error("out of memory: a record from /proc is dropped");
}

/* What the program is, once per program. */
static void process_identify(struct live *live, struct live_process *process)
{
	struct event_identity event = {.flags = live->thp_flags};

	process->identify = false;
	proc_read_comm(&process->proc);
	event.allocator = proc_static_allocator(&process->proc);
	event.start_ticks = process->proc.start_ticks;
	memcpy(event.comm, process->proc.comm, sizeof(event.comm));
	event.h = header_make(EVENT_IDENTITY, sizeof(event), process->pid);
	push(live, &event.h);
}

/* Its handle; NULL if it is gone, which its EXIT record will say or has said. */
static struct proc *process_proc(struct live *live, struct live_process *process)
{
	if (!process->opened) {
		int rc = proc_open(process->pid, &process->proc);

		if (rc && rc != -ESRCH && !live->open_failed) {
			live->open_failed = true;
			log_warning("cannot read /proc/%u: %s; it and others are not reconciled",
				    process->pid, strerror(-rc));
		}
		if (rc)
			return NULL;
		process->opened = true;
	}
	if (process->identify)
		process_identify(live, process);
	return &process->proc;
}

/* Keeps the table of processes in step with the stream. */
static void note_record(struct live *live, const struct event_header *event)
{
	struct live_process *process;

	switch (event->kind) {
	case EVENT_FORK:
		if (((const struct event_fork *)event)->flags & FORK_WATCHED) {
			process = process_add(live, ((const struct event_fork *)event)->child);
			if (process)
				process->identify = true;
		}
		break;
	case EVENT_EXEC:
		process = process_add(live, event->pid);
		if (process)
			process->identify = true;
		break;
	case EVENT_EXIT:
		process_drop(live, event->pid);
		break;
	default:
		break;
	}
}

static void deliver(void *ctx, const struct event_header *event)
{
	struct live *live = ctx;

	/* its EXIT came first: nobody would end it again */
	if (event->kind == EVENT_ATTACH && !process_find(live, event->pid))
		return;
	live->sink(live->sink_ctx, event);
	note_record(live, event);
}

static int on_record(void *ctx, void *data, size_t size)
{
	struct live *live = ctx;
	const struct event_header *event = data;

	if (event_check(data, size)) {
		live->state.malformed++;
		return 0;
	}
	queue_deliver(&live->queue, event->time_ns, deliver, live);
	deliver(live, event);
	if (!(++live->drain_count % 1024) && clock_ns() > live->drain_until_ns)
		return -EAGAIN;
	return 0;
}

/* Its EXIT record was lost: say it ourselves. */
static void push_exit(struct live *live, const struct live_process *process)
{
	struct event_exit event = {.lost = process->lost};

	event.h = header_make(EVENT_EXIT, sizeof(event), process->pid);
	push(live, &event.h);
	bpf_map__delete_elem(live->skeleton->maps.watched, &process->pid, sizeof(process->pid), 0);
}

/* Has this process lost records since we last asked? */
static bool check_loss(struct live *live, struct live_process *process)
{
	struct event_loss event = {0};
	struct watched watched;
	bool lost;

	if (bpf_map__lookup_elem(live->skeleton->maps.watched, &process->pid, sizeof(process->pid),
				 &watched, sizeof(watched), 0))
		return false;
	if (watched.lost < process->lost) /* the pid is another process's now */
		process->lost = 0;
	lost = watched.lost != process->lost;
	if (lost) {
		process->identify = true; /* an EXEC may be among them */
		event.h = header_make(EVENT_LOSS, sizeof(event), process->pid);
		event.lost = watched.lost - process->lost;
		process->lost = watched.lost;
		push(live, &event.h);
	}
	if (watched.flags & WATCH_ENDED)
		push_exit(live, process);
	return lost;
}

static void push_attach(struct live *live, const struct live_process *process)
{
	struct event_attach event = {.start_ticks = process->proc.start_ticks};

	event.h = header_make(EVENT_ATTACH, sizeof(event), process->pid);
	memcpy(event.comm, process->proc.comm, sizeof(event.comm));
	push(live, &event.h);
}

/* Attaches to a process that the kernel watches and we do not know. */
static void attach_unknown(struct live *live, uint32_t pid, const struct watched *watched)
{
	struct live_process *process;

	if (watched->flags & WATCH_ENDED) { /* all it was, was lost */
		bpf_map__delete_elem(live->skeleton->maps.watched, &pid, sizeof(pid), 0);
		return;
	}
	if (watched->flags & (WATCH_ALIAS | WATCH_DORMANT))
		return;
	process = process_add(live, pid);
	if (!process)
		return;
	if (proc_open(pid, &process->proc)) {
		process_drop(live, pid);
		return;
	}
	process->opened = process->identify = true;
	process->lost = watched->lost;
	push_attach(live, process);
}

/* A FORK or EXEC may be among the lost: whom does the kernel watch that we do not know? */
static void find_unknown(struct live *live)
{
	const struct bpf_map *map = live->skeleton->maps.watched;
	uint32_t key, next;
	int end = bpf_map__get_next_key(map, NULL, &next, sizeof(next));

	while (!end) {
		struct watched watched;

		/* before this one may be deleted: the walk would begin anew */
		key = next;
		end = bpf_map__get_next_key(map, &key, &next, sizeof(next));
		if (!process_find(live, key) &&
		    !bpf_map__lookup_elem(map, &key, sizeof(key), &watched, sizeof(watched), 0))
			attach_unknown(live, key, &watched);
	}
}

static void check_losses(struct live *live, uint64_t now)
{
	struct live_process *process;
	bool any = false;

	if (now < live->loss_due_ns)
		return;
	live->loss_due_ns = now + LOSS_NS;
	RB_FOREACH (process, live_processes, &live->processes)
		any |= check_loss(live, process);
	/* loss may have hit the only record that told of a process */
	if (any || now >= live->unknown_due_ns) {
		live->unknown_due_ns = now + UNKNOWN_NS;
		find_unknown(live);
	}
}

static void end_interval(struct live *live, uint64_t now)
{
	struct event_interval event = {.number = ++live->interval_number};
	struct live_process *process;

	RB_FOREACH (process, live_processes, &live->processes) {
		struct event_sample sample = {0};
		struct proc *proc = process_proc(live, process);

		/* one that is gone has an EXIT record on its way */
		sample.h = header_make(EVENT_SAMPLE, sizeof(sample), process->pid);
		if (proc && !proc_read_sample(proc, &sample))
			push(live, &sample.h);
	}
	event.h = header_make(EVENT_INTERVAL, sizeof(event), 0);
	push(live, &event.h);
	live->interval_due_ns += live->interval_ns;
	if (live->interval_due_ns < now) /* we were stopped: no burst to catch up */
		live->interval_due_ns = now + live->interval_ns;
}

static void job_end(struct live *live, struct look_job *job, int rc)
{
	struct event_cycle event = {.cause = job->cause, .end = 2, .cost_ns = job->cost_ns};

	struct live_process *process = process_find(live, job->pid);

	live->jobs = job->next;
	if (!live->jobs)
		live->jobs_tail = &live->jobs;
	if (process)
		process->jobs--;
	if (rc < 0 && job->whole) {
		event.h = header_make(EVENT_CYCLE, sizeof(event), job->pid);
		push(live, &event.h);
	}
	if (rc == -ENOMEM)
		log_error("out of memory while looking at process %u", job->pid);
	free(job);
}

/* The first job becomes the last. There are two or more. */
static void job_rotate(struct live *live)
{
	struct look_job *job = live->jobs;

	live->jobs = job->next;
	job->next = NULL;
	*live->jobs_tail = job;
	live->jobs_tail = &job->next;
}

static void run_jobs(struct live *live)
{
	uint64_t begin = clock_ns(), until = begin + LOOK_NS, now = begin;

	while (live->jobs && now < until && queue_bytes(&live->queue) < QUEUE_HIGH) {
		struct look_job *job = live->jobs;
		struct live_process *process = process_find(live, job->pid);
		struct proc *proc = process ? process_proc(live, process) : NULL;
		uint64_t before = now;
		int rc = proc ? look_step(job, proc, &live->queue) : -ESRCH;

		now = clock_ns();
		job->cost_ns += now - before;
		if (rc <= 0)
			job_end(live, job, rc);
		else if (job->next) /* each in its turn: a big process does not hold up the others
				     */
			job_rotate(live);
	}
	live->state.look_ns += now - begin;
}

static int live_wait(struct source *source, int timeout_ms)
{
	struct live *live = live_of(source);
	struct pollfd fd = {.fd = ring_buffer__epoll_fd(live->ring), .events = POLLIN};
	uint64_t now = clock_ns();
	uint64_t left = live->interval_due_ns > now ? live->interval_due_ns - now : 0;
	int timeout = (int)live->poll_ms;

	if (live->jobs && timeout > 5)
		timeout = 5;
	if (left < (uint64_t)timeout * NSEC_PER_MSEC)
		timeout = (int)(left / NSEC_PER_MSEC) + 1;
	if (timeout_ms < timeout)
		timeout = timeout_ms;
	return poll(&fd, 1, timeout) < 0 ? -errno : 0;
}

/* What waits is what the kernel has written less what we have read. */
static void note_fill(struct live *live)
{
	uint64_t written = __atomic_load_n(live->producer_pos, __ATOMIC_ACQUIRE);
	uint64_t read = __atomic_load_n(live->consumer_pos, __ATOMIC_ACQUIRE);

	live->state.buffer_percent = (unsigned int)((written - read) * 100 / live->buffer_bytes);
}

static int live_drain(struct source *source, source_sink sink, void *ctx)
{
	struct live *live = live_of(source);
	uint64_t begin = clock_ns();
	int rc;

	live->sink = sink;
	live->sink_ctx = ctx;
	live->drain_count = 0;
	live->drain_until_ns = begin + DRAIN_NS;
	note_fill(live);
	rc = ring_buffer__consume(live->ring);
	if (rc < 0 && rc != -EAGAIN)
		return rc;
	/* the ring was emptied after `begin`: no older record can come */
	if (rc >= 0)
		queue_deliver(&live->queue, begin, deliver, live);

	check_losses(live, begin);
	if (begin >= live->interval_due_ns)
		end_interval(live, begin);
	run_jobs(live);
	return 0;
}

static void job_add(struct live *live, struct look_job request)
{
	struct live_process *process = process_find(live, request.pid);
	struct look_job *job = malloc(sizeof(*job));

	if (!job) {
		log_error("out of memory: a look at process %u is put off", request.pid);
		return;
	}
	*job = request;
	*live->jobs_tail = job;
	live->jobs_tail = &job->next;
	if (process)
		process->jobs++;
}

static void live_look(struct source *source, uint32_t pid, uint64_t start, uint64_t end,
		      enum event_cause cause)
{
	job_add(live_of(source), (struct look_job){
					 .pid = pid,
					 .cause = cause,
					 .start = start,
					 .end = end,
					 .whole = !start && end == UINT64_MAX,
				 });
}

static void live_look_lazy(struct source *source, uint32_t pid)
{
	job_add(live_of(source), (struct look_job){.pid = pid, .lazy = true});
}

static bool live_looking(const struct source *source, uint32_t pid)
{
	const struct live *live = live_of(source);
	const struct live_process *process;

	/* what was seen may still wait for its place in the stream */
	if (queue_bytes(&live->queue))
		return true;
	process = process_find(live, pid);
	return process && process->jobs;
}

static void live_state(const struct source *source, struct source_state *state)
{
	const struct live *live = live_of(source);

	*state = live->state;
	state->unwatched_children = live->skeleton->bss->totals.unwatched_children;
	state->cut_iovecs = live->skeleton->bss->totals.cut_iovecs;
}

static void unmap_positions(const struct live *live)
{
	long page = sysconf(_SC_PAGESIZE);

	if (live->consumer_pos)
		munmap((void *)live->consumer_pos, (size_t)page);
	if (live->producer_pos)
		munmap((void *)live->producer_pos, (size_t)page);
}

static void live_close(struct source *source)
{
	struct live *live = live_of(source);
	struct live_process *process;

	for (size_t i = 0; i < live->link_count; i++)
		bpf_link__destroy(live->links[i]);
	while ((process = RB_MIN(live_processes, &live->processes)))
		process_drop(live, process->pid);
	ring_buffer__free(live->ring);
	unmap_positions(live);
	tidemark__destroy(live->skeleton);
	queue_free(&live->queue);
	free(live);
}

static const struct source_ops live_ops = {
	.wait = live_wait,
	.drain = live_drain,
	.look = live_look,
	.look_lazy = live_look_lazy,
	.looking = live_looking,
	.state = live_state,
	.close = live_close,
};

struct source *live_source(struct live *live)
{
	return &live->source;
}

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
	live->buffer_bytes = power_of_two_at_least(options->buffer_bytes);
	live->skeleton->rodata->wake_bytes = live->buffer_bytes / 4;
	rc = bpf_map__set_max_entries(live->skeleton->maps.events, (uint32_t)live->buffer_bytes);
	if (!rc)
		rc = tidemark__load(live->skeleton);
	if (rc)
		return explain_load(rc);
	live->ring =
		ring_buffer__new(bpf_map__fd(live->skeleton->maps.events), on_record, live, NULL);
	if (!live->ring)
		return explain_load(-errno);
	rc = map_positions(live);
	if (rc)
		return explain_load(rc);
	return programs_attach(live->skeleton->obj, live->links, LINKS_MAX, &live->link_count);
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
	rc = live_load(live, options);
	if (rc) {
		live_close(&live->source);
		return rc;
	}
	*out = live;
	return 0;
}

static int watched_set(struct live *live, uint32_t pid, uint32_t flags)
{
	struct watched watched = {.ledger_pid = pid, .flags = flags};
	int rc = bpf_map__update_elem(live->skeleton->maps.watched, &pid, sizeof(pid), &watched,
				      sizeof(watched), BPF_NOEXIST);

	if (rc == -E2BIG)
		log_error("too many processes are watched");
	return rc == -EEXIST ? 0 : rc;
}

static void watched_clear(struct live *live, uint32_t pid)
{
	bpf_map__delete_elem(live->skeleton->maps.watched, &pid, sizeof(pid), 0);
}

static int attach_explain(uint32_t pid, int rc)
{
	if (rc == -EINVAL)
		log_error("%u is a thread, not a process: give its process id, Tgid in "
			  "/proc/%u/status",
			  pid, pid);
	else if (rc == -ENOTSUP)
		log_error("%u is a kernel thread: it has no memory of its own", pid);
	else if (rc == -ESRCH)
		log_error("no process %u", pid);
	else
		log_error("cannot read /proc/%u: %s", pid, strerror(-rc));
	return rc;
}

int live_watch_pid(struct live *live, uint32_t pid, uint32_t flags)
{
	struct live_process *process;
	struct proc proc;
	int rc = proc_open(pid, &proc);

	if (rc)
		return attach_explain(pid, rc);
	if (process_find(live, pid)) {
		proc_close(&proc);
		return 0;
	}
	/* from here on its records come; what was before is in /proc */
	rc = watched_set(live, pid, flags);
	/* the handle is bound to the process: if the pid had been given anew, it would fail */
	if (!rc && !proc_alive(&proc)) {
		watched_clear(live, pid);
		log_error("process %u ended while tidemark attached to it", pid);
		rc = -ESRCH;
	}
	process = rc ? NULL : process_add(live, pid);
	if (!process) {
		proc_close(&proc);
		return rc ? rc : -ENOMEM;
	}
	process->proc = proc;
	process->opened = true;
	process->identify = true;
	push_attach(live, process);
	return 0;
}

/* Those that run under the name now. One that ends while we look is no error. */
static int watch_running(struct live *live, const char *name, uint32_t flags, unsigned int *found)
{
	DIR *dir = opendir("/proc");
	struct dirent *entry;

	if (!dir)
		return -errno;
	while ((entry = readdir(dir))) {
		char *end;
		unsigned long pid = strtoul(entry->d_name, &end, 10);
		struct proc proc;
		bool same;

		if (*end || end == entry->d_name || pid == (unsigned long)getpid())
			continue;
		if (proc_open((uint32_t)pid, &proc))
			continue;
		same = !strncmp(proc.comm, name, sizeof(proc.comm));
		proc_close(&proc);
		if (same && !live_watch_pid(live, (uint32_t)pid, flags))
			(*found)++;
	}
	closedir(dir);
	return 0;
}

int live_watch_name(struct live *live, const char *name, uint32_t flags, unsigned int *found)
{
	struct watched_name key = {0};
	size_t length = strlen(name);
	int rc;

	if (!length || length >= sizeof(key.comm)) {
		log_error("-n '%s': a command name has 1 to %zu bytes, as in /proc/PID/comm", name,
			  sizeof(key.comm) - 1);
		return -EINVAL;
	}
	memcpy(key.comm, name, length);
	flags |= WATCH_NAMED;
	rc = bpf_map__update_elem(live->skeleton->maps.names, &key, sizeof(key), &flags,
				  sizeof(flags), BPF_ANY);
	if (rc) {
		log_error("-n '%s': %s", name,
			  rc == -E2BIG ? "at most 64 names can be watched" : strerror(-rc));
		return rc;
	}
	*found = 0;
	return watch_running(live, name, flags, found);
}

int live_spawn(struct live *live, char *const argv[], uint32_t flags, pid_t *pid)
{
	struct spawn spawn;
	int rc = spawn_prepare(argv, &spawn);

	if (!rc)
		rc = watched_set(live, (uint32_t)spawn.pid, flags | WATCH_DORMANT);
	if (!rc)
		rc = spawn_release(&spawn);
	else
		spawn_abandon(&spawn);
	if (rc) {
		log_error("cannot run '%s': %s", argv[0], strerror(-rc));
		if (spawn.pid > 0)
			watched_clear(live, (uint32_t)spawn.pid);
		return rc;
	}
	*pid = spawn.pid;
	return 0;
}
