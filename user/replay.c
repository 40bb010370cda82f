// SPDX-License-Identifier: GPL-2.0-only
#include "user/replay.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <sys/resource.h>

#include "user/base/clean_text.h"
#include "user/base/cleanup.h"
#include "user/base/log.h"
#include "user/base/units.h"
#include "user/source/decode.h"

/* Processes that info names. */
#define CENSUS_MAX 64

/* Of the machine's memory. */
#define MEMORY_SHARE 0.5

/* Pages of memory of its own that this process has mapped already. */
static unsigned long mapped_pages(void)
{
	AUTO_FILE FILE *file = fopen("/proc/self/statm", "re");
	unsigned long data = 0;

	if (!file || fscanf(file, "%*u %*u %*u %*u %*u %lu", &data) != 1)
		return 0;
	return data;
}

/* What asks for more gets none, as where there is none: that is counted and said. */
static void limit_memory(void)
{
	long pages = sysconf(_SC_PHYS_PAGES);
	struct rlimit limit;
	rlim_t most;

	if (pages <= 0 || getrlimit(RLIMIT_DATA, &limit))
		return;
	most = (rlim_t)((double)pages * (double)PAGE_BYTES * MEMORY_SHARE);
	if (limit.rlim_cur != RLIM_INFINITY && limit.rlim_cur <= most)
		return;
	/* AddressSanitizer's shadow, of which next to nothing is used */
	if (mapped_pages() > (unsigned long)pages)
		return;
	limit.rlim_cur = most;
	(void)setrlimit(RLIMIT_DATA, &limit);
}

int replay_open(const struct replay_options *options, struct source **out,
		struct recording_header *header)
{
	struct recording_options how = {.realtime = options->realtime};
	struct recording_reader *reader;
	struct source *source;
	int rc;

	rc = recording_open(options->path, &reader);
	if (rc)
		return rc;
	limit_memory();
	*header = *recording_header(reader);
	if (!isnan(options->to_s))
		how.until_ns = header->start_ns + (uint64_t)(options->to_s * NSEC_PER_SEC);
	source = recording_source(reader, &how);
	if (!source) {
		log_error("out of memory");
		return -ENOMEM;
	}
	*out = source;
	return 0;
}

const char *replay_error(int rc)
{
	switch (rc) {
	case -EBADMSG:
		return "its stacks are not in order: it cannot be followed any further";
	case -ENOMEM:
		return "it asks for more memory than there is for it: it ends here";
	default:
		return strerror(-rc);
	}
}

void replay_report(const struct source *source, const char *path)
{
	const struct recording_account *account =
		recording_account(recording_source_reader(source));
	char text[256];

	recording_end_text(account, text, sizeof(text));
	if (*text)
		log_warning("%s: %s", path, text);
	if (account->unknown || account->unknown_chunks)
		log_warning("%s: %" PRIu64 " records of kinds that a newer tidemark knows were "
			    "skipped",
			    path, account->unknown + account->unknown_chunks);
}

/* ---- info ---- */

static const char *machine_name(uint32_t machine)
{
	switch (machine) {
	case 62: /* EM_X86_64 */
		return "x86_64";
	case 183: /* EM_AARCH64 */
		return "arm64";
	default:
		return "?";
	}
}

static void print_header(const struct recording_header *header)
{
	int64_t wall = (int64_t)header->start_ns + header->wall_offset_ns;
	time_t seconds = (time_t)(wall / (int64_t)NSEC_PER_SEC);
	char when[64] = "?";
	struct tm tm;

	if (gmtime_r(&seconds, &tm))
		strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S UTC", &tm);
	printf("format      %u.%u, by tidemark ", header->major, header->minor);
	for (const char *at = header->version; *at; at++)
		putchar(isprint((unsigned char)*at) ? *at : '?');
	printf("\nrecorded    %s on %s, interval %" PRIu32 " ms, %s\n", when,
	       machine_name(header->machine), header->interval_ms,
	       header->flags & RECORDING_STACKS ? "with stacks" : "without stacks");
}

static void print_account(const struct recording_header *header,
			  const struct recording_account *account)
{
	char count[UNITS_TEXT_LEN], bytes[UNITS_TEXT_LEN], text[256];
	double begin = 0, end = 0;

	if (account->records) {
		begin = ((double)account->first_ns - (double)header->start_ns) / NSEC_PER_SEC;
		end = ((double)account->last_ns - (double)header->start_ns) / NSEC_PER_SEC;
	}
	printf("time        %.3f s to %.3f s of it%s\n", begin, end,
	       account->first_chunk ? ", what is older was let go of" : "");
	printf("records     %s", units_whole(count, account->records));
	if (account->records)
		printf(", %.2f bytes each", (double)account->read_bytes / (double)account->records);
	printf("\nsize        %s", units_bytes(bytes, (double)account->file_bytes));
	printf(" in %" PRIu64 " chunks, %s unpacked\n", account->chunks,
	       units_bytes(bytes, (double)account->record_bytes));
	recording_end_text(account, text, sizeof(text));
	printf("state       %s\n", *text ? text : "whole");
	if (account->unknown || account->unknown_chunks)
		printf("unknown     %" PRIu64 " records and %" PRIu64
		       " chunks of kinds that a newer tidemark knows\n",
		       account->unknown, account->unknown_chunks);
	if (account->malformed)
		printf("malformed   %" PRIu64 " records, skipped\n", account->malformed);
}

static void print_kinds(const struct recording_account *account)
{
	char count[UNITS_TEXT_LEN];

	puts("kinds");
	for (unsigned int kind = 1; kind < EVENT_KIND_COUNT; kind++) {
		char name[32];

		if (!account->kinds[kind])
			continue;
		snprintf(name, sizeof(name), "%s", event_kind_name(kind));
		for (char *at = name; *at; at++)
			*at = (char)tolower((unsigned char)*at);
		printf("  %-16s %14s  %s\n", name, units_whole(count, account->kinds[kind]),
		       event_kind_help(kind));
	}
}

/* Who is in it, in the order in which they came. */
struct census {
	struct {
		uint32_t pid;
		char comm[EVENT_COMM_LEN + 1];
	} seen[CENSUS_MAX];
	size_t count;
	size_t beyond;
};

static void census_take(struct census *census, const struct event_header *event)
{
	const char *comm = NULL;
	size_t at = 0;

	if (event->kind == EVENT_ATTACH)
		comm = ((const struct event_attach *)event)->comm;
	else if (event->kind == EVENT_IDENTITY)
		comm = ((const struct event_identity *)event)->comm;
	else if (event->kind == EVENT_EXEC)
		comm = ((const struct event_exec *)event)->comm;
	else if (event->kind == EVENT_KEPT)
		comm = ((const struct event_kept *)event)->comm;
	if (!comm)
		return;
	while (at < census->count && census->seen[at].pid != event->pid)
		at++;
	if (at == CENSUS_MAX) {
		census->beyond += event->kind == EVENT_ATTACH || event->kind == EVENT_KEPT;
		return;
	}
	census->count += at == census->count;
	census->seen[at].pid = event->pid;
	memcpy(census->seen[at].comm, comm, EVENT_COMM_LEN);
}

static void print_census(const struct census *census)
{
	char comm[CLEAN_TEXT_MAX];

	for (size_t i = 0; i < census->count; i++)
		printf("%-11s %" PRIu32 " %s\n", i ? "" : "processes", census->seen[i].pid,
		       clean_text(census->seen[i].comm, comm));
	if (census->beyond)
		printf("            and %zu more\n", census->beyond);
}

int info_print(const char *path)
{
	struct census census = {0};
	const struct event_header *event;
	struct recording_reader *reader;
	int rc = recording_open(path, &reader);

	if (rc)
		return rc;
	while (recording_read(reader, &event))
		census_take(&census, event);
	print_header(recording_header(reader));
	print_account(recording_header(reader), recording_account(reader));
	print_census(&census);
	print_kinds(recording_account(reader));
	recording_reader_free(reader);
	return 0;
}
