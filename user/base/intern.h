/* SPDX-License-Identifier: GPL-2.0-only */
/* Byte strings stored once and named by small numbers. 0 is the empty string. */
#ifndef TIDEMARK_BASE_INTERN_H
#define TIDEMARK_BASE_INTERN_H

#include <stddef.h>
#include <stdint.h>

struct intern_item {
	void *data; /* owned, with a NUL after it */
	uint32_t size;
	uint32_t hash;
};

struct intern {
	struct intern_item *items; /* items[i - 1] is number i */
	uint32_t count;
	uint32_t capacity;
	uint32_t *slots;     /* open addressing, item numbers, 0 free */
	uint32_t slot_count; /* power of two */
	uint64_t bytes;
};

/* The number of data, adding it if new; 0 for size 0 or without memory. */
uint32_t intern_add(struct intern *intern, const void *data, uint32_t size);

/* The number of data, 0 if it is not there. */
uint32_t intern_find(const struct intern *intern, const void *data, uint32_t size);

uint32_t intern_string(struct intern *intern, const char *text);

/* The data of a number, "" for 0 and for numbers never given. Valid as long as the table. */
const void *intern_get(const struct intern *intern, uint32_t number);

int intern_clone(const struct intern *from, struct intern *into);
void intern_free(struct intern *intern);

#endif
