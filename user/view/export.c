// SPDX-License-Identifier: GPL-2.0-only
#include "user/view/export.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <sys/mman.h>
#include <sys/stat.h>

#include "user/base/cleanup.h"
#include "user/base/log.h"
#include "user/view/fields.h"

/* Without a buffer of ours, glibc's is 4 KiB whatever setvbuf says. */
#define BUFFER_BYTES ((size_t)64 << 10)

struct export_file {
	const char *name;
	FILE *file; /* NULL: not open, or given up */
	char *buffer;
};

static void file_close(struct export_file *file)
{
	if (file->file)
		fclose(file->file);
	free(file->buffer);
	file->file = NULL;
	file->buffer = NULL;
}

/* What process.view points to. */
struct export_process {
	struct export_process *next; /* of all that are open */
	char name[96];		     /* of its directory */
	int dir_fd;
	struct export_file series;
	struct export_file events;
};

struct export
{
	char *path;
	int dir_fd;
	int64_t wall_offset_ns; /* CLOCK_REALTIME - CLOCK_MONOTONIC at the start */
	int64_t boot_offset_ns; /* CLOCK_BOOTTIME - CLOCK_MONOTONIC */
	struct export_process *open;
	uint64_t failures;
};

static int64_t clock_of(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (int64_t)now.tv_sec * (int64_t)NSEC_PER_SEC + now.tv_nsec;
}

int export_open(const char *path, struct export **out)
{
	struct export *export = calloc(1, sizeof(*export));
	int rc = 0;

	if (!export)
		return -ENOMEM;
	export->path = strdup(path);
	if (!export->path)
		rc = -ENOMEM;
	else if (mkdir(path, 0755) && errno != EEXIST)
		rc = -errno;
	export->dir_fd = rc ? -1 : open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (!rc && export->dir_fd < 0)
		rc = -errno;
	if (!rc && faccessat(export->dir_fd, ".", W_OK | X_OK, 0))
		rc = -errno;
	if (rc) {
		export_close(export);
		return rc;
	}
	export->wall_offset_ns = clock_of(CLOCK_REALTIME) - clock_of(CLOCK_MONOTONIC);
	export->boot_offset_ns = clock_of(CLOCK_BOOTTIME) - clock_of(CLOCK_MONOTONIC);
	*out = export;
	return 0;
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
	int fd = openat(mine->dir_fd, file->name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

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

static void file_put(struct export *export, const struct export_process *mine,
		     struct export_file *file, const char *text)
{
	if (!file->file) {
		export->failures++;
		return;
	}
	if (fputs(text, file->file) < 0)
		file_fail(export, mine, file, errno);
}

/* A command may be called anything; a file name is not. */
static void name_fill(const struct export *export, const struct ledger *ledger, char *name,
		      size_t size)
{
	int64_t start = ledger->start_ticks ? (int64_t)(ledger->start_ticks * NSEC_PER_SEC /
							(uint64_t)sysconf(_SC_CLK_TCK)) -
						      export->boot_offset_ns
					    : (int64_t)ledger->attach_ns;
	time_t seconds = (start + export->wall_offset_ns) / (int64_t)NSEC_PER_SEC;
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

static void series_heading(struct export *export, struct export_process *mine)
{
	bool first = true;

	for (size_t i = 0; i < field_count; i++) {
		if (!(fields[i].shown & FIELD_IN_CSV))
			continue;
		file_put(export, mine, &mine->series, first ? "" : ",");
		file_put(export, mine, &mine->series, fields[i].name);
		first = false;
	}
	file_put(export, mine, &mine->series, "\n");
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
	mine->dir_fd = -1;
	mine->series.name = "series.csv";
	mine->events.name = "events.jsonl";
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
	file_open(export, mine, &mine->series);
	file_open(export, mine, &mine->events);
	if (mine->series.file)
		series_heading(export, mine);
	return mine;
}

static void value_format(const struct field *field, union field_value value, char *text,
			 size_t size)
{
	switch (field->type) {
	case FIELD_UINT:
		snprintf(text, size, "%" PRIu64, value.u);
		break;
	case FIELD_INT:
		snprintf(text, size, "%" PRId64, value.i);
		break;
	case FIELD_DOUBLE:
		/* "nan" is what strtod and everything built on it reads back */
		if (isnan(value.d))
			snprintf(text, size, "nan");
		else
			snprintf(text, size, "%.6f", value.d);
		break;
	case FIELD_TEXT:
		snprintf(text, size, "%s", value.text);
		break;
	}
}

void export_report(struct export *export, struct process *process, const struct report *report)
{
	struct export_process *mine = process_open(export, process);
	bool first = true;
	char text[64];

	if (!mine)
		return;
	if (!mine->series.file) {
		export->failures++;
		return;
	}
	for (size_t i = 0; i < field_count; i++) {
		if (!(fields[i].shown & FIELD_IN_CSV))
			continue;
		value_format(&fields[i], fields[i].get(process, report), text, sizeof(text));
		file_put(export, mine, &mine->series, first ? "" : ",");
		file_put(export, mine, &mine->series, text);
		first = false;
	}
	file_put(export, mine, &mine->series, "\n");
}

void export_event(struct export *export, struct process *process, const struct event_header *event)
{
	struct export_process *mine = process_open(export, process);
	char line[EVENT_JSON_MAX];

	if (!mine)
		return;
	if (event->kind == EVENT_EXEC)
		dir_rename(export, mine, process->ledger);
	if (!mine->events.file) {
		export->failures++;
		return;
	}
	event_to_json(event, process->ledger->attach_ns, line);
	file_put(export, mine, &mine->events, line);
}

/* Quotes a field of CSV where it needs it (RFC 4180). */
static void csv_put_text(FILE *file, const char *text)
{
	if (!text[strcspn(text, ",\"\r\n")]) {
		fputs(text, file);
		return;
	}
	fputc('"', file);
	for (; *text; text++) {
		if (*text == '"')
			fputc('"', file);
		fputc(*text, file);
	}
	fputc('"', file);
}

static void mappings_put(FILE *file, const struct mapping_report *reports, size_t count)
{
	fputs("start,end,kind,protection,name,owner,size_bytes,resident_bytes,retained_bytes,"
	      "lazyfree_bytes\n",
	      file);
	for (size_t i = 0; i < count; i++) {
		const struct mapping_report *mapping = &reports[i];

		fprintf(file, "0x%" PRIx64 ",0x%" PRIx64 ",%s,%c%c%c%c,", mapping->start,
			mapping->end, mapping_kind_name(mapping->kind),
			mapping->prot & PROT_READ ? 'r' : '-',
			mapping->prot & PROT_WRITE ? 'w' : '-',
			mapping->prot & PROT_EXEC ? 'x' : '-',
			mapping->flags & MAPPING_SHARED ? 's' : 'p');
		csv_put_text(file, mapping->name);
		fputc(',', file);
		csv_put_text(file, mapping->owner);
		fprintf(file, ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 "\n",
			mapping->end - mapping->start, mapping->resident << PAGE_SHIFT,
			mapping->retained << PAGE_SHIFT, mapping->lazy << PAGE_SHIFT);
	}
}

static void mappings_write(struct export *export, const struct export_process *mine,
			   const struct ledger *ledger)
{
	AUTO_FREE struct mapping_report *reports = NULL;
	struct export_file file = {.name = "mappings.csv"};
	size_t count;

	if (ledger_report_mappings(ledger, &reports, &count))
		return;
	file_open(export, mine, &file);
	if (!file.file)
		return;
	mappings_put(file.file, reports, count);
	file_flush(export, mine, &file);
	file_close(&file);
}

static void process_close(struct export *export, struct export_process *mine)
{
	struct export_process **at = &export->open;

	while (*at && *at != mine)
		at = &(*at)->next;
	if (*at)
		*at = mine->next;
	file_flush(export, mine, &mine->series);
	file_flush(export, mine, &mine->events);
	file_close(&mine->series);
	file_close(&mine->events);
	if (mine->dir_fd >= 0)
		close(mine->dir_fd);
	free(mine);
}

void export_end(struct export *export, struct process *process)
{
	struct export_process *mine = process_open(export, process);

	if (!mine)
		return;
	if (mine->dir_fd >= 0)
		mappings_write(export, mine, process->ledger);
	process_close(export, mine);
	process->view = NULL;
}

void export_flush(struct export *export)
{
	for (struct export_process *mine = export->open; mine; mine = mine->next) {
		file_flush(export, mine, &mine->series);
		file_flush(export, mine, &mine->events);
	}
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
