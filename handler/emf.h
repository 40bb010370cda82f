/*
 * One line of CloudWatch's Embedded Metric Format per invocation: metrics without a client, made by
 * whoever reads the log.
 */
#ifndef HANDLER_EMF_H
#define HANDLER_EMF_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct emf {
	FILE *out;
	int statm; /* /proc/self/statm, kept open: one read per line; owned */
	const char *function;
	const char *allocator;
	const char *cache;
	/*
	 * Entries that are a utilisation of 100%: the limit of a bounded cache. One without a limit
	 * is measured by the same figure, and goes beyond 100%.
	 */
	uint64_t capacity;
	atomic_bool broken; /* a line could not be written, which was logged */
};

/* The name of the function, if it can be one of a Lambda function, else "order-handler". */
const char *emf_function_name(const char *name);

/*
 * Opens statm; the other fields of *emf are set by the caller, capacity >= 1. 0 or a negative
 * errno. To be closed with emf_close().
 */
int emf_open(struct emf *emf);

void emf_close(struct emf *emf);

/*
 * Writes the line of an invocation and flushes it; safe from several threads. entries are those in
 * the cache. 0, -ENOMEM, or the negative errno of reading statm or of the write, which has been
 * logged, once.
 */
int emf_write(struct emf *emf, const char *request_id, uint64_t entries);

#endif
