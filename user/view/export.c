// SPDX-License-Identifier: GPL-2.0-only
#include "user/view/export.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <sys/stat.h>

#include "user/base/log.h"
#include "user/base/units.h"
#include "user/view/export_format.h"

/* Without a buffer of ours, glibc's is 4 KiB whatever setvbuf says. */
#define BUFFER_BYTES ((size_t)64 << 10)

/* Of a snapshot while it is written. */
#define TEMPORARY ".%s.tmp"

/* Not through a link that somebody else has put there. */
#define CREATE_FLAGS (O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC)

struct export_file {
	const char *name;
	FILE *file; /* NULL: not open, or given up */
	char *buffer;
};

/* What process.view points to. */
struct export_process {
	struct export_process *next; /* of all that are open */
	struct process *process;
	char name[96];					/* of its directory */
	int dir_fd;					/* -1: there is none, nothing is exported */
	uint64_t round;					/* of snapshots, in which it had its turn */
	struct export_file streams[EXPORT_FORMATS_MAX]; /* by format */
};

struct export
{
	char *path;
	int dir_fd;
	uint32_t formats;
	struct export_context context;
	int64_t boot_offset_ns; /* CLOCK_BOOTTIME - CLOCK_MONOTONIC */
	struct export_process *open;
	uint64_t failures;
	uint64_t round;
	size_t round_count;  /* processes written in it */
	char round_name[96]; /* directory of the last one */
};

int export_open(const struct export_options *options, struct export **out)
{
	struct export *export = calloc(1, sizeof(*export));
	int rc = 0;

	if (!export)
		return -ENOMEM;
	export->path = strdup(options->path);
	if (!export->path)
		rc = -ENOMEM;
	else if (mkdir(options->path, 0755) && errno != EEXIST)
		rc = -errno;
	export->dir_fd = rc ? -1 : open(options->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (!rc && export->dir_fd < 0)
		rc = -errno;
	if (!rc && faccessat(export->dir_fd, ".", W_OK | X_OK, 0))
		rc = -errno;
	if (rc) {
		export_close(export);
		return rc;
	}
	export->formats = options->formats;
	export->context.version = options->version;
	export->context.wall_offset_ns = options->wall_offset_ns;
	export->boot_offset_ns = options->boot_offset_ns;
	*out = export;
	return 0;
}

static bool chosen(const struct export *export, size_t format)
{
	return export->formats >> format & 1;
}

/* ---- streams ---- */

static void file_close(struct export_file *file)
{
	if (file->file)
		fclose(file->file);
	free(file->buffer);
	file->file = NULL;
	file->buffer = NULL;
}

/* Gives a file up: said once, counted ever after. */
static void file_fail(struct export *export, const struct export_process *mine,
		      struct export_file *file, int error)
{
	log_error("export: %s/%s/%s: %s; this file ends here, the watching goes on", export->path,
		  mine->name, file->name, strerror(error));
	export->failures++;
	file_close(file);
}

static void file_open(struct export *export, const struct export_process *mine,
		      struct export_file *file)
{
	int fd = openat(mine->dir_fd, file->name, CREATE_FLAGS, 0644);

	file->file = fd < 0 ? NULL : fdopen(fd, "w");
	if (!file->file) {
		file_fail(export, mine, file, errno);
		if (fd >= 0)
			close(fd);
		return;
	}
	file->buffer = malloc(BUFFER_BYTES);
	if (file->buffer)
		setvbuf(file->file, file->buffer, _IOFBF, BUFFER_BYTES);
}

static void file_flush(struct export *export, const struct export_process *mine,
		       struct export_file *file)
{
	if (file->file && (fflush(file->file) || ferror(file->file)))
		file_fail(export, mine, file, errno);
}

static void streams_flush(struct export *export, struct export_process *mine)
{
	for (size_t i = 0; i < export_format_count; i++)
		file_flush(export, mine, &mine->streams[i]);
}

/* Is it there to be written to? What cannot be written is counted. */
static bool file_begin(struct export *export, const struct export_file *file)
{
	errno = 0;
	if (!file->file)
		export->failures++;
	return file->file;
}

static void file_end(struct export *export, const struct export_process *mine,
		     struct export_file *file)
{
	if (ferror(file->file))
		file_fail(export, mine, file, errno ? errno : EIO);
}

/* ---- directories ---- */

/* A command may be called anything; a file name is not. */
static void name_fill(const struct export *export, const struct ledger *ledger, char *name,
		      size_t size)
{
	int64_t start = ledger->start_ticks ? (int64_t)(ledger->start_ticks * NSEC_PER_SEC /
							(uint64_t)sysconf(_SC_CLK_TCK)) -
						      export->boot_offset_ns
					    : (int64_t)ledger->attach_ns;
	time_t seconds = (start + export->context.wall_offset_ns) / (int64_t)NSEC_PER_SEC;
	char comm[EVENT_COMM_LEN + 1] = "", when[32];
	struct tm tm;

	memcpy(comm, ledger->comm, sizeof(ledger->comm));
	for (char *at = comm; *at; at++)
		if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-+",
			    *at))
			*at = '_';
	gmtime_r(&seconds, &tm);
	strftime(when, sizeof(when), "%Y%m%dT%H%M%SZ", &tm);
	snprintf(name, size, "%u-%s-%s", ledger->pid, comm, when);
}

/* A new directory: a run before this one may have left the same name. */
static int dir_make(const struct export *export, struct export_process *mine)
{
	size_t length = strlen(mine->name);

	for (unsigned int n = 2; mkdirat(export->dir_fd, mine->name, 0755); n++) {
		if (errno != EEXIST || n > 999)
			return -errno;
		snprintf(mine->name + length, sizeof(mine->name) - length, ".%u", n);
	}
	mine->dir_fd = openat(export->dir_fd, mine->name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return mine->dir_fd < 0 ? -errno : 0;
}

/* An exec made it another program: its directory is named after that one. */
static void dir_rename(const struct export *export, struct export_process *mine,
		       const struct ledger *ledger)
{
	char name[sizeof(mine->name)];

	name_fill(export, ledger, name, sizeof(name));
	if (mine->dir_fd < 0 || !strcmp(name, mine->name) ||
	    renameat2(export->dir_fd, mine->name, export->dir_fd, name, RENAME_NOREPLACE))
		return;
	memcpy(mine->name, name, sizeof(name));
}

static void streams_open(struct export *export, struct export_process *mine)
{
	for (size_t i = 0; i < export_format_count; i++) {
		struct export_file *file = &mine->streams[i];

		if (!chosen(export, i) || !export_formats[i].stream)
			continue;
		file->name = export_formats[i].stream;
		file_open(export, mine, file);
		if (file->file && export_formats[i].begin)
			export_formats[i].begin(file->file, mine->process);
	}
}

static void streams_end(struct export *export, struct export_process *mine)
{
	for (size_t i = 0; i < export_format_count; i++)
		if (mine->streams[i].file && export_formats[i].end)
			export_formats[i].end(mine->streams[i].file, mine->process);
	streams_flush(export, mine);
}

static struct export_process *process_open(struct export *export, struct process *process)
{
	struct export_process *mine = process->view;
	int rc;

	if (mine)
		return mine;
	mine = calloc(1, sizeof(*mine));
	if (!mine)
		return NULL;
	mine->process = process;
	mine->dir_fd = -1;
	mine->round = export->round;
	mine->next = export->open;
	export->open = mine;
	process->view = mine;
	name_fill(export, process->ledger, mine->name, sizeof(mine->name));
	rc = dir_make(export, mine);
	if (rc) {
		log_error("export: %s/%s: %s; process %u is not exported, the watching goes on",
			  export->path, mine->name, strerror(-rc), process->ledger->pid);
		export->failures++;
		return mine;
	}
	streams_open(export, mine);
	return mine;
}

void export_report(struct export *export, struct process *process, const struct report *report)
{
	struct export_process *mine = process_open(export, process);

	for (size_t i = 0; mine && i < export_format_count; i++) {
		const struct export_format *format = &export_formats[i];
		struct export_file *file = &mine->streams[i];

		if (!chosen(export, i) || !format->report || !file_begin(export, file))
			continue;
		format->report(file->file, process, report);
		file_end(export, mine, file);
	}
}

void export_event(struct export *export, struct process *process, const struct event_header *event)
{
	struct export_process *mine = process_open(export, process);

	if (mine && event->kind == EVENT_EXEC)
		dir_rename(export, mine, process->ledger);
	for (size_t i = 0; mine && i < export_format_count; i++) {
		const struct export_format *format = &export_formats[i];
		struct export_file *file = &mine->streams[i];

		if (!chosen(export, i) || !format->event || !file_begin(export, file))
			continue;
		format->event(file->file, process, event);
		file_end(export, mine, file);
	}
}

/* ---- snapshots ---- */

static int snapshot_fill(const struct export *export, const struct export_process *mine,
			 const struct export_snapshot *snapshot, int fd)
{
	FILE *file = fdopen(fd, "w");
	int rc;

	if (!file) {
		rc = -errno;
		close(fd);
		return rc;
	}
	errno = 0;
	rc = snapshot->write(file, mine->process, &export->context);
	if (!rc && ferror(file))
		rc = errno ? -errno : -EIO;
	if (fclose(file) && !rc)
		rc = -errno;
	return rc;
}

/* Until it is whole it has another name. */
static int snapshot_write(const struct export *export, const struct export_process *mine,
			  const struct export_snapshot *snapshot)
{
	char temporary[64];
	int fd, rc;

	snprintf(temporary, sizeof(temporary), TEMPORARY, snapshot->name);
	fd = openat(mine->dir_fd, temporary, CREATE_FLAGS, 0644);
	if (fd < 0)
		return -errno;
	rc = snapshot_fill(export, mine, snapshot, fd);
	if (!rc && renameat(mine->dir_fd, temporary, mine->dir_fd, snapshot->name))
		rc = -errno;
	if (rc)
		unlinkat(mine->dir_fd, temporary, 0);
	return rc;
}

static bool snapshots_of_format(struct export *export, const struct export_process *mine,
				const struct export_format *format)
{
	bool whole = true;

	for (const struct export_snapshot *at = format->snapshots; at->name; at++) {
		int rc = snapshot_write(export, mine, at);

		if (!rc)
			continue;
		log_error("export: %s/%s/%s: %s; it was not written, the watching goes on",
			  export->path, mine->name, at->name, strerror(-rc));
		export->failures++;
		whole = false;
	}
	return whole;
}

/* False: not all of them could be written. */
static bool snapshots_write(struct export *export, const struct export_process *mine)
{
	bool whole = true;

	if (mine->dir_fd < 0)
		return false;
	/* without memory for it the last list is written: it is whole, too */
	if (process_update_sites(mine->process))
		log_warning("out of memory: the sites of process %u are not the newest",
			    mine->process->ledger->pid);
	for (size_t i = 0; i < export_format_count; i++)
		if (chosen(export, i) && !snapshots_of_format(export, mine, &export_formats[i]))
			whole = false;
	if (mine->process->symbols)
		symbols_rest(mine->process->symbols);
	return whole;
}

void export_snapshots_begin(struct export *export)
{
	export->round++;
	export->round_count = 0;
}

bool export_snapshots_next(struct export *export)
{
	struct export_process *mine = export->open;

	while (mine && mine->round == export->round)
		mine = mine->next;
	if (!mine)
		return false;
	mine->round = export->round;
	streams_flush(export, mine);
	if (snapshots_write(export, mine)) {
		export->round_count++;
		memcpy(export->round_name, mine->name, sizeof(export->round_name));
	}
	return true;
}

/* "sites.csv, heap.pb.gz" */
static void snapshot_names(const struct export *export, char *text, size_t size)
{
	size_t used = 0;

	text[0] = '\0';
	for (size_t i = 0; i < export_format_count; i++)
		for (const struct export_snapshot *at = export_formats[i].snapshots;
		     chosen(export, i) && at->name && used < size; at++)
			used += (size_t)snprintf(text + used, size - used, "%s%s", used ? ", " : "",
						 at->name);
}

void export_snapshots_end(const struct export *export)
{
	char names[256];

	snapshot_names(export, names, sizeof(names));
	if (!names[0])
		log_info("no format with snapshots is exported; what was buffered is written to %s",
			 export->path);
	else if (!export->round_count)
		log_info("no snapshot is written to %s", export->path);
	else if (export->round_count == 1)
		log_info("snapshot in %s/%s: %s", export->path, export->round_name, names);
	else
		log_info("snapshots of %zu processes in %s: %s", export->round_count, export->path,
			 names);
}

/* ---- the end ---- */

static void process_close(struct export *export, struct export_process *mine)
{
	struct export_process **at = &export->open;

	while (*at && *at != mine)
		at = &(*at)->next;
	if (*at)
		*at = mine->next;
	streams_end(export, mine);
	for (size_t i = 0; i < export_format_count; i++)
		file_close(&mine->streams[i]);
	if (mine->dir_fd >= 0)
		close(mine->dir_fd);
	free(mine);
}

void export_end(struct export *export, struct process *process)
{
	struct export_process *mine = process_open(export, process);

	if (!mine)
		return;
	snapshots_write(export, mine);
	process_close(export, mine);
	process->view = NULL;
}

void export_flush(struct export *export)
{
	for (struct export_process *mine = export->open; mine; mine = mine->next)
		streams_flush(export, mine);
}

void export_close(struct export *export)
{
	if (!export)
		return;
	while (export->open)
		process_close(export, export->open);
	if (export->dir_fd >= 0)
		close(export->dir_fd);
	free(export->path);
	free(export);
}

uint64_t export_failures(const struct export *export)
{
	return export->failures;
}
