/* One order: the body of one message, checked and copied. */
#ifndef HANDLER_ORDER_H
#define HANDLER_ORDER_H

#include <stddef.h>

/* A body has fewer bytes than this: one page, as the order service promises. */
#define ORDER_BODY_LIMIT 4096
/* Longest order_id, customer_id and processed_at, in bytes without the NUL. */
#define ORDER_FIELD_MAX 64

struct order {
	char *order_id;	    /* never NULL, 1..ORDER_FIELD_MAX bytes, owned */
	char *customer_id;  /* the same */
	char *processed_at; /* the same; a time as the sender wrote it, not interpreted */
	char *body;	    /* never NULL, the body as it arrived, NUL-terminated, owned */
	size_t body_len;    /* bytes, without the NUL */
	double total_usd;   /* US dollars, finite, >= 0 */
};

/*
 * Parses a body of body_len bytes. On success *order belongs to the caller: order_free(). On
 * failure *order is untouched. Fields beyond the four known ones are allowed and kept in the body.
 *
 * -ENODATA   the body is empty (body may be NULL then)
 * -EMSGSIZE  the body has ORDER_BODY_LIMIT bytes or more
 * -EBADMSG   the body is no valid JSON, holds a NUL or names a key twice
 * -EINVAL    the body is no object, or a field is missing, of the wrong type or out of range
 * -ENOMEM
 */
int order_parse(const char *body, size_t body_len, struct order **order);

/* order may be NULL. */
void order_free(struct order *order);

/* Bytes requested from the allocator for this order, all its strings included. */
size_t order_bytes(const struct order *order);

/* What an error of order_parse() means to the sender of the message; never NULL. */
const char *order_error(int error);

#endif
