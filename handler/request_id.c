#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "handler/request_id.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "handler/random.h"

/* Keeps the numbers for the ids apart from those the events are made of. */
#define ID_SEED UINT64_C(0x6964656e74696679)

void request_id_make(uint64_t seed, uint64_t number, char id[REQUEST_ID_MADE])
{
	struct random random = random_stream(seed ^ ID_SEED, number);
	uint64_t high = random_next(&random), low = random_next(&random);

	snprintf(id, REQUEST_ID_MADE,
		 "%08" PRIx64 "-%04" PRIx64 "-4%03" PRIx64 "-%04" PRIx64 "-%012" PRIx64, high >> 32,
		 (high >> 16) & 0xffff, high & 0xfff, 0x8000 | ((low >> 48) & 0x3fff),
		 low & UINT64_C(0xffffffffffff));
}

bool request_id_valid(const char *id)
{
	static const char allowed[] = "0123456789-"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "abcdefghijklmnopqrstuvwxyz";
	size_t length = strnlen(id, REQUEST_ID_LIMIT + 1);

	return length > 0 && length <= REQUEST_ID_LIMIT && strspn(id, allowed) == length;
}
