#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "handler/batch.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "handler/cleanup.h"
#include "handler/order.h"

#define MORE_ERRORS "; ..."
/* Bytes of a message id that an error quotes; ids are text from outside. */
#define QUOTED_ID_MAX 48

struct batch {
	struct cache *cache;
	FILE *log;
	bool errors_omitted;
	struct batch_result result;
};

/* At most max bytes of text, never ending inside a UTF-8 sequence. */
static int text_cut(const char *text, size_t max)
{
	size_t length = strnlen(text, max + 1);

	if (length > max) {
		length = max;
		while (length > 0 && ((unsigned char)text[length] & 0xc0) == 0x80)
			length--;
	}
	return (int)length;
}

static void error_add(struct batch *batch, size_t index, const json_t *id, const char *reason)
{
	struct batch_result *result = &batch->result;
	size_t used = strlen(result->error_msg);
	const char *separator = used ? "; " : "";
	char text[192];
	int length;

	result->error_count++;
	if (json_is_string(id))
		length = snprintf(text, sizeof(text), "%s%.*s: %s", separator,
				  text_cut(json_string_value(id), QUOTED_ID_MAX),
				  json_string_value(id), reason);
	else
		length = snprintf(text, sizeof(text), "%srecord %zu: %s", separator, index, reason);

	if (batch->errors_omitted)
		return;
	/* An error is quoted only when the mark still fits behind it. */
	if (used + (size_t)length + sizeof(MORE_ERRORS) <= sizeof(result->error_msg)) {
		memcpy(result->error_msg + used, text, (size_t)length + 1);
	} else {
		memcpy(result->error_msg + used, MORE_ERRORS, sizeof(MORE_ERRORS));
		batch->errors_omitted = true;
	}
}

/* The mail to the customer: made, measured, let go. */
static int receipt_write(const struct order *order, char **receipt)
{
	int length = asprintf(receipt,
			      "Order      %s\n"
			      "Customer   %s\n"
			      "Date       %s\n"
			      "------------------------------------------\n"
			      "Net        %12.2f USD\n"
			      "Tax (19%%)  %12.2f USD\n"
			      "Total      %12.2f USD\n"
			      "------------------------------------------\n"
			      "%zu bytes of order data were received.\n"
			      "Thank you for your order.\n",
			      order->order_id, order->customer_id, order->processed_at,
			      order->total_usd / 1.19, order->total_usd - order->total_usd / 1.19,
			      order->total_usd, order->body_len);

	if (length < 0) {
		*receipt = NULL; /* undefined after a failure, but a cleanup will look at it */
		return -ENOMEM;
	}
	return length;
}

static int log_write(struct batch *batch, const struct order *order, int receipt_length,
		     bool redelivered)
{
	CLEANUP_JSON json_t *line =
		json_pack("{ss ss ss sf si sb}", "level", "INFO", "order_id", order->order_id,
			  "customer_id", order->customer_id, "total_usd", order->total_usd,
			  "receipt_bytes", receipt_length, "redelivered", redelivered);
	CLEANUP_FREE char *text = line ? json_dumps(line, JSON_COMPACT) : NULL;

	if (!text)
		return -ENOMEM;
	return fprintf(batch->log, "%s\n", text) < 0 ? -ENOMEM : 0;
}

static int order_store(struct batch *batch, const struct order *order)
{
	bool redelivered = cache_touch(batch->cache, order->order_id) == 0;
	CLEANUP_FREE char *receipt = NULL;
	int length;
	int err;

	length = receipt_write(order, &receipt);
	if (length < 0)
		return length;
	err = log_write(batch, order, length, redelivered);
	if (!err)
		err = cache_put(batch->cache, order);
	if (err)
		return err;

	batch->result.processed_count++;
	batch->result.redelivered += redelivered;
	return 0;
}

/* 0, also when the record is in error; -ENOMEM. */
static int record_handle(struct batch *batch, size_t index, const json_t *record)
{
	const json_t *id = json_object_get(record, "messageId");
	const json_t *body = json_object_get(record, "body");
	struct order *order;
	int err;

	if (!json_is_string(body)) {
		error_add(batch, index, id, "there is no body");
		return 0;
	}

	err = order_parse(json_string_value(body), json_string_length(body), &order);
	if (err == -ENOMEM)
		return err;
	if (err) {
		error_add(batch, index, id, order_error(err));
		return 0;
	}

	err = order_store(batch, order);
	order_free(order);
	return err;
}

static int records_handle(struct batch *batch, const char *event, size_t length)
{
	json_error_t error;
	/* A NUL in one body must not cost the whole batch: order_parse() refuses that body. */
	CLEANUP_JSON json_t *document = json_loadb(event, length, JSON_ALLOW_NUL, &error);
	const json_t *records = json_object_get(document, "Records");

	if (!document && json_out_of_memory(&error))
		return -ENOMEM;
	if (!json_is_array(records)) {
		batch->result.event_unusable = true;
		batch->result.error_count = 1;
		snprintf(batch->result.error_msg, sizeof(batch->result.error_msg), "%s",
			 document ? "the event has no array Records"
				  : "the event is no valid JSON");
		return 0;
	}

	for (size_t i = 0; i < json_array_size(records); i++) {
		int err = record_handle(batch, i, json_array_get(records, i));

		if (err)
			return err;
	}
	return 0;
}

int batch_handle(struct cache *cache, const char *event, size_t length, struct batch_result *result)
{
	struct batch batch = {.cache = cache};
	CLEANUP_FREE char *log = NULL;
	int err;

	batch.log = open_memstream(&log, &batch.result.log_bytes);
	if (!batch.log)
		return -ENOMEM;

	err = records_handle(&batch, event, length);
	if (fclose(batch.log) != 0 && !err)
		err = -ENOMEM;
	if (err)
		return err;

	batch.result.success = batch.result.error_count == 0;
	batch.result.cache_size = cache_measure(cache).entries;
	*result = batch.result;
	return 0;
}

int batch_respond(const struct batch_result *result, char **response)
{
	CLEANUP_JSON json_t *document = json_pack(
		"{sb sI sI ss?}", "success", result->success, "processed_count",
		(json_int_t)result->processed_count, "cache_size", (json_int_t)result->cache_size,
		"error_msg", result->error_msg[0] ? result->error_msg : NULL);
	char *text = document ? json_dumps(document, JSON_COMPACT) : NULL;

	if (!text)
		return -ENOMEM;
	*response = text;
	return 0;
}
