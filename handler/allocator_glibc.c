#include <malloc.h>

#include "handler/allocator.h"

/* The sums over all arenas; keepcost is of the main arena's top alone. */
static json_t *glibc_stats(void)
{
	struct mallinfo2 info = mallinfo2();

	return json_pack("{sI sI sI sI sI}", "arena", (json_int_t)info.arena, "hblkhd",
			 (json_int_t)info.hblkhd, "uordblks", (json_int_t)info.uordblks, "fordblks",
			 (json_int_t)info.fordblks, "keepcost", (json_int_t)info.keepcost);
}

const struct allocator allocator = {.name = "glibc", .stats = glibc_stats};
