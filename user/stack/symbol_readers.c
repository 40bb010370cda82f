// SPDX-License-Identifier: GPL-2.0-only
/* What symbols.c asks of readers: how many of them, how long to wait, and when to give up. */
#include <errno.h>
#include <time.h>

#include "user/base/units.h"
#include "user/stack/demangle.h"
#include "user/stack/symbols_internal.h"

/* A gigabyte of DWARF from a cold disk takes its time; a name does not. */
#define LINES_WAIT_MS 3000
#define NAME_WAIT_MS 300

/* A batch waits no longer than this and one question for readers. */
#define BATCH_WAIT_MS 3000

/* When so much was spent on files that gave nothing, there are more of them: no more DWARF. */
#define WASTED_MS 10000
#define READERS_MAX 8
#define DEMANGLER_FAILURES_MAX 3

uint64_t symbols_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * NSEC_PER_SEC + (uint64_t)now.tv_nsec;
}

static bool has_time(const struct symbols *symbols)
{
	return symbols->waited_ns < BATCH_WAIT_MS * NSEC_PER_MSEC;
}

/* ---- starting and stopping ---- */

/* While the collector is small, and may still change its user. */
void symbols_start_host(struct symbols *symbols)
{
	if (reader_host_start(&symbols->host))
		symbols->host = NULL;
}

static void stop_demangler(struct symbols *symbols)
{
	reader_stop(symbols->demangler);
	symbols->demangler = NULL;
}

static void stop_reader(struct symbols *symbols, struct symbol_source *source)
{
	if (!source->reader)
		return;
	reader_stop(source->reader);
	source->reader = NULL;
	symbols->readers--;
}

static void stop_readers(struct symbols *symbols)
{
	for (size_t i = 0; i < symbols->source_count && symbols->readers; i++)
		stop_reader(symbols, &symbols->sources[i]);
}

void symbols_stop_host(struct symbols *symbols)
{
	stop_readers(symbols);
	stop_demangler(symbols);
	reader_host_stop(symbols->host);
	symbols->host = NULL;
}

void symbols_rest(struct symbols *symbols)
{
	stop_readers(symbols);
	stop_demangler(symbols);
	symbols->demangler_failures = 0;
	symbols->waited_ns = 0;
	symbols->batch++;
}

/* Starts a reader, with another host if somebody has killed the one there was. */
static int start_any(struct symbols *symbols, int fd, struct reader **reader)
{
	int rc = -EPIPE;

	for (int i = 0; i < 2; i++) {
		if (!symbols->host && reader_host_start(&symbols->host))
			return -ENOMEM;
		rc = reader_start(symbols->host, fd, symbols->settings.reader_bytes, reader);
		if (rc != -EPIPE && rc != -ETIMEDOUT)
			break;
		symbols_stop_host(symbols);
	}
	return rc;
}

static int start_reader(struct symbols *symbols, struct symbol_source *source)
{
	int rc;

	if (source->reader)
		return 0;
	if (symbols->readers >= READERS_MAX)
		stop_readers(symbols);
	rc = start_any(symbols, source->dwarf_fd, &source->reader);
	symbols->readers += !rc;
	return rc;
}

/* ---- names ---- */

uint32_t symbols_demangle(struct symbols *symbols, uint32_t name, struct answer *answer)
{
	const char *mangled = intern_get(&symbols->strings, name);
	uint64_t begin = symbols_now_ns();
	char text[READER_NAME_MAX];
	int rc;

	if (!name_is_mangled(mangled))
		return name;
	if (!has_time(symbols) || symbols->demangler_failures >= DEMANGLER_FAILURES_MAX ||
	    (!symbols->demangler && start_any(symbols, -1, &symbols->demangler))) {
		answer->cut_short = true;
		return name;
	}
	rc = reader_demangle(symbols->demangler, mangled, NAME_WAIT_MS, text);
	symbols->waited_ns += symbols_now_ns() - begin;
	if (rc && rc != -ENOENT) {
		/* a name that nobody can read, then */
		stop_demangler(symbols);
		symbols->demangler_failures++;
	}
	return rc ? name : intern_string(&symbols->strings, text);
}

/* ---- lines ---- */

static uint32_t keep(struct symbols *symbols, const char *text)
{
	return text ? intern_string(&symbols->strings, text) : 0;
}

static int ask(struct symbols *symbols, struct symbol_source *source, uint64_t address,
	       struct debug_line lines[DEBUG_LINES_MAX])
{
	int count = reader_lines(source->reader, address, LINES_WAIT_MS, lines);

	if (count != -EPIPE || !reader_was_fine(source->reader))
		return count;
	/* libdw keeps what it has read: some units more may have been too much for this reader */
	stop_reader(symbols, source);
	if (start_reader(symbols, source))
		return count;
	return reader_lines(source->reader, address, LINES_WAIT_MS, lines);
}

/* Its DWARF is too large for a reader, or meant to be. */
static void give_up(struct symbols *symbols, struct symbol_source *source)
{
	stop_reader(symbols, source);
	source->dwarf_fd = -1;
	source->too_large = true;
	symbols->skipped++;
}

size_t symbols_ask_lines(struct symbols *symbols, struct answer *answer,
			 struct known_line lines[DEBUG_LINES_MAX])
{
	const struct stack_module *module;
	struct symbol_source *source = symbols_source(symbols, answer->module, &module);
	struct debug_line found[DEBUG_LINES_MAX];
	uint64_t begin = symbols_now_ns(), spent;
	int count;

	if (!source || source->dwarf_fd < 0 || symbols->wasted_ns > WASTED_MS * NSEC_PER_MSEC)
		return 0;
	if (!has_time(symbols) || start_reader(symbols, source)) {
		answer->cut_short = true;
		return 0;
	}
	count = ask(symbols, source, answer->address, found);
	spent = symbols_now_ns() - begin;
	symbols->waited_ns += spent;
	if (count < 0) {
		symbols->wasted_ns += spent;
		give_up(symbols, source);
		return 0;
	}
	/* the strings are the reader's, and it may be stopped before they are shown */
	for (int i = 0; i < count; i++)
		lines[i] = (struct known_line){.name = keep(symbols, found[i].name),
					       .file = keep(symbols, found[i].file),
					       .line = found[i].line};
	return (size_t)count;
}
