/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "tests/experiment/machine.h"

#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "tests/experiment/process.h"
#include "user/base/cleanup.h"

#define KIB_PER_GIB 1048576.0

/* What follows "NAME :" or "NAME=" on a line of a file, without quotes; "" if there is none. */
static void file_value(const char *path, const char *name, char *value, size_t size)
{
	AUTO_FILE FILE *file = fopen(path, "re");
	char line[512];

	*value = '\0';
	while (file && fgets(line, sizeof(line), file)) {
		const char *at = line + strlen(name);

		if (strncmp(line, name, strlen(name)) != 0 || !strchr(" \t:=", *at))
			continue;
		at += strspn(at, " \t:=\"");
		snprintf(value, size, "%.*s", (int)strcspn(at, "\"\n"), at);
		return;
	}
}

static void packages_describe(const struct sink *sink)
{
	for (size_t i = 0; i < ALLOCATORS; i++) {
		char command[160], version[96];

		snprintf(command, sizeof(command), "dpkg-query -W -f '${Version}' %s 2>/dev/null",
			 memories[i].package);
		process_line(command, version, sizeof(version));
		results_text(sink, memories[i].package, *version ? version : "unknown");
	}
}

static void plan_describe(const struct sink *sink, const struct plan *plan)
{
	results_text(sink, "plan", plan->full ? "full" : "default");
	results_number(sink, "repeats", plan->repeats);
	results_number(sink, "short_invocations", plan->invocations);
	results_number(sink, "long_invocations", plan->long_invocations);
	results_number(sink, "gap_invocations", plan->gap_invocations);
	results_number(sink, "gap_ms", plan->gap_ms);
	results_number(sink, "minute_invocations", plan->minute_invocations);
	results_number(sink, "limit_mib", plan->limit_mib);
	results_number(sink, "limit_invocations", plan->limit_invocations);
	results_number(sink, "burst_mib", plan->burst_mib);
	results_number(sink, "burst_records", plan->burst_records);
	results_number(sink, "silence_ms", plan->silence_ms);
	results_number(sink, "lru_entries", plan->lru_entries);
}

void machine_describe(struct results *results, const struct plan *plan)
{
	const struct sink sink = {results, MACHINE, 0};
	char text[192];
	struct utsname name;
	time_t now = time(NULL);
	struct tm tm;

	uname(&name);
	snprintf(text, sizeof(text), "%.60s %.60s %.60s", name.sysname, name.release, name.machine);
	results_text(&sink, "kernel", text);
	file_value("/etc/os-release", "PRETTY_NAME", text, sizeof(text));
	results_text(&sink, "distribution", text);
	file_value("/proc/cpuinfo", "model name", text, sizeof(text));
	results_text(&sink, "cpu", text);
	results_number(&sink, "cores", (double)sysconf(_SC_NPROCESSORS_ONLN));
	file_value("/proc/meminfo", "MemTotal", text, sizeof(text));
	results_number(&sink, "memory_gib", strtod(text, NULL) / KIB_PER_GIB);
	process_line("sed 's/.*\\[\\(.*\\)\\].*/\\1/' /sys/kernel/mm/transparent_hugepage/enabled "
		     "2>/dev/null",
		     text, sizeof(text));
	results_text(&sink, "huge_pages", *text ? text : "unknown");
	results_text(&sink, "compiler", "gcc " __VERSION__);
	gmtime_r(&now, &tm);
	strftime(text, sizeof(text), "%Y-%m-%d", &tm);
	results_text(&sink, "date", text);
	packages_describe(&sink);
	plan_describe(&sink, plan);
}
