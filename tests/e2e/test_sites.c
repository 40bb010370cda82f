// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which call stacks a leak is charged to: with the order handler's unbounded
 * cache, what stays of what was born after the warm-up is the cache's; with the
 * bounded one that site stops growing.
 */
#include "tests/e2e/support.h"

#include <inttypes.h>

/* The function that puts an order into the cache, whichever cache it is. */
#define INSERT "cache_put"

/* As sites.csv has it, in pages. */
struct site_row {
	uint64_t resident;
	char reason[16];
	char frames[4096]; /* outermost first */
};

struct sites {
	struct site_row *rows;
	size_t count;
	uint64_t born;	 /* since the watch began, and resident */
	uint64_t insert; /* of these, through INSERT */
};

/* ---- sites.csv ---- */

/* One field of a line; *line is behind it then. */
static void field_read(const char **line, char *field, size_t size)
{
	bool quoted = **line == '"';
	size_t used = 0;

	*line += quoted;
	for (; **line && **line != '\n'; (*line)++) {
		if (quoted && **line == '"' && *++*line != '"')
			break;
		if (!quoted && **line == ',')
			break;
		if (used + 1 < size)
			field[used++] = **line;
	}
	field[used] = '\0';
	*line += **line == ',';
}

static size_t column_find(const char *heading, const char *name)
{
	char field[64];

	for (size_t i = 0; *heading && *heading != '\n'; i++) {
		field_read(&heading, field, sizeof(field));
		if (!strcmp(field, name))
			return i;
	}
	fail_msg("sites.csv has no column %s", name);
	return 0;
}

static void row_read(const char *heading, const char *line, struct site_row *row)
{
	size_t resident = column_find(heading, "resident_pages");
	size_t reason = column_find(heading, "reason");
	size_t frames = column_find(heading, "frames");
	char field[4096];

	memset(row, 0, sizeof(*row));
	for (size_t i = 0; *line && *line != '\n'; i++) {
		field_read(&line, field, sizeof(field));
		if (i == resident)
			row->resident = strtoull(field, NULL, 10);
		else if (i == reason)
			snprintf(row->reason, sizeof(row->reason), "%.15s", field);
		else if (i == frames)
			memcpy(row->frames, field, sizeof(row->frames));
	}
}

static bool has_function(const struct site_row *row, const char *name)
{
	size_t length = strlen(name);

	for (const char *at = row->frames; (at = strstr(at, name)); at += length)
		if ((at == row->frames || at[-1] == ';') && (!at[length] || at[length] == ';'))
			return true;
	return false;
}

static void sites_read(struct sites *sites, const char *dir)
{
	char *data = file_read(dir, "sites.csv"), *line;

	assert_non_null(data);
	memset(sites, 0, sizeof(*sites));
	sites->rows = calloc(count_lines(data) + 1, sizeof(*sites->rows));
	assert_non_null(sites->rows);
	for (line = strchr(data, '\n'); line && line[1]; line = strchr(line + 1, '\n')) {
		struct site_row *row = &sites->rows[sites->count++];

		row_read(data, line + 1, row);
		if (!strcmp(row->reason, "found"))
			continue;
		sites->born += row->resident;
		if (has_function(row, INSERT))
			sites->insert += row->resident;
	}
	free(data);
}

static void sites_free(struct sites *sites)
{
	free(sites->rows);
}

/* The largest, for people. */
static void sites_print(const struct sites *sites)
{
	for (size_t i = 0, shown = 0; i < sites->count && shown < 8; i++) {
		const struct site_row *row = &sites->rows[i];

		if (!strcmp(row->reason, "found"))
			continue;
		shown++;
		print_message("      %5.1f%% %s %s\n",
			      100.0 * (double)row->resident / (double)sites->born, row->reason,
			      row->frames);
	}
}

/* ---- the handler and its watcher ---- */

/* Forty batches of ten orders every 100 ms. */
#define HANDLER(path, cache)                                                                       \
	path, "--cache", cache, "--invocations", "0", "--duration", "50", "--gap", "2",            \
		"--report", "0"

/* The one of the same build. */
static const char *handler_path(const char *allocator)
{
	static char path[4096 + 64];

	snprintf(path, sizeof(path), "%.*s/../../handler-%s",
		 (int)(strrchr(self_path, '/') - self_path), self_path, allocator);
	return path;
}

static pid_t handler_start(const char *allocator, const char *cache)
{
	const char *path = handler_path(allocator);
	pid_t pid = fork();

	if (!pid) {
		int null = open("/dev/null", O_WRONLY);

		dup2(null, 1);
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		execl(path, HANDLER(path, cache), NULL);
		_exit(126);
	}
	return child_started(pid);
}

static int64_t modified_ms(const char *dir, const char *name)
{
	struct stat status;
	char path[1024];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	if (stat(path, &status))
		return 0;
	return (int64_t)status.st_mtim.tv_sec * 1000 + status.st_mtim.tv_nsec / 1000000;
}

/* Asks for the present state, and waits for it. */
static void sites_ask(struct sites *sites, const struct run *run, const char *dir)
{
	int64_t before = modified_ms(dir, "sites.csv");

	kill(run->pid, SIGUSR1);
	WAIT_UNTIL(modified_ms(dir, "sites.csv") > before);
	sites_read(sites, dir);
}

/* Two states, some seconds apart, of the only process that is watched. */
static void states_take(struct sites states[2], struct run *run, const char *export, pid_t pid)
{
	char dir[512];

	WAIT_UNTIL(run_out_lines(run) > 5);
	assert_true(export_dir(export, pid, 0, dir, sizeof(dir)));
	sites_ask(&states[0], run, dir);
	sleep_ms(2500);
	sites_ask(&states[1], run, dir);
	kill(run->pid, SIGINT);
	run_expect(run, 0);
	run_release(run);
}

static void states_report(const struct sites states[2], const char *allocator, const char *cache)
{
	print_message("    %s, %s: %" PRIu64 " then %" PRIu64 " pages born and resident, %" PRIu64
		      " then %" PRIu64 " (%.1f%%) through " INSERT "\n",
		      allocator, cache, states[0].born, states[1].born, states[0].insert,
		      states[1].insert, 100.0 * (double)states[1].insert / (double)states[1].born);
	sites_print(&states[1]);
}

/* Watched when it is warm: all pages with a known stack were born after that. */
static void unbounded_is_charged(const char *allocator)
{
	pid_t handler = handler_start(allocator, "unbounded");
	struct sites states[2];
	char export[128];
	struct run run;

	snprintf(export, sizeof(export), "%s/export", work_dir);
	sleep_ms(1500);
	RUN(&run, "watch", "--interval", "250", "--export", export, "--format", "csv", "-p",
	    number_text(handler));
	states_take(states, &run, export, handler);
	child_kill(handler, SIGKILL);
	states_report(states, allocator, "unbounded");
	assert_true(states[1].born > 500);
	assert_true(states[1].insert > states[0].insert + 100);
	assert_true(states[1].insert * 10 >= states[1].born * 9);
	sites_free(&states[0]);
	sites_free(&states[1]);
}

/* Watched from its first instruction: it grows up to its bound, and no more. */
static void lru_stops(const char *allocator)
{
	struct sites states[2];
	char export[128];
	struct run run;

	snprintf(export, sizeof(export), "%s/export", work_dir);
	RUN(&run, "watch", "--interval", "250", "--export", export, "--format", "csv", "--",
	    HANDLER(handler_path(allocator), "lru"));
	WAIT_UNTIL(command_of(run.pid));
	states_take(states, &run, export, command_of(run.pid));
	states_report(states, allocator, "lru");
	/* a thousand orders of 800 bytes; in 2.5 s some 10,000 come and go */
	assert_true(states[0].insert > 100);
	assert_true(states[1].insert * 20 <= states[0].insert * 21);
	sites_free(&states[0]);
	sites_free(&states[1]);
}

#define ALLOCATOR_TESTS(allocator)                                                                 \
	static void unbounded_##allocator(void **state)                                            \
	{                                                                                          \
		NEEDS_ROOT();                                                                      \
		unbounded_is_charged(#allocator);                                                  \
	}                                                                                          \
	static void lru_##allocator(void **state)                                                  \
	{                                                                                          \
		NEEDS_ROOT();                                                                      \
		lru_stops(#allocator);                                                             \
	}

ALLOCATOR_TESTS(glibc)
ALLOCATOR_TESTS(jemalloc)
ALLOCATOR_TESTS(mimalloc)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		E2E_TEST(unbounded_glibc),    E2E_TEST(unbounded_jemalloc),
		E2E_TEST(unbounded_mimalloc), E2E_TEST(lru_glibc),
		E2E_TEST(lru_jemalloc),	      E2E_TEST(lru_mimalloc),
	};

	E2E_MAIN("sites", tests);
}
