// SPDX-License-Identifier: GPL-2.0-only
#include "user/source/record_code.h"

#include <endian.h>
#include <errno.h>
#include <string.h>

#define HEADER_WORDS (sizeof(struct event_header) / 8)

enum {
	DIFFERS_SIZE = 0x1,
	DIFFERS_PID = 0x2,
	DIFFERS_TID = 0x4,
	DIFFERS_STACK = 0x8,
	DIFFERS_WORD = 0x10, /* the first of RECORD_WORDS */
};

/* What is further away than this takes as many bytes as the word itself, or more. */
#define FAR ((uint64_t)1 << 56)

_Static_assert(sizeof(struct event_header) == 24, "three words");
_Static_assert(RECORD_WORDS <= 60, "the bits are one number");

static struct record_last *last_of(struct record_code *code, uint32_t kind)
{
	return &code->lasts[kind < RECORD_LASTS ? kind : RECORD_LASTS - 1];
}

/* ---- writing ---- */

static uint8_t *put_varint(uint8_t *at, uint64_t value)
{
	while (value >= 0x80) {
		*at++ = (uint8_t)(value | 0x80);
		value >>= 7;
	}
	*at++ = (uint8_t)value;
	return at;
}

static uint8_t *put_word(uint8_t *at, uint64_t word, uint64_t before)
{
	uint64_t value = zigzag((int64_t)(word - before));

	if (value < FAR)
		return put_varint(at, value);
	*at++ = 0x80;
	*at++ = 0;
	word = htole64(word);
	memcpy(at, &word, sizeof(word));
	return at + sizeof(word);
}

static uint8_t *put_number(uint8_t *at, uint32_t number, uint32_t before)
{
	return put_varint(at, zigzag((int64_t)number - (int64_t)before));
}

/* Writes what differs, and remembers it. Returns the bits. */
static uint64_t put_header(struct record_code *code, struct record_last *last,
			   const struct event_header *event, uint8_t **at)
{
	uint64_t differs = 0;

	if (event->size != last->size) {
		differs |= DIFFERS_SIZE;
		*at = put_varint(*at, event->size);
		last->size = event->size;
	}
	if (event->pid != code->pid) {
		differs |= DIFFERS_PID;
		*at = put_number(*at, event->pid, code->pid);
		code->pid = event->pid;
	}
	if (event->tid != code->tid) {
		differs |= DIFFERS_TID;
		*at = put_number(*at, event->tid, code->tid);
		code->tid = event->tid;
	}
	if (event->stack != last->stack) {
		differs |= DIFFERS_STACK;
		*at = put_number(*at, event->stack, last->stack);
		last->stack = event->stack;
	}
	return differs;
}

size_t record_encode(struct record_code *code, const struct event_header *event, uint8_t *into)
{
	const uint64_t *words = (const uint64_t *)event + HEADER_WORDS;
	struct record_last *last = last_of(code, event->kind);
	size_t count, first;
	uint8_t body[5 * 10 + RECORD_WORDS * 10], *at = body, *out = into;
	uint64_t differs;

	if (event->size % 8 || event->size < sizeof(*event) || event->size > EVENT_SIZE_MAX)
		return 0;
	count = event->size / 8 - HEADER_WORDS;
	first = count < RECORD_WORDS ? count : RECORD_WORDS;
	differs = put_header(code, last, event, &at);
	for (size_t i = 0; i < first; i++) {
		if (words[i] == last->words[i])
			continue;
		differs |= (uint64_t)DIFFERS_WORD << i;
		at = put_word(at, words[i], last->words[i]);
		last->words[i] = words[i];
	}
	out = put_varint(out, event->kind);
	out = put_varint(out, zigzag((int64_t)(event->time_ns - code->time_ns)));
	code->time_ns = event->time_ns;
	out = put_varint(out, differs);
	memcpy(out, body, (size_t)(at - body));
	out += at - body;
	for (size_t i = first; i < count; i++)
		out = put_word(out, words[i], words[i - 2]);
	return (size_t)(out - into);
}

/* ---- reading ---- */

static uint64_t take_word(struct cursor *cursor, uint64_t before)
{
	if (cursor_left(cursor) >= 2 && cursor->data[cursor->at] == 0x80 &&
	    !cursor->data[cursor->at + 1]) {
		cursor->at += 2;
		return cursor_u64(cursor);
	}
	return before + (uint64_t)unzigzag(cursor_varint(cursor));
}

static uint32_t take_number(struct cursor *cursor, uint32_t before)
{
	uint64_t number = (uint64_t)before + (uint64_t)unzigzag(cursor_varint(cursor));

	if (number > UINT32_MAX)
		cursor_fail(cursor);
	return (uint32_t)number;
}

static void take_header(struct record_code *code, struct record_last *last, uint64_t differs,
			struct cursor *cursor)
{
	if (differs & DIFFERS_SIZE) {
		uint64_t size = cursor_varint(cursor);

		last->size = size <= EVENT_SIZE_MAX ? (uint32_t)size : 0;
	}
	if (differs & DIFFERS_PID)
		code->pid = take_number(cursor, code->pid);
	if (differs & DIFFERS_TID)
		code->tid = take_number(cursor, code->tid);
	if (differs & DIFFERS_STACK)
		last->stack = take_number(cursor, last->stack);
	if (last->size < sizeof(struct event_header) || last->size % 8)
		cursor_fail(cursor);
}

static void take_words(struct record_last *last, uint64_t differs, struct cursor *cursor,
		       union record *record)
{
	size_t count = last->size / 8 - HEADER_WORDS;
	size_t first = count < RECORD_WORDS ? count : RECORD_WORDS;
	uint64_t *words = record->words + HEADER_WORDS;

	for (uint64_t rest = differs / DIFFERS_WORD; rest; rest &= rest - 1) {
		size_t i = (size_t)__builtin_ctzll(rest);

		if (i >= first)
			return cursor_fail(cursor);
		last->words[i] = take_word(cursor, last->words[i]);
	}
	memcpy(words, last->words, first * sizeof(*words));
	for (size_t i = first; i < count && !cursor->failed; i++)
		words[i] = take_word(cursor, words[i - 2]);
}

int record_decode(struct record_code *code, struct cursor *cursor, union record *record)
{
	uint64_t kind = cursor_varint(cursor);
	uint64_t time_ns = code->time_ns + (uint64_t)unzigzag(cursor_varint(cursor));
	uint64_t differs = cursor_varint(cursor);
	struct record_last *last;

	if (kind > UINT16_MAX)
		cursor_fail(cursor);
	if (cursor->failed)
		return -EBADMSG;
	last = last_of(code, (uint32_t)kind);
	take_header(code, last, differs, cursor);
	if (cursor->failed)
		return -EBADMSG;
	take_words(last, differs, cursor, record);
	if (cursor->failed)
		return -EBADMSG;
	code->time_ns = time_ns;
	record->h = (struct event_header){
		.size = (uint16_t)last->size,
		.kind = (uint16_t)kind,
		.pid = code->pid,
		.tid = code->tid,
		.stack = last->stack,
		.time_ns = time_ns,
	};
	return 0;
}
