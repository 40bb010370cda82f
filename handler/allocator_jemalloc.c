#include <jemalloc/jemalloc.h>
#include <stdint.h>
#include <stdio.h>

#include "handler/allocator.h"

static json_t *jemalloc_stats(void)
{
	static const char *const names[] = {"allocated", "active", "metadata",
					    "resident",	 "mapped", "retained"};
	json_t *stats = json_object();
	uint64_t epoch = 1;
	size_t size = sizeof(epoch);

	/* The figures stand still until the epoch is advanced. */
	mallctl("epoch", &epoch, &size, &epoch, sizeof(epoch));
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char path[32];
		size_t value = 0;

		size = sizeof(value);
		snprintf(path, sizeof(path), "stats.%s", names[i]);
		if (mallctl(path, &value, &size, NULL, 0) != 0)
			continue; /* built without statistics: a name missing beats a false zero */
		if (json_object_set_new(stats, names[i], json_integer((json_int_t)value))) {
			json_decref(stats);
			return NULL;
		}
	}
	return stats;
}

const struct allocator allocator = {.name = "jemalloc", .stats = jemalloc_stats};
