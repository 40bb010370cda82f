#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "handler/driver/response.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "handler/cleanup.h"
#include "handler/driver/text.h"

/* A whole number >= 0, or -1. */
static json_int_t count_get(const json_t *document, const char *name)
{
	const json_t *value = json_object_get(document, name);
	json_int_t number = json_is_integer(value) ? json_integer_value(value) : -1;

	return number < 0 ? -1 : number;
}

static bool counts_check(const json_t *document, const struct expected *expected, char *why,
			 size_t size)
{
	const json_t *success = json_object_get(document, "success");
	json_int_t processed = count_get(document, "processed_count");
	json_int_t entries = count_get(document, "cache_size");
	bool all_good = expected->usable == expected->records;

	if (processed < 0 || entries < 0) {
		snprintf(why, size, "processed_count or cache_size is no whole number");
	} else if ((uint64_t)processed != expected->usable) {
		snprintf(why, size, "processed_count is %jd, the event has %ju usable orders",
			 (intmax_t)processed, (uintmax_t)expected->usable);
	} else if ((uint64_t)entries > expected->instance_usable) {
		snprintf(why, size, "cache_size is %jd after only %ju orders", (intmax_t)entries,
			 (uintmax_t)expected->instance_usable);
	} else if (expected->usable && entries == 0) {
		snprintf(why, size, "cache_size is 0 after %ju orders in this event",
			 (uintmax_t)expected->usable);
	} else if (!json_is_boolean(success) || json_is_true(success) != all_good) {
		snprintf(why, size, "success is not %s, with %ju of %ju orders usable",
			 all_good ? "true" : "false", (uintmax_t)expected->usable,
			 (uintmax_t)expected->records);
	} else {
		return true;
	}
	return false;
}

bool response_check(const char *response, size_t length, const struct expected *expected, char *why,
		    size_t size)
{
	json_error_t error;
	CLEANUP_JSON json_t *document =
		json_loadb(response, length, JSON_REJECT_DUPLICATES, &error);
	char reason[128];

	if (!document) {
		text_clean(error.text, strlen(error.text), reason, sizeof(reason));
		snprintf(why, size, "the response is no valid JSON: %s", reason);
		return false;
	}
	if (!json_is_object(document)) {
		snprintf(why, size, "the response is no JSON object");
		return false;
	}
	return counts_check(document, expected, why, size);
}
