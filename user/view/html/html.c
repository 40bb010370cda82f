// SPDX-License-Identifier: GPL-2.0-only
#include "user/view/html/html.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <string.h>

#include "user/base/clean_text.h"
#include "user/base/cleanup.h"
#include "user/base/units.h"
#include "user/view/html/page.h"
#include "user/view/html/parts.h"

json_t *html_number(double number)
{
	return isfinite(number) ? json_real(number) : json_null();
}

json_t *html_text(const char *text)
{
	char clean[CLEAN_TEXT_MAX];

	return json_string(clean_text(text, clean));
}

void html_append(json_t **array, json_t *item)
{
	if (!*array) {
		json_decref(item);
	} else if (json_array_append_new(*array, item)) {
		json_decref(*array);
		*array = NULL;
	}
}

void html_note(json_t *notes, const char *format, ...)
{
	char text[512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	json_array_append_new(notes, json_string(text));
}

static json_t *process_part(const struct process *process, const struct export_context *context)
{
	const struct ledger *ledger = process->ledger;
	char comm[EVENT_COMM_LEN + 1] = "";

	memcpy(comm, ledger->comm, EVENT_COMM_LEN);
	return json_pack("{s:i, s:o, s:s, s:I, s:o, s:b}", "pid", (int)ledger->pid, "command",
			 html_text(comm[0] ? comm : "?"), "allocator",
			 allocator_name(ledger->allocator), "began_ms",
			 (json_int_t)(((int64_t)ledger->attach_ns + context->wall_offset_ns) /
				      (int64_t)NSEC_PER_MSEC),
			 "seconds",
			 html_number((double)(ledger->now_ns - ledger->attach_ns) / NSEC_PER_SEC),
			 "ended", ledger->exit_ns != 0);
}

static void note_history(const struct process *process, json_t *notes)
{
	const struct report *oldest = process_report_at(process, REPORT_HISTORY - 1);

	if (process->report_count > REPORT_HISTORY && oldest)
		html_note(notes,
			  "The chart of memory over time begins at %.0f s: the newest %d intervals "
			  "are kept.",
			  oldest->time_s, REPORT_HISTORY);
}

static json_t *page_data(const struct process *process, const struct export_context *context)
{
	json_t *notes = json_array(), *data;

	if (!notes)
		return NULL;
	note_history(process, notes);
	/* notes are the last: the parts before add to them */
	data = json_pack("{s:s, s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:O}", "version",
			 context->version, "page_bytes", (json_int_t)PAGE_BYTES, "process",
			 process_part(process, context), "verdict", html_verdict(process),
			 "figures", html_figures(process), "series", html_series(process), "heap",
			 html_heap(process), "invocations", html_invocations(process, notes),
			 "sites", html_sites(process, notes), "map", html_map(process, notes),
			 "notes", notes);
	json_decref(notes);
	return data;
}

/*
 * Outside of strings JSON has none of these characters. Without them no name ends the script
 * element that the data is in, or begins anything else.
 */
static int put_escaped(const char *text, size_t size, void *ctx)
{
	FILE *file = ctx;

	for (size_t i = 0; i < size; i++) {
		char c = text[i];

		if (c == '<' || c == '>' || c == '&')
			fprintf(file, "\\u%04x", c);
		else
			putc_unlocked(c, file);
	}
	return 0;
}

int html_write(FILE *file, const struct process *process, const struct export_context *context)
{
	json_t *data = page_data(process, context);
	int rc;

	if (!data)
		return -ENOMEM;
	fwrite(html_page, 1, (size_t)(html_page_end - html_page), file);
	fputs("<script type=\"application/json\" id=\"data\">", file);
	rc = json_dump_callback(data, put_escaped, file, JSON_COMPACT | JSON_REAL_PRECISION(9));
	json_decref(data);
	fputs("</script>\n</body>\n</html>\n", file);
	return rc ? -ENOMEM : 0;
}
