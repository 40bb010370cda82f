/* SPDX-License-Identifier: GPL-2.0-only */
/* The other side of reader.h: what goes over the sockets, a message each way. */
#ifndef TIDEMARK_STACK_READER_HOST_H
#define TIDEMARK_STACK_READER_HOST_H

#include <stddef.h>
#include <stdint.h>

#include "user/stack/reader.h"

/* To the host. It replies with the number of the reader, or an error: an int32_t. */
enum reader_order_kind {
	READER_START, /* with its socket, and the file if it has one (SCM_RIGHTS) */
	READER_STOP,
};

struct reader_order {
	uint32_t kind;
	int32_t pid;	 /* READER_STOP */
	uint64_t memory; /* READER_START */
};

/* To a reader. */
enum reader_question { READER_LINES, READER_DEMANGLE };

struct reader_request {
	uint32_t question;
	uint32_t pad;
	uint64_t address;	       /* READER_LINES */
	char name[READER_MANGLED_MAX]; /* READER_DEMANGLE; NUL-terminated, sent up to there */
};

/*
 * Its reply: lines one after the other, each this and its strings with their NULs.
 * To READER_DEMANGLE one, whose name is what was asked for.
 */
struct reader_line {
	uint32_t line;
	uint16_t name_size; /* with its NUL; 0: not known */
	uint16_t file_size;
};

#define READER_REPLY_MAX 65536

/* The host, from fork to its end, which is that of the other end of its socket. */
void reader_host_run(int control) __attribute__((noreturn));

#endif
