// SPDX-License-Identifier: GPL-2.0-only
/* The event decoder, and what is behind it: whatever passes the check does no harm. */
#include "tests/fuzz/fuzz.h"

#include "user/source/decode.h"
#include "user/source/record_code.h"

/* The input is records, each behind the 16 bits of its length. */
struct bytes {
	struct source source;
	struct cursor cursor;
};

static int bytes_drain(struct source *source, source_sink sink, void *ctx)
{
	struct bytes *bytes = (struct bytes *)source;
	union record *record = calloc(1, sizeof(*record));

	while (record && cursor_left(&bytes->cursor)) {
		size_t size = cursor_u16(&bytes->cursor) % sizeof(*record);

		memset(record, 0, sizeof(*record));
		if (size > cursor_left(&bytes->cursor))
			size = cursor_left(&bytes->cursor);
		cursor_read(&bytes->cursor, record, size);
		/* of few processes, so that they meet */
		if (record->h.pid > 4)
			record->h.pid = 1 + record->h.pid % 4;
		if (!event_check(record, size) && record->h.kind != EVENT_SNAPSHOT)
			sink(ctx, &record->h);
	}
	free(record);
	return 1;
}

static int bytes_wait(struct source *source, int timeout_ms)
{
	(void)source;
	(void)timeout_ms;
	return 0;
}

static void bytes_look(struct source *source, uint32_t pid, uint64_t start, uint64_t end,
		       enum event_cause cause)
{
	(void)source;
	(void)pid;
	(void)start;
	(void)end;
	(void)cause;
}

static void bytes_look_lazy(struct source *source, uint32_t pid)
{
	(void)source;
	(void)pid;
}

static bool bytes_looking(const struct source *source, uint32_t pid)
{
	(void)source;
	(void)pid;
	return false;
}

static const struct source_ops bytes_ops = {
	.wait = bytes_wait,
	.drain = bytes_drain,
	.look = bytes_look,
	.look_lazy = bytes_look_lazy,
	.looking = bytes_looking,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes bytes = {.source = {.ops = &bytes_ops}, .cursor = cursor_of(data, size)};

	fuzz_run(&bytes.source);
	return 0;
}
