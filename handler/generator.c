#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "handler/generator.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "handler/cleanup.h"
#include "handler/order.h"
#include "handler/random.h"

/* 2024-01-01T00:00:00Z; orders arrive one per second from there. */
#define FIRST_ORDER_TIME 1704067200
/* The times of the orders start over after ten years, to stay four-digit years. */
#define ORDER_TIME_SPAN 315360000
/* Bytes of a record besides its body: the other fields and their names. */
#define RECORD_FRAME_MAX 320
/* Bytes a byte of a body can take in a JSON string: \u0000. */
#define ESCAPE_MAX 6

/* What senders really get wrong. */
enum fault {
	FAULT_EMPTY,
	FAULT_ABSENT,
	FAULT_TRUNCATED,
	FAULT_NOT_JSON,
	FAULT_NUL,
	FAULT_FIELD_MISSING,
	FAULT_TYPE_WRONG,
	FAULT_KEY_TWICE,
	FAULT_COUNT,
	FAULT_NONE = FAULT_COUNT,
};

struct body {
	char text[ORDER_BODY_LIMIT]; /* may hold a NUL */
	size_t length;
	bool absent;
};

struct text {
	char *bytes; /* owned */
	size_t length, capacity;
};

/*
 * The events are put together by hand, not by the JSON library: they stand for what arrives from
 * outside, so making them should cost little beside handling them.
 */
static size_t note_write(struct random *random, char *note, size_t length)
{
	static const char alphabet[] = "etaoin shrdlucmf";
	uint64_t bits = 0;

	for (size_t i = 0; i < length; i++) {
		if (i % 16 == 0)
			bits = random_next(random);
		note[i] = alphabet[bits & 15];
		bits >>= 4;
	}
	return length;
}

static void order_write(const struct generator *generator, struct random *random, uint64_t number,
			enum fault fault, struct body *body)
{
	size_t note = random_between(random, generator->payload_min, generator->payload_max);
	uint64_t cents = random_between(random, 99, 9999999);
	time_t when = FIRST_ORDER_TIME + (time_t)(number % ORDER_TIME_SPAN);
	const char *quote = fault == FAULT_TYPE_WRONG ? "\"" : "";
	char *text = body->text;
	char order_id[48] = "";
	char processed_at[32];
	size_t length;
	struct tm tm;

	if (fault != FAULT_FIELD_MISSING)
		snprintf(order_id, sizeof(order_id), "\"order_id\":\"ord-%012" PRIu64 "\",",
			 number);
	strftime(processed_at, sizeof(processed_at), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&when, &tm));
	length = (size_t)snprintf(text, sizeof(body->text),
				  "{%s%s\"customer_id\":\"cus-%05" PRIu64
				  "\",\"total_usd\":%s%" PRIu64 ".%02" PRIu64
				  "%s,\"processed_at\":\"%s\",\"note\":\"",
				  order_id, fault == FAULT_KEY_TWICE ? order_id : "",
				  random_between(random, 0, 99999), quote, cents / 100, cents % 100,
				  quote, processed_at);
	length += note_write(random, text + length, note);
	memcpy(text + length, "\"}", 2);
	body->length = length + 2;
}

static void body_set(struct body *body, const char *text)
{
	body->length = strlen(text);
	memcpy(body->text, text, body->length);
}

/* Whether the body is an order as it should be. */
static bool body_generate(const struct generator *generator, struct random *random, uint64_t number,
			  struct body *body)
{
	enum fault fault = FAULT_NONE;

	if (random_fraction(random) * 100 < generator->malformed_percent)
		fault = (enum fault)random_between(random, 0, FAULT_COUNT - 1);

	order_write(generator, random, number, fault, body);
	body->absent = fault == FAULT_ABSENT;
	if (fault == FAULT_EMPTY)
		body_set(body, "");
	else if (fault == FAULT_TRUNCATED)
		body->length = random_between(random, 1, body->length - 1);
	else if (fault == FAULT_NOT_JSON)
		body_set(body, "<html><body>502 Bad Gateway</body></html>");
	else if (fault == FAULT_NUL)
		body->text[body->length / 2] = '\0';
	return fault == FAULT_NONE;
}

/* 0 or -ENOMEM: afterwards there is room for more bytes and a NUL. */
static int text_reserve(struct text *text, size_t more)
{
	size_t capacity = text->capacity;
	char *bytes;

	if (capacity - text->length > more)
		return 0;
	while (capacity - text->length <= more)
		capacity = capacity ? capacity * 2 : 4096;

	bytes = realloc(text->bytes, capacity);
	if (!bytes)
		return -ENOMEM;
	text->bytes = bytes;
	text->capacity = capacity;
	return 0;
}

/* The room has been reserved. */
static void text_append(struct text *text, const char *bytes)
{
	size_t length = strlen(bytes);

	memcpy(text->bytes + text->length, bytes, length + 1);
	text->length += length;
}

/* A body is ASCII, and of what JSON escapes it can hold only quotes and the NUL of its fault. */
static void text_append_quoted(struct text *text, const struct body *body)
{
	char *end = text->bytes + text->length;

	*end++ = '"';
	for (size_t i = 0; i < body->length; i++) {
		if (body->text[i] == '\0') {
			memcpy(end, "\\u0000", ESCAPE_MAX);
			end += ESCAPE_MAX;
			continue;
		}
		if (body->text[i] == '"')
			*end++ = '\\';
		*end++ = body->text[i];
	}
	*end++ = '"';
	text->length = (size_t)(end - text->bytes);
}

/* Whether the record is usable, or -ENOMEM. */
static int record_append(const struct generator *generator, struct random *random, uint64_t number,
			 struct text *event)
{
	uint64_t high = random_next(random);
	uint64_t low = random_next(random);
	char frame[RECORD_FRAME_MAX / 2];
	struct body body;
	bool usable = body_generate(generator, random, number, &body);

	if (text_reserve(event, RECORD_FRAME_MAX + body.length * ESCAPE_MAX))
		return -ENOMEM;

	snprintf(frame, sizeof(frame),
		 "{\"messageId\":\"%08" PRIx64 "-%04" PRIx64 "-4%03" PRIx64 "-8%03" PRIx64
		 "-%012" PRIx64 "\",\"receiptHandle\":\"%016" PRIx64 "\",\"body\":",
		 high >> 32, (high >> 16) & 0xffff, (high >> 4) & 0xfff, low & 0xfff,
		 number & 0xffffffffffff, low);
	text_append(event, frame);
	if (body.absent)
		text_append(event, "null");
	else
		text_append_quoted(event, &body);
	text_append(event, ",\"eventSource\":\"aws:sqs\",\"awsRegion\":\"eu-central-1\"}");
	return usable;
}

int event_generate(const struct generator *generator, uint64_t invocation, char **event,
		   size_t *length, uint64_t *usable)
{
	struct random random = random_stream(generator->seed, invocation);
	CLEANUP_FREE char *bytes = NULL;
	struct text text = {0};
	uint64_t good = 0;
	int result = text_reserve(&text, RECORD_FRAME_MAX);

	if (result == 0)
		text_append(&text, "{\"Records\":[");
	for (uint64_t i = 0; i < generator->records && result >= 0; i++) {
		uint64_t number = invocation * generator->records + i;

		if (i > 0)
			text_append(&text, ",");
		result = record_append(generator, &random, number, &text);
		good += result == 1;
	}
	/* The last reservation left room for this: a frame is never as long as its maximum. */
	if (result >= 0)
		text_append(&text, "]}");

	bytes = text.bytes;
	if (result < 0)
		return result;
	if (usable)
		*usable = good;
	*length = text.length;
	*event = TAKE(bytes);
	return 0;
}
