/* One order: the body of one message, checked. */
#ifndef HANDLER_ORDER_H
#define HANDLER_ORDER_H

#include <stddef.h>

/* A body has fewer bytes than this: one page, as the order service promises. */
#define ORDER_BODY_LIMIT 4096
/* Longest order_id, customer_id and processed_at, in bytes without the NUL. */
#define ORDER_FIELD_MAX 64

/*
 * The strings are never NULL and are gone with the order, which owns them as a whole; only the body
 * of a parsed order is its caller's.
 */
struct order {
	const char *order_id;	  /* 1..ORDER_FIELD_MAX bytes */
	const char *customer_id;  /* the same */
	const char *processed_at; /* the same; a time as the sender wrote it, not interpreted */
	const char *body;	  /* as it arrived; NUL-terminated in a copy */
	size_t body_len;	  /* bytes, without the NUL */
	double total_usd;	  /* US dollars, finite, >= 0 */
	/* What the fields of a parsed order lie in; NULL: a copy, they lie behind the struct. */
	struct json_t *document;
};

/*
 * Parses a body of body_len bytes, which has to stay as long as the order: it is not copied. It
 * needs no NUL behind it. On success *order belongs to the caller: order_free(). On failure *order
 * is untouched. Fields beyond the four known ones are allowed and kept in the body.
 *
 * -ENODATA   the body is empty (body may be NULL then)
 * -EMSGSIZE  the body has ORDER_BODY_LIMIT bytes or more
 * -EBADMSG   the body is no valid JSON, holds a NUL or names a key twice
 * -EINVAL    the body is no object, or a field is missing, of the wrong type or out of range
 * -ENOMEM
 */
int order_parse(const char *body, size_t body_len, struct order **order);

/*
 * Makes *kept, an earlier copy or NULL, a copy of the order that needs nothing else, in one block
 * of order_bytes(). A block is reused where the size is the same. The order is not *kept itself.
 * On success *kept belongs to the caller: order_free(). 0; -ENOMEM: *kept is as before.
 */
int order_keep(struct order **kept, const struct order *order);

/* order may be NULL. */
void order_free(struct order *order);

/*
 * A copy takes whole blocks of this: an order that is delivered again with a few more or fewer
 * bytes is written over the old one.
 */
#define ORDER_BLOCK 2048

/* Bytes that a copy takes, as requested from the allocator, all its strings included. */
size_t order_bytes(const struct order *order);

/* What an error of order_parse() means to the sender of the message; never NULL. */
const char *order_error(int error);

#endif
