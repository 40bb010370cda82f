// SPDX-License-Identifier: GPL-2.0-only
/*
 * Where the probes of --invocation belong: on files that were named by their path,
 * at once, and on what the watched processes have mapped, as they map it.
 *
 * A probe is the file's, not a process's: a uprobe for one process would not be in
 * those it forks, and would cost a file descriptor each. So whoever runs the file
 * hits it, and the kernel side drops what is not of a watched process.
 */
#include "user/source/live_invocations.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "user/base/cleanup.h"
#include "user/base/units.h"

/* So long a process may take to map what is wanted before that is worth a line. */
#define PATIENCE_NS (2 * NSEC_PER_SEC)

#define DELETED " (deleted)"

static void process_text(const struct live_process *process, char *text, size_t size)
{
	snprintf(text, size, "%u %.*s", process->pid, EVENT_COMM_LEN, process->proc.comm);
}

/* ---- processes ---- */

struct search {
	struct live *live;
	const struct proc *proc;
	struct code_file seen[INVOCATION_SPECS_MAX]; /* what a path leads the process to */
	uint32_t has_seen;			     /* bit i: seen[i] is known */
	uint32_t named;			      /* bit i: it has a file that wanted[i] may mean */
	unsigned int found;		      /* mappings with probes */
	uint64_t pairs[PROBE_PAIRS_MAX / 64]; /* these, as in live_process */
};

/* What may be behind a name that was given: " (deleted)", and of a library its version. */
static bool is_suffix(const char *base, size_t length, const char *rest)
{
	bool library = length > 3 && !strncmp(base + length - 3, ".so", 3);

	return !*rest || !strcmp(rest, DELETED) || !strncmp(rest, ".so", 3) ||
	       (library && *rest == '.');
}

/* name: of the mapping, maybe cut, maybe with " (deleted)" behind it */
static bool name_is(const char *name, const char *base)
{
	bool cut = strnlen(name, EVENT_NAME_LEN) == EVENT_NAME_LEN - 1;
	size_t length = strnlen(base, EVENT_NAME_LEN - 1);

	/* of what is cut the whole path decides */
	return !strncmp(name, base, length) && (cut || is_suffix(base, length, name + length));
}

/* Is it the file that was found by what was given? */
static bool is_found(const struct search *search, size_t index, const struct code_file *file)
{
	const struct wanted *wanted = &search->live->invocations->wanted[index];

	if ((wanted->here || wanted->command) && code_file_same(file, &wanted->file))
		return true;
	return search->has_seen >> index & 1 && code_file_same(file, &search->seen[index]);
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static bool may_mean(const struct search *search, size_t index, const struct proc_vma *vma,
		     const struct code_file *file)
{
	const struct wanted *wanted = &search->live->invocations->wanted[index];

	if (!*wanted->spec->binary || is_found(search, index, file))
		return true;
	if (!wanted_is_path(wanted))
		return name_is(vma->name, wanted->spec->binary);
	/* what was replaced while it runs has its path no more */
	return strstr(vma->name, DELETED) && name_is(vma->name, base_name(wanted->spec->binary));
}

/* The same by the file's whole path, which is known only now. */
static bool does_mean(const struct search *search, size_t index, const struct code_file *file,
		      const char *path)
{
	const struct wanted *wanted = &search->live->invocations->wanted[index];
	const char *binary = wanted->spec->binary;
	const char *name = path;
	size_t length;

	if (!*binary || is_found(search, index, file))
		return true;
	length = strlen(binary);
	if (!wanted_is_path(wanted)) {
		name = base_name(path);
		return !strncmp(name, binary, length) && is_suffix(binary, length, name + length);
	}
	if (length > EVENT_PATH_LEN - sizeof(DELETED))
		return false;
	return !strncmp(name, binary, length) && (!name[length] || !strcmp(name + length, DELETED));
}

static int vma_try(const struct search *search, size_t index, const struct proc_vma *vma,
		   const struct code_file *file)
{
	struct live_invocations *all = search->live->invocations;
	char path[EVENT_PATH_LEN];
	AUTO_FD int fd = -1;

	if (pair_find(all, &all->wanted[index], file) >= 0)
		return 0;
	if (was_missed(all, file, index))
		return -ENOENT;
	fd = proc_open_file(search->proc, vma->start, vma->dev, vma->ino, path);
	if (fd == -EPERM && !all->unreadable_said) {
		all->unreadable_said = true;
		log_warning("--invocation: files of process %u cannot be read (%s): it takes "
			    "CAP_CHECKPOINT_RESTORE",
			    search->proc->pid, strerror(EPERM));
	}
	if (fd < 0)
		return fd;
	if (!does_mean(search, index, file, path))
		return -ENOENT;
	return wanted_try(search->live, index, fd, file, path);
}

static int search_vma(void *ctx, const struct proc_vma *vma)
{
	struct search *search = ctx;
	struct live_invocations *all = search->live->invocations;
	struct code_file file;
	char link[64];
	int pair;

	if (vma->kind != VMA_KIND_FILE || !vma->ino)
		return 0;
	snprintf(link, sizeof(link), "map_files/%llx-%llx", (unsigned long long)vma->start,
		 (unsigned long long)vma->end);
	if (code_file_read(search->proc->dir_fd, link, &file))
		return 0; /* unmapped meanwhile */
	for (size_t i = 0; i < all->count; i++) {
		if (!may_mean(search, i, vma, &file))
			continue;
		search->named |= 1U << i;
		all->wanted[i].named = true;
		if (vma_try(search, i, vma, &file))
			continue;
		all->wanted[i].found = true;
		search->found++;
		pair = pair_find(all, &all->wanted[i], &file);
		if (pair >= 0) /* not if the file was written to meanwhile */
			search->pairs[pair / 64] |= 1ULL << (pair % 64);
	}
	return 0;
}

/*
 * Looks through a process's files. A probe is an instruction that the kernel writes into the
 * process's code, which makes that page its own, and it touches a USDT semaphore likewise; no fault
 * tells of that. After an attach or exec a look at the pages follows anyhow.
 */
static void search_process(struct search *search, struct live_process *process)
{
	struct live *live = search->live;
	struct live_invocations *all = live->invocations;
	bool again = process->probed_once;

	process->probe = false;
	search->proc = live_process_proc(live, process);
	if (!search->proc)
		return;
	for (size_t i = 0; i < all->count; i++)
		if (wanted_is_path(&all->wanted[i]) &&
		    !code_file_seen(search->proc, all->wanted[i].spec->binary, &search->seen[i]))
			search->has_seen |= 1U << i;
	if (proc_list_code(search->proc, search_vma, search))
		return;
	process->probed_once = true;
	if (again && search->found > process->probed)
		live_look(&live->source, process->pid, 0, UINT64_MAX, CAUSE_POPULATE);
	process->probed = search->found;
	memcpy(process->pairs, search->pairs, sizeof(process->pairs));
}

void live_invocations_run(struct live *live)
{
	struct live_process *process;

	if (!live->invocations || !live->probe)
		return;
	live->probe = false;
	RB_FOREACH (process, live_processes, &live->processes) {
		struct search search = {.live = live};

		if (process->probe)
			search_process(&search, process);
	}
}

/* May wanted[i] still come, as a library does that is loaded later? */
static bool may_come(const struct wanted *wanted, bool named)
{
	return *wanted->spec->binary && !named;
}

/* Of a process without any of the probes: the first that it ought to have. */
static struct wanted *first_missing(struct live_invocations *all, uint32_t named)
{
	for (size_t i = 0; i < all->count; i++)
		if (may_come(&all->wanted[i], named >> i & 1))
			return NULL;
	return &all->wanted[0];
}

static int refuse_missing(struct wanted *wanted, const char *where)
{
	char text[MESSAGE_LEN];

	wanted->said = true;
	wanted_miss_text(wanted, where, text, sizeof(text));
	wanted_say(LOG_ERROR, wanted, text);
	return -ENOENT;
}

int live_check_invocations(struct live *live)
{
	struct live_invocations *all = live->invocations;
	struct live_process *process;
	char where[64] = "";

	if (!all || RB_EMPTY(&live->processes))
		return 0;
	RB_FOREACH (process, live_processes, &live->processes) {
		struct search search = {.live = live};
		struct wanted *missing;

		search_process(&search, process);
		process_text(process, where, sizeof(where));
		missing = search.found ? NULL : first_missing(all, search.named);
		if (missing && search.proc)
			return refuse_missing(missing, where);
	}
	for (size_t i = 0; i < all->count; i++)
		if (!all->wanted[i].found && !may_come(&all->wanted[i], all->wanted[i].named))
			return refuse_missing(&all->wanted[i], where);
	return 0;
}

/* ---- what is known before any process ---- */

/* From the directories of PATH, as execvp() does. */
static int open_command(const char *command, char *path, size_t size)
{
	const char *dirs = getenv("PATH");

	if (strchr(command, '/')) {
		snprintf(path, size, "%s", command);
		return open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	}
	while (dirs && *dirs) {
		int length = (int)strcspn(dirs, ":"), fd;

		snprintf(path, size, "%.*s/%s", length ? length : 1, length ? dirs : ".", command);
		fd = access(path, X_OK) ? -1 : open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
		if (fd >= 0)
			return fd;
		dirs += length;
		dirs += *dirs == ':';
	}
	return -1;
}

void live_invocations_command(struct live *live, const char *command)
{
	struct live_invocations *all = live->invocations;
	char path[PATH_MAX];
	struct code_file file;
	AUTO_FD int fd = all ? open_command(command, path, sizeof(path)) : -1;

	if (fd < 0 || code_file_read(fd, "", &file))
		return;
	for (size_t i = 0; i < all->count; i++) {
		const struct wanted *wanted = &all->wanted[i];

		/* a path is attached to already, or means something in another root */
		if (!wanted_is_path(wanted) && pair_find(all, wanted, &file) < 0 &&
		    (!*wanted->spec->binary || !strcmp(wanted->spec->binary, base_name(path))))
			(void)wanted_try(live, i, fd, &file, path);
	}
}

/* /usr/bin/NAME may be a link to a file of another name, which is what processes have mapped. */
static void wanted_find_command(struct wanted *wanted)
{
	char path[PATH_MAX];
	AUTO_FD int fd =
		*wanted->spec->binary ? open_command(wanted->spec->binary, path, sizeof(path)) : -1;

	wanted->command = fd >= 0 && !code_file_read(fd, "", &wanted->file);
}

static int wanted_open(struct wanted *wanted)
{
	const struct invocation_spec *spec = wanted->spec;
	char text[MESSAGE_LEN];
	struct miss miss;

	if (!wanted_is_path(wanted)) {
		wanted_find_command(wanted);
		return 0;
	}
	wanted->fd = open(spec->binary, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (wanted->fd < 0 || code_file_read(wanted->fd, "", &wanted->file)) {
		log_info("--invocation %s: cannot be opened from here (%s), maybe a watched "
			 "process can",
			 spec->text, strerror(errno));
		return 0;
	}
	wanted->here = true;
	if (!wanted_find(spec, wanted->fd, &wanted->offset, &miss))
		return 0;
	wanted->miss = miss;
	wanted_miss_text(wanted, spec->binary, text, sizeof(text));
	wanted_say(LOG_ERROR, wanted, text);
	return -ENOENT;
}

static void select_programs(struct live *live, bool marked)
{
	struct tidemark *skeleton = live->skeleton;

	skeleton->rodata->invocations_marked = marked;
	bpf_program__set_autoload(skeleton->progs.invocation_usdt_begin, marked);
	bpf_program__set_autoload(skeleton->progs.invocation_usdt_end, marked);
	bpf_program__set_autoload(skeleton->progs.invocation_enter, marked);
	bpf_program__set_autoload(skeleton->progs.invocation_return, marked);
}

int live_invocations_open(struct live *live, const struct live_options *options)
{
	int rc = 0;

	select_programs(live, options->invocation_count);
	if (!options->invocation_count)
		return 0;
	if (options->invocation_count > INVOCATION_SPECS_MAX)
		return -EINVAL;
	live->invocations = calloc(1, sizeof(*live->invocations));
	if (!live->invocations)
		return -ENOMEM;
	live->invocations->count = options->invocation_count;
	for (size_t i = 0; i < options->invocation_count; i++) {
		live->invocations->wanted[i].spec = &options->invocations[i];
		live->invocations->wanted[i].fd = -1;
	}
	for (size_t i = 0; i < options->invocation_count && !rc; i++)
		rc = wanted_open(&live->invocations->wanted[i]);
	return rc;
}

int live_invocations_attach(struct live *live)
{
	struct live_invocations *all = live->invocations;

	for (size_t i = 0; all && i < all->count; i++) {
		struct wanted *wanted = &all->wanted[i];
		int rc = 0;

		if (!wanted->here)
			continue;
		if (pair_find(all, wanted, &wanted->file) < 0)
			rc = wanted_attach(live, wanted, wanted->fd, wanted->offset,
					   wanted->spec->binary);
		close(wanted->fd);
		wanted->fd = -1;
		if (rc) {
			log_error("--invocation %s: cannot be attached: %s", wanted->spec->text,
				  strerror(-rc));
			return rc == -EPERM || rc == -EACCES ? -EPERM : -EOPNOTSUPP;
		}
	}
	return 0;
}

/* ---- what could not be found ---- */

static void warn_missing(struct wanted *wanted, const struct live_process *process)
{
	char where[64], what[MESSAGE_LEN], text[MESSAGE_LEN];

	wanted->said = true;
	process_text(process, where, sizeof(where));
	if (wanted->miss.rc)
		wanted_miss_text(wanted, where, what, sizeof(what));
	else if (!*wanted->spec->binary)
		snprintf(what, sizeof(what), "no file of %s could be looked at", where);
	else
		snprintf(what, sizeof(what), "%.200s is not among the files with code of %s so far",
			 wanted->spec->binary, where);
	snprintf(text, sizeof(text), "%.1900s; pages are charged to no invocation", what);
	wanted_say(LOG_WARNING, wanted, text);
}

/* The one to name: that which has been there long enough, or the last, at its end. */
static struct live_process *patience_lost(struct live *live, struct live_process *ending)
{
	struct live_process *process;
	uint64_t now = clock_ns();

	if (ending)
		return RB_MIN(live_processes, &live->processes) == ending &&
				       !RB_NEXT(live_processes, &live->processes, ending)
			       ? ending
			       : NULL;
	RB_FOREACH (process, live_processes, &live->processes)
		if (now > process->since_ns + PATIENCE_NS)
			return process;
	return NULL;
}

void live_invocations_warn(struct live *live, struct live_process *ending)
{
	struct live_invocations *all = live->invocations;
	const struct live_process *process = all ? patience_lost(live, ending) : NULL;

	for (size_t i = 0; process && i < all->count; i++)
		if (!all->wanted[i].found && !all->wanted[i].said)
			warn_missing(&all->wanted[i], process);
}

unsigned int live_invocations_missing(const struct live *live)
{
	const struct live_invocations *all = live->invocations;
	unsigned int missing = 0;

	for (size_t i = 0; all && i < all->count; i++)
		missing += !all->wanted[i].found;
	return missing;
}

void live_invocations_close(struct live *live)
{
	struct live_invocations *all = live->invocations;

	if (!all)
		return;
	for (size_t i = 0; i < PROBE_PAIRS_MAX; i++)
		if (all->pairs[i].spec)
			probe_pair_detach(&all->pairs[i]);
	for (size_t i = 0; i < all->count; i++)
		if (all->wanted[i].fd >= 0)
			close(all->wanted[i].fd);
	free(all);
}
