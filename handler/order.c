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

	free(order->order_id);
	free(order->customer_id);
	free(order->processed_at);
	free(order->body);
	free(order);
}

size_t order_bytes(const struct order *order)
{
	return sizeof(*order) + strlen(order->order_id) + 1 + strlen(order->customer_id) + 1 +
	       strlen(order->processed_at) + 1 + order->body_len + 1;
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

static int field_copy(const json_t *document, const char *name, char **copy)
{
	const json_t *field = json_object_get(document, name);
	size_t length = json_string_length(field);
	char *text;

	if (!json_is_string(field) || length == 0 || length > ORDER_FIELD_MAX)
		return -EINVAL;

	text = strdup(json_string_value(field));
	if (!text)
		return -ENOMEM;

	*copy = text;
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

static int body_copy(struct order *order, const char *body, size_t body_len)
{
	order->body = malloc(body_len + 1);
	if (!order->body)
		return -ENOMEM;

	memcpy(order->body, body, body_len);
	order->body[body_len] = '\0';
	order->body_len = body_len;
	return 0;
}

static int order_build(const json_t *document, const char *body, size_t body_len,
		       struct order **order)
{
	__attribute__((cleanup(order_cleanup))) struct order *built = calloc(1, sizeof(*built));
	int err;

	if (!built)
		return -ENOMEM;

	err = field_copy(document, "order_id", &built->order_id);
	if (!err)
		err = field_copy(document, "customer_id", &built->customer_id);
	if (!err)
		err = field_copy(document, "processed_at", &built->processed_at);
	if (!err)
		err = total_read(document, &built->total_usd);
	if (!err)
		err = body_copy(built, body, body_len);
	if (err)
		return err;

	*order = TAKE(built);
	return 0;
}

int order_parse(const char *body, size_t body_len, struct order **order)
{
	CLEANUP_JSON json_t *document = NULL;
	json_error_t error;

	if (!body || body_len == 0)
		return -ENODATA;
	if (body_len >= ORDER_BODY_LIMIT)
		return -EMSGSIZE;

	document = json_loadb(body, body_len, JSON_REJECT_DUPLICATES, &error);
	if (!document)
		return json_out_of_memory(&error) ? -ENOMEM : -EBADMSG;
	if (!json_is_object(document))
		return -EINVAL;

	return order_build(document, body, body_len, order);
}
