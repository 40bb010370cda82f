// SPDX-License-Identifier: GPL-2.0-only
/* munmap of parts, of several mappings at once, of nothing, and refused. */
#define _GNU_SOURCE
#include "tests/targets/target.h"

enum { PAGES = 2048, HOLES = 64 };

static void unmap(char *base, size_t first, size_t count)
{
	target_expect(munmap(page_at(base, first), count * PAGE) == 0, "munmap");
}

static void unmap_parts(char *base)
{
	pages_touch(base, 0, PAGES);
	target_claim(base, PAGES, PAGES, 0, "touched");
	target_rest("touched");
	for (size_t i = 0; i < HOLES; i++)
		unmap(base, i * 16 + 3, 2);
	target_claim(base, PAGES, PAGES - 2 * HOLES, 0, "holes punched");
	target_rest("holes");
	unmap(base, 0, 1);
	unmap(base, PAGES - 1, 1);
	target_claim(base, PAGES, PAGES - 2 * HOLES - 2, 0, "ends cut");
	target_rest("ends");
	/* The length is rounded up to whole pages. */
	target_expect(munmap(page_at(base, 1500), 9 * PAGE + 1) == 0, "munmap, unaligned length");
	target_claim(base, PAGES, PAGES - 2 * HOLES - 12, 0, "unaligned length");
	target_rest("unaligned_length");
}

/* Pages 160 to 479: 20 holes of two pages among them. */
static void unmap_several(char *base)
{
	unmap(base, 160, 320);
	target_claim(base, PAGES, PAGES - 2 * (HOLES - 20) - 12 - 320, 0, "several at once");
	target_rest("several");
	unmap(base, 160, 320);
	unmap(base, 170, 1);
	target_claim(base, PAGES, PAGES - 2 * (HOLES - 20) - 12 - 320, 0, "unmapped range");
	target_rest("unmapped_range");
}

static void unmap_refused(char *base)
{
	target_expect_errno(munmap(page_at(base, 600) + 1, PAGE) != 0, EINVAL, "unaligned");
	target_expect_errno(munmap(page_at(base, 600), 0) != 0, EINVAL, "no length");
	target_expect_errno(munmap(page_at(base, 600), (size_t)-1) != 0, EINVAL, "too long");
	target_claim(base, PAGES, PAGES - 2 * (HOLES - 20) - 12 - 320, 0, "refused");
	target_rest("refused");
}

/* A fresh mapping in a hole merges with its neighbours; its pages are fresh all the same. */
static void unmap_refill(char *base)
{
	char *at = page_at(base, 160);
	long resident = PAGES - 2 * (HOLES - 20) - 12 - 320;

	target_expect(mmap(at, 320 * PAGE, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == at,
		      "mmap");
	target_claim(base, PAGES, resident, 0, "hole filled");
	target_rest("refilled");
	pages_touch(at, 0, 100);
	target_claim(base, PAGES, resident + 100, 0, "hole touched");
	target_rest("refilled_touched");
	unmap(base, 0, PAGES);
	target_claim(base, PAGES, 0, 0, "all unmapped");
	target_rest("all");
}

int main(void)
{
	char *base;

	target_start();
	base = pages_map(PAGES);
	unmap_parts(base);
	unmap_several(base);
	unmap_refused(base);
	unmap_refill(base);
	return 0;
}
