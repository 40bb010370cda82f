// SPDX-License-Identifier: GPL-2.0-only
/* Guard markers (Linux 6.13): installing them takes the pages, removing them gives none back. */
#define _GNU_SOURCE
#include "tests/targets/target.h"

enum { PAGES = 512 };

static int guard(char *base, size_t first, size_t count, int advice)
{
	return madvise(page_at(base, first), count * PAGE, advice);
}

static void guard_claim(char *base, long resident, const char *name)
{
	target_claim(base, PAGES, resident, 0, name);
	target_rest(name);
}

static void guard_run(char *base)
{
	guard_claim(base, PAGES - 64, "installed");
	/* Purging leaves markers alone; new ones may lie over old ones. */
	target_expect(guard(base, 50, 100, MADV_DONTNEED) == 0, "MADV_DONTNEED");
	guard_claim(base, PAGES - 114, "purged");
	target_expect(guard(base, 140, 40, MADV_GUARD_INSTALL) == 0, "install over both");
	guard_claim(base, PAGES - 130, "installed_over");
	target_expect(guard(base, 0, PAGES, MADV_GUARD_REMOVE) == 0, "MADV_GUARD_REMOVE");
	guard_claim(base, PAGES - 130, "removed");
	pages_touch(base, 50, 130);
	guard_claim(base, PAGES, "touched_again");
	target_expect(munmap(page_at(base, 300), 10 * PAGE) == 0, "munmap");
	target_expect_errno(guard(base, 290, 30, MADV_GUARD_INSTALL) != 0, ENOMEM,
			    "install over a hole");
	guard_claim(base, PAGES - 30, "over_hole");
}

int main(void)
{
	char *base;

	target_start();
	base = pages_map(PAGES);
	pages_touch(base, 0, PAGES);
	guard_claim(base, PAGES, "touched");
	if (guard(base, 100, 64, MADV_GUARD_INSTALL) != 0) {
		target_skip("MADV_GUARD_INSTALL", errno);
		guard_claim(base, PAGES, "skipped");
		return 0;
	}
	guard_run(base);
	return 0;
}
