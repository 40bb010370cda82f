/* What the tests of the handler share. Include it first: it brings cmocka's prerequisites. */
#ifndef TESTS_HANDLER_SUPPORT_H
#define TESTS_HANDLER_SUPPORT_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "handler/cache.h"
#include "handler/order.h"

/* Whether a sanitizer's allocator stands in for glibc's, with mallinfo2() of zeros. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define UNDER_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define UNDER_SANITIZER 1
#endif
#endif
#ifndef UNDER_SANITIZER
#define UNDER_SANITIZER 0
#endif

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

/*
 * A parsed order of that id whose note has that many bytes. Its body is a block of exactly its
 * length, with nothing behind it: order_unmake() frees both.
 */
static inline struct order *order_make(const char *id, size_t note)
{
	struct order *order = NULL;
	char *text = NULL;
	char *body;
	int length = asprintf(&text,
			      "{\"order_id\":\"%s\",\"customer_id\":\"cus-1\",\"total_usd\":12.5,"
			      "\"processed_at\":\"2024-01-01T00:00:00Z\",\"note\":\"%0*d\"}",
			      id, (int)note, 0);

	assert_in_range(length, 1, ORDER_BODY_LIMIT - 1);
	body = malloc((size_t)length);
	assert_non_null(body);
	memcpy(body, text, (size_t)length);
	free(text);
	assert_int_equal(order_parse(body, (size_t)length, &order), 0);
	assert_ptr_equal(order->body, body);
	return order;
}

/* The body is overwritten first: whoever still looks at it finds no order there. */
static inline void order_unmake(struct order *order)
{
	char *body = (char *)order->body;

	memset(body, 'x', order->body_len);
	order_free(order);
	free(body);
}

static inline void order_put(struct cache *cache, const char *id, size_t note)
{
	struct order *order = order_make(id, note);

	assert_int_equal(cache_put(cache, order), 0);
	order_unmake(order);
}

/* The bytes of an order: the struct, and its texts with a NUL each. */
static inline size_t order_length(const struct order *order)
{
	return sizeof(struct order) + strlen(order->order_id) + strlen(order->customer_id) +
	       strlen(order->processed_at) + order->body_len + 4;
}

/* What is requested for a copy of the order, counted without order_bytes(): whole blocks. */
static inline size_t order_count(const struct order *order)
{
	size_t count = 0;

	while (count < order_length(order))
		count += ORDER_BLOCK;
	return count;
}

/* The note that makes the order of that id so many bytes long, as order_length() counts. */
static inline size_t note_for_length(const char *id, size_t length)
{
	struct order *order = order_make(id, 1);
	size_t note = length - order_length(order) + 1;

	order_unmake(order);
	return note;
}

#endif
