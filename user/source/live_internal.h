/* SPDX-License-Identifier: GPL-2.0-only */
/* Shared by the files of the live source; nobody else's. */
#ifndef TIDEMARK_SOURCE_LIVE_INTERNAL_H
#define TIDEMARK_SOURCE_LIVE_INTERNAL_H

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <bsd/sys/tree.h>

#include "bpf/event.h"
/* before the skeleton, which uses its types */
#include "bpf/tidemark.skel.h" /* generated, in the build directory */
#include "user/source/live.h"
#include "user/source/look.h"
#include "user/source/procfs.h"
#include "user/source/queue.h"
#include "user/source/spawn.h"

#define LINKS_MAX 64

/* How often the kernel's loss counters are read. */
#define LOSS_NS (100 * NSEC_PER_MSEC)

#define PROBE_PAIRS_MAX 128 /* each takes two of usdt.bpf.h's 256 specifications */

struct live_process {
	RB_ENTRY(live_process) link;
	uint32_t pid;
	struct proc proc;
	bool opened;
	bool identify;			      /* its program is new: say what it is */
	bool probe;			      /* it may have mapped files that --invocation means */
	bool probed_once;		      /* they were looked at since its exec */
	unsigned int probed;		      /* mappings of such files that were found then */
	uint64_t pairs[PROBE_PAIRS_MAX / 64]; /* bit i: the i-th pair of probes is on one */
	struct live_heap *heap;		      /* NULL: no heap evidence of it is wanted */
	uint64_t heap_due_ns;		      /* it is from then on; 0: no more than `heap` says */
	uint64_t since_ns;		      /* it began to be watched, or its present program */
	unsigned int jobs;		      /* looks under way */
	uint64_t settings_due_ns;	      /* when they are read again, and */
	uint64_t settings_gap_ns;	      /* how long after that once more */
	uint64_t lost;			      /* told of so far */
	uint64_t stacks_lost;		      /* likewise */
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
	struct spawn spawn;	  /* the command that was started last */
	enum spawn_output output; /* of it */
	struct look_job *jobs;	  /* in turn */
	struct look_job **jobs_tail;
	struct live_invocations *invocations; /* NULL: none are marked */
	bool probe;			      /* some process's `probe` is set */
	bool heap;			      /* heap evidence may be asked for */
	bool heap_from_start;
	bool heap_first_bytes;
	enum heap_way heap_way;
	bool heap_children;
	bool heap_fork_said;
	uint64_t heap_children_due_ns; /* of some process; 0: of none */
	/* children that are watched once they run a program of their own: vfork; 0: free */
	uint32_t heap_vforks[LIVE_HEAP_CHILDREN];
	unsigned int heap_vfork_next;
	bool heap_due; /* some process waits for its allocator to be looked for */
	const struct heap_spec *heap_specs;
	size_t heap_spec_count;
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

RB_PROTOTYPE(live_processes, live_process, link, live_process_compare)

static inline struct live *live_of(const struct source *source)
{
	return (struct live *)source; /* the first member */
}

/* live_process.c: the table of processes, and what they are */
struct live_process *live_process_find(const struct live *live, uint32_t pid);
struct live_process *live_process_add(struct live *live, uint32_t pid);
void live_process_drop(struct live *live, uint32_t pid);

/* Its handle; NULL if it is gone, which its EXIT record will say or has said. */
struct proc *live_process_proc(struct live *live, struct live_process *process);

/* It runs a program that is not known yet, since time_ns. */
void live_process_begin(struct live *live, struct live_process *process, uint64_t time_ns);

/* Its files with code are looked at after this drain. */
void live_process_probe(struct live *live, struct live_process *process);

struct event_header live_header(uint16_t kind, size_t size, uint32_t pid);

/* Puts a record from /proc into the stream, at its place in time. */
void live_push(struct live *live, const struct event_header *event);
/* Reads what it tells its allocator, and says it. */
void live_push_settings(struct live *live, struct live_process *process);
void live_push_attach(struct live *live, const struct live_process *process);

/* live_loss.c: what the ring buffer could not hold */
void live_check_losses(struct live *live, uint64_t now);

/* live_look.c: /proc, read on request */
void live_run_jobs(struct live *live);
void live_look(struct source *source, uint32_t pid, uint64_t start, uint64_t end,
	       enum event_cause cause);
void live_look_lazy(struct source *source, uint32_t pid);
bool live_looking(const struct source *source, uint32_t pid);
int live_list_code(struct source *source, uint32_t pid, source_sink sink, void *ctx);
int live_open_file(struct source *source, uint32_t pid, uint64_t address, uint32_t dev,
		   uint64_t ino, char path[EVENT_PATH_LEN]);

/* live_probes.c: probes on files */

/*
 * A file, wherever it is mounted: an overlay and what is below it, or two containers of one image,
 * are one inode to the kernel's uprobes, and on no device are numbers and times all the same.
 */
struct code_file {
	uint64_t ino;
	uint64_t size;
	int64_t mtime_ns;
	int64_t btime_ns; /* 0: the file system does not know */
};

static inline bool code_file_same(const struct code_file *a, const struct code_file *b)
{
	return a->ino == b->ino && a->size == b->size && a->mtime_ns == b->mtime_ns &&
	       a->btime_ns == b->btime_ns;
}

/* What path leads to below dir_fd; "": dir_fd itself. 0 or a negative errno. */
int code_file_read(int dir_fd, const char *path, struct code_file *file);

/* The same as the process sees the path, by its root directory. */
int code_file_seen(const struct proc *proc, const char *path, struct code_file *file);

/* The probes of one --invocation on one file. */
struct probe_pair {
	struct code_file file;
	const struct invocation_spec *spec;
	uint64_t offset; /* of a function */
	struct bpf_link *begin;
	struct bpf_link *end;
	uint64_t idle_ns; /* since then no watched process has the file; 0: one has */
};

/*
 * Puts them on an open file. offset: of a function, as probes_find_function() says it. Everyone
 * who runs that file hits them from then on, see live_check_invocations(). The first uprobe of the
 * machine takes some 10 ms, others 0.1 ms.
 * -errno; nothing is left attached then. The file may be closed.
 */
int probe_pair_attach(const struct tidemark *skeleton, const struct invocation_spec *spec, int fd,
		      uint64_t offset, struct probe_pair *pair);
void probe_pair_detach(struct probe_pair *pair);

/* live_invocations.c: whose files are looked at, and what is said of it */

/*
 * Before loading: chooses the BPF programs. -ENOENT: a file that was named by its path has not
 * what was named in it.
 */
int live_invocations_open(struct live *live, const struct live_options *options);

/* How many of them no watched process has had so far. */
unsigned int live_invocations_missing(const struct live *live);

/* After loading: puts probes on files that were named by their path and can be seen from here. */
int live_invocations_attach(struct live *live);

/* Before a command runs: its program is given its probes. */
void live_invocations_command(struct live *live, const char *command);

/* Looks at the processes that have a new program or new files. */
void live_invocations_run(struct live *live);

/* Takes the probes off files that nobody who is watched has had for some time. */
void live_invocations_rest(struct live *live);

/* Says once what could not be found so far. process: it ends; NULL: an interval did. */
void live_invocations_warn(struct live *live, struct live_process *process);

void live_invocations_close(struct live *live);

/* live_heap.c: the probes of allocators */

/* Before loading: chooses the BPF programs. */
void live_heap_open(struct live *live, const struct live_options *options);

/* See source.h. */
int live_heap(struct source *source, uint32_t pid, bool on);

/* Takes a process's probes off; say: with a HEAP record. */
void live_heap_drop(struct live *live, struct live_process *process, bool say);

/* Before a command runs: it is stopped wherever its allocator may have been loaded. */
void live_heap_hold(struct live *live, uint32_t pid);

/* It has a child, whose copy of the probes the kernel takes off: said once. */
void live_heap_fork(struct live *live, const struct event_fork *event);

/* It has begun a program, or mapped a file with code. */
void live_heap_exec(struct live *live, struct live_process *process);
void live_heap_file(struct live *live, struct live_process *process);

/* Looks for the allocators of programs that have begun, and continues who was stopped for it. */
void live_heap_run(struct live *live);

/* live.c */
extern const struct source_ops live_ops;

/* Takes one record of the ring buffer: ring_buffer_sample_fn. */
int live_on_record(void *ctx, void *data, size_t size);

#endif
