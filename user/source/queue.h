/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Records that the collector makes itself, waiting for their place among the
 * kernel's: they are delivered once all records older than them have been.
 */
#ifndef TIDEMARK_SOURCE_QUEUE_H
#define TIDEMARK_SOURCE_QUEUE_H

#include <stddef.h>
#include <stdint.h>

#include "user/source/source.h"

struct queue {
	unsigned char *data;
	size_t head;
	size_t tail;
	size_t capacity;
};

/* Appends a copy. Times must not decrease. 0, -ENOMEM, or -EMSGSIZE past EVENT_SIZE_MAX. */
int queue_push(struct queue *queue, const struct event_header *event);

/* Delivers the records that are older than time_ns; the sink may push. */
void queue_deliver(struct queue *queue, uint64_t time_ns, source_sink sink, void *ctx);

static inline size_t queue_bytes(const struct queue *queue)
{
	return queue->tail - queue->head;
}

void queue_free(struct queue *queue);

#endif
