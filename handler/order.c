#include "handler/order.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "handler/cleanup.h"

static void order_cleanup(struct order **order)
{
	order_free(*order);
}

void order_free(struct order *order)
{
	if (!order)
		return;

	json_decref(order->document);
	free(order);
}

/* Puts text with its NUL at *room, and leaves *room behind it. */
static const char *text_put(char **room, const char *text, size_t length)
{
	char *copy = *room;

	memcpy(copy, text, length);
	copy[length] = '\0';
	*room += length + 1;
	return copy;
}

int order_keep(struct order **kept, const struct order *order)
{
	size_t size = order_bytes(order);
	struct order *copy = *kept;
	char *room;

	if (!copy || order_bytes(copy) != size) {
		copy = malloc(size);
		if (!copy)
			return -ENOMEM;
		free(*kept);
	}
	room = (char *)(copy + 1);
	*copy = (struct order){
		.order_id = text_put(&room, order->order_id, strlen(order->order_id)),
		.customer_id = text_put(&room, order->customer_id, strlen(order->customer_id)),
		.processed_at = text_put(&room, order->processed_at, strlen(order->processed_at)),
		.body = text_put(&room, order->body, order->body_len),
		.body_len = order->body_len,
		.total_usd = order->total_usd,
	};
	*kept = copy;
	return 0;
}

size_t order_bytes(const struct order *order)
{
	size_t bytes = sizeof(*order) + strlen(order->order_id) + 1 + strlen(order->customer_id) +
		       1 + strlen(order->processed_at) + 1 + order->body_len + 1;

	return (bytes + ORDER_BLOCK - 1) / ORDER_BLOCK * ORDER_BLOCK;
}

const char *order_error(int error)
{
	switch (error) {
	case -ENODATA:
		return "the body is empty";
	case -EMSGSIZE:
		return "the body is too large";
	case -EBADMSG:
		return "the body is no valid JSON";
	case -EINVAL:
		return "an order field is missing or wrong";
	case -ENOMEM:
		return "out of memory";
	default:
		return "the body cannot be used";
	}
}

static int field_read(const json_t *document, const char *name, const char **text)
{
	const json_t *field = json_object_get(document, name);
	size_t length = json_string_length(field);

	if (!json_is_string(field) || length == 0 || length > ORDER_FIELD_MAX)
		return -EINVAL;

	*text = json_string_value(field);
	return 0;
}

static int total_read(const json_t *document, double *total_usd)
{
	const json_t *field = json_object_get(document, "total_usd");
	double value = json_number_value(field);

	if (!json_is_number(field) || !isfinite(value) || value < 0)
		return -EINVAL;

	*total_usd = value;
	return 0;
}

/* The document belongs to the order on success, else still to the caller. */
static int order_build(json_t *document, const char *body, size_t body_len, struct order **order)
{
	__attribute__((cleanup(order_cleanup))) struct order *built = calloc(1, sizeof(*built));
	int err;

	if (!built)
		return -ENOMEM;

	err = field_read(document, "order_id", &built->order_id);
	if (!err)
		err = field_read(document, "customer_id", &built->customer_id);
	if (!err)
		err = field_read(document, "processed_at", &built->processed_at);
	if (!err)
		err = total_read(document, &built->total_usd);
	if (err)
		return err;

	built->body = body;
	built->body_len = body_len;
	built->document = document;
	*order = TAKE(built);
	return 0;
}

int order_parse(const char *body, size_t body_len, struct order **order)
{
	CLEANUP_JSON json_t *document = NULL;
	json_error_t error;
	int err;

	if (!body || body_len == 0)
		return -ENODATA;
	if (body_len >= ORDER_BODY_LIMIT)
		return -EMSGSIZE;

	document = json_loadb(body, body_len, JSON_REJECT_DUPLICATES, &error);
	if (!document)
		return json_out_of_memory(&error) ? -ENOMEM : -EBADMSG;
	if (!json_is_object(document))
		return -EINVAL;

	err = order_build(document, body, body_len, order);
	if (!err)
		(void)TAKE(document);
	return err;
}
