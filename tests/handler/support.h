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

/* A parsed order of that id whose note has that many bytes. */
static inline struct order *order_make(const char *id, size_t note)
{
	char body[ORDER_BODY_LIMIT];
	struct order *order = NULL;
	int length = snprintf(body, sizeof(body),
			      "{\"order_id\":\"%s\",\"customer_id\":\"cus-1\",\"total_usd\":12.5,"
			      "\"processed_at\":\"2024-01-01T00:00:00Z\",\"note\":\"%0*d\"}",
			      id, (int)note, 0);

	assert_in_range(length, 1, sizeof(body) - 1);
	assert_int_equal(order_parse(body, (size_t)length, &order), 0);
	return order;
}

static inline void order_put(struct cache *cache, const char *id, size_t note)
{
	assert_int_equal(cache_put(cache, order_make(id, note)), 0);
}

/* What was requested for an order, counted without order_bytes(). */
static inline size_t order_count(const struct order *order)
{
	return sizeof(struct order) + strlen(order->order_id) + strlen(order->customer_id) +
	       strlen(order->processed_at) + strlen(order->body) + 4;
}

#endif
