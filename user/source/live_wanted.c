// SPDX-License-Identifier: GPL-2.0-only
/* What each --invocation is after: looked for in files, attached to them, taken off again. */
#include "user/source/live_invocations.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "user/base/units.h"

/*
 * Probes stay so long on a file that no watched process has: they hold it, and what it is mounted
 * on, and whoever comes next finds them in place.
 */
#define IDLE_NS (30 * NSEC_PER_SEC)

/* ---- what is said ---- */

/* Names come from files and processes, which are anybody's: control characters are not shown. */
void wanted_say(enum log_level level, const struct wanted *wanted, const char *text)
{
	char line[MESSAGE_LEN];
	size_t i;

	for (i = 0; text[i] && i + 1 < sizeof(line); i++)
		line[i] = (unsigned char)text[i] < ' ' || text[i] == 0x7f ? '?' : text[i];
	line[i] = '\0';
	log_message(level, "--invocation %s: %s", wanted->spec->text, line);
}

/* "no function 'handle' in /x: did you mean handler?" */
void wanted_miss_text(const struct wanted *wanted, const char *where, char *text, size_t size)
{
	const struct invocation_spec *spec = wanted->spec;
	const char *name = wanted->miss.end ? spec->end : spec->begin;
	bool usdt = spec->kind == INVOCATION_SPEC_USDT;
	char near[1024];

	probes_near_text(&wanted->miss.near, near, sizeof(near));
	switch (wanted->miss.rc) {
	case -ENOENT:
		snprintf(text, size, "no %s '%s%s%s' in %.256s%s%s", usdt ? "probe" : "function",
			 spec->provider, usdt ? ":" : "", name, where, *near ? ": " : "", near);
		break;
	case -ENOTUNIQ:
		snprintf(text, size,
			 "several functions are called '%s' in %s: mark with USDT "
			 "probes the one that is meant",
			 name, where);
		break;
	case -EOPNOTSUPP:
		snprintf(text, size,
			 "the return of '%s' in %s cannot be probed: it is a Go program, whose "
			 "stacks move, picks its code at run time (ifunc), or needs its return "
			 "address (setjmp, dlsym, _start, the cold part of a function); name a "
			 "function around it, or use USDT probes",
			 name, where);
		break;
	case -EBADMSG:
		snprintf(text, size, "%s is no ELF file, or a damaged one", where);
		break;
	case 0: /* there was no search */
		snprintf(text, size,
			 "no file of %s could be looked at: it takes CAP_SYS_PTRACE and "
			 "CAP_CHECKPOINT_RESTORE",
			 where);
		break;
	case -EPERM:
	case -EACCES:
		snprintf(text, size,
			 "the kernel refuses uprobes on %s: it takes CAP_PERFMON, or CAP_SYS_ADMIN "
			 "where that is asked for",
			 where);
		break;
	default:
		snprintf(text, size, "%s: %s", where, strerror(-wanted->miss.rc));
	}
}

/* ---- files ---- */

bool wanted_is_path(const struct wanted *wanted)
{
	return strchr(wanted->spec->binary, '/');
}

/* 0, or the errno of probes.h with *miss filled. */
int wanted_find(const struct invocation_spec *spec, int fd, uint64_t *offset, struct miss *miss)
{
	*miss = (struct miss){0};
	if (spec->kind == INVOCATION_SPEC_FUNCTION) {
		miss->rc = probes_find_function(fd, spec->begin, offset, &miss->near);
		return miss->rc;
	}
	miss->rc = probes_find_usdt(fd, spec->provider, spec->begin, &miss->near);
	if (miss->rc)
		return miss->rc;
	miss->end = true;
	miss->rc = probes_find_usdt(fd, spec->provider, spec->end, &miss->near);
	return miss->rc;
}

/* How much a miss tells of what the user has wrong; names are merged with their like. */
static unsigned int miss_rank(const struct miss *miss)
{
	if (!miss->rc || miss->rc == -EBADMSG)
		return 0;
	return miss->rc == -ENOENT ? 1 + miss->end : 3;
}

static void wanted_missed(struct wanted *wanted, const struct miss *miss)
{
	const struct invocation_spec *spec = wanted->spec;
	char name[2 * INVOCATION_NAME_MAX];

	if (miss_rank(miss) > miss_rank(&wanted->miss)) {
		wanted->miss = *miss;
		return;
	}
	if (miss_rank(miss) < miss_rank(&wanted->miss) || miss->rc != -ENOENT)
		return;
	snprintf(name, sizeof(name), "%s%s%s", spec->provider, *spec->provider ? ":" : "",
		 miss->end ? spec->end : spec->begin);
	probes_near_merge(&wanted->miss.near, &miss->near, name);
}

static struct missed *missed_slot(struct live_invocations *all, const struct code_file *file)
{
	uint64_t hash = (file->ino ^ (uint64_t)file->mtime_ns) * 0x9e3779b97f4a7c15ULL;

	return &all->missed[hash >> 32 & (MISSED_SLOTS - 1)];
}

bool was_missed(struct live_invocations *all, const struct code_file *file, size_t index)
{
	const struct missed *slot = missed_slot(all, file);

	return code_file_same(&slot->file, file) && slot->wanted >> index & 1;
}

static void note_missed(struct live_invocations *all, const struct code_file *file, size_t index)
{
	struct missed *slot = missed_slot(all, file);

	if (!code_file_same(&slot->file, file))
		*slot = (struct missed){.file = *file};
	slot->wanted |= 1U << index;
}

/* What two specifications both mean is probed once. */
static bool same_probes(const struct invocation_spec *a, const struct invocation_spec *b)
{
	return a->kind == b->kind && !strcmp(a->provider, b->provider) &&
	       !strcmp(a->begin, b->begin) && !strcmp(a->end, b->end);
}

/* The index of the probes of that on the file; -1: there are none. */
int pair_find(const struct live_invocations *all, const struct wanted *wanted,
	      const struct code_file *file)
{
	for (int i = 0; i < PROBE_PAIRS_MAX; i++)
		if (all->pairs[i].spec && code_file_same(&all->pairs[i].file, file) &&
		    same_probes(all->pairs[i].spec, wanted->spec))
			return i;
	return -1;
}

static struct probe_pair *pair_free(struct live_invocations *all)
{
	for (size_t i = 0; i < PROBE_PAIRS_MAX; i++)
		if (!all->pairs[i].spec)
			return &all->pairs[i];
	return NULL;
}

/* Two names of one function: twice probed, each of its calls would be two. */
static bool has_function(const struct live_invocations *all, int fd, uint64_t offset)
{
	struct code_file file;

	if (code_file_read(fd, "", &file))
		return false;
	for (size_t i = 0; i < PROBE_PAIRS_MAX; i++)
		if (all->pairs[i].spec && all->pairs[i].spec->kind == INVOCATION_SPEC_FUNCTION &&
		    all->pairs[i].offset == offset && code_file_same(&all->pairs[i].file, &file))
			return true;
	return false;
}

int wanted_attach(struct live *live, const struct wanted *wanted, int fd, uint64_t offset,
		  const char *path)
{
	struct live_invocations *all = live->invocations;
	struct probe_pair *pair = pair_free(all);
	uint64_t begin = clock_ns();
	int rc;

	if (wanted->spec->kind == INVOCATION_SPEC_FUNCTION && has_function(all, fd, offset))
		return 0;
	if (!pair) {
		if (!all->full_said)
			log_warning("--invocation: probes are on %d files, no more are added",
				    PROBE_PAIRS_MAX);
		all->full_said = true;
		return -E2BIG;
	}
	rc = probe_pair_attach(live->skeleton, wanted->spec, fd, offset, pair);
	if (!rc)
		log_debug("--invocation %s: attached to %s in %llu us", wanted->spec->text, path,
			  (unsigned long long)((clock_ns() - begin) / 1000));
	return rc;
}

/* An open file that wanted[index] may mean. 0: its probes are on it. */
int wanted_try(struct live *live, size_t index, int fd, const struct code_file *file,
	       const char *path)
{
	struct live_invocations *all = live->invocations;
	struct wanted *wanted = &all->wanted[index];
	struct miss miss;
	uint64_t offset = 0;
	int rc = wanted_find(wanted->spec, fd, &offset, &miss);

	if (!rc) {
		rc = wanted_attach(live, wanted, fd, offset, path);
		miss.rc = rc;
	}
	if (rc) {
		note_missed(all, file, index);
		wanted_missed(wanted, &miss);
	}
	return rc;
}

/* ---- files that nobody has any more ---- */

static bool is_by_path(const struct live_invocations *all, const struct probe_pair *pair)
{
	for (size_t i = 0; i < all->count; i++)
		if (all->wanted[i].here && code_file_same(&all->wanted[i].file, &pair->file))
			return true;
	return false;
}

void live_invocations_rest(struct live *live)
{
	struct live_invocations *all = live->invocations;
	uint64_t used[PROBE_PAIRS_MAX / 64] = {0}, now = clock_ns();
	struct live_process *process;

	if (!all)
		return;
	RB_FOREACH (process, live_processes, &live->processes)
		for (size_t i = 0; i < PROBE_PAIRS_MAX / 64; i++)
			used[i] |= process->pairs[i];
	for (size_t i = 0; i < PROBE_PAIRS_MAX; i++) {
		struct probe_pair *pair = &all->pairs[i];

		if (!pair->spec || used[i / 64] >> (i % 64) & 1 || is_by_path(all, pair))
			pair->idle_ns = 0;
		else if (!pair->idle_ns)
			pair->idle_ns = now;
		else if (now > pair->idle_ns + IDLE_NS)
			probe_pair_detach(pair);
	}
}
