// SPDX-License-Identifier: GPL-2.0-only
/* mremap in all its ways: pages keep their content and take their residency along. */
#define _GNU_SOURCE
#include "tests/targets/target.h"

enum { PAGES = 512 };

#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4
#endif

static char *map_at(char *at, size_t pages)
{
	char *p = mmap(at, pages * PAGE, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);

	target_expect(p == at, "mmap");
	return p;
}

static char *remap(char *from, size_t old, size_t new, int flags, char *to)
{
	return mremap(from, old * PAGE, new *PAGE, flags, to);
}

static void remap_in_place(void)
{
	char *base = pages_clear_space(4 * PAGES);

	map_at(base, PAGES);
	pages_touch(base, 0, PAGES);
	target_claim(base, 4 * PAGES, PAGES, 0, "touched");
	target_rest("touched");
	target_expect(remap(base, PAGES, 3 * PAGES, 0, NULL) == base, "grow in place");
	target_claim(base, 4 * PAGES, PAGES, 0, "grown in place");
	target_rest("grown");
	pages_touch(base, PAGES, 100);
	target_claim(base, 4 * PAGES, PAGES + 100, 0, "grown part touched");
	target_rest("grown_touched");
	target_expect_errno(remap(base, 3 * PAGES, 5 * PAGES, 0, NULL) == MAP_FAILED, ENOMEM,
			    "grow where there is no room");
	target_expect(remap(base, 3 * PAGES, PAGES + 50, 0, NULL) == base, "shrink");
	target_claim(base, 4 * PAGES, PAGES + 50, 0, "shrunk");
	target_rest("shrunk");
	target_expect(remap(base, PAGES + 50, 2 * PAGES, 0, NULL) == base, "grow again");
	target_claim(base, 4 * PAGES, PAGES + 50, 0, "grown again: fresh pages");
	target_rest("grown_again");
}

/* The fence above leaves no room, so growing moves. */
static void remap_moving(void)
{
	char *old = pages_map(PAGES), *new;

	pages_touch_every(old, 0, PAGES / 2, 2);
	new = remap(old, PAGES, 2 * PAGES, MREMAP_MAYMOVE, NULL);
	target_expect(new != MAP_FAILED &&new != old, "grow by moving");
	target_claim(old, PAGES, 0, 0, "left");
	target_claim(new, 2 * PAGES, PAGES / 2, 0, "moved");
	target_rest("moved");
	target_expect(pages_count_own(page_at(new, 1), 1) == 0, "an untouched page stays so");
	target_expect(pages_count_own(page_at(new, 2), 1) == 1, "a touched page moves");
	pages_touch(new, PAGES, 10);
	target_claim(new, 2 * PAGES, PAGES / 2 + 10, 0, "moved, touched");
	target_rest("moved_touched");
}

static void remap_fixed(void)
{
	char *from = pages_map(PAGES), *to = pages_map(PAGES);

	pages_touch(from, 0, 100);
	pages_touch(to, 0, PAGES);
	target_expect(remap(from, 200, 200, MREMAP_MAYMOVE | MREMAP_FIXED, page_at(to, 50)) ==
			      page_at(to, 50),
		      "MREMAP_FIXED onto touched pages");
	target_claim(from, PAGES, 0, 0, "source");
	target_claim(to, PAGES, PAGES - 100, 0, "overlaid");
	target_rest("fixed");
	/* Part of a mapping, from its middle, shrinking on the way. Pages 250 on are resident. */
	pages_touch(from, 300, 100);
	target_expect(remap(page_at(to, 300), 100, 60, MREMAP_MAYMOVE | MREMAP_FIXED,
			    page_at(from, 320)) == page_at(from, 320),
		      "MREMAP_FIXED of a part");
	target_claim(to, PAGES, PAGES - 200, 0, "part taken");
	target_claim(from, PAGES, 100, 0, "part received");
	target_rest("part");
}

static void remap_dontunmap(void)
{
	char *old = pages_map(PAGES), *to = pages_map(PAGES);
	char *new;

	pages_touch(old, 0, 300);
	new = remap(old, PAGES, PAGES, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, NULL);
	if (new == MAP_FAILED) {
		target_skip("MREMAP_DONTUNMAP", errno);
		return;
	}
	target_claim(old, PAGES, 0, 0, "kept mapping, empty");
	target_claim(new, PAGES, 300, 0, "pages moved");
	target_rest("dontunmap");
	pages_touch(old, 0, 10);
	pages_touch(to, 0, 20);
	new = remap(new, PAGES, PAGES, MREMAP_MAYMOVE | MREMAP_DONTUNMAP | MREMAP_FIXED, to);
	target_expect(new == to, "MREMAP_DONTUNMAP to a fixed place");
	target_claim(old, PAGES, 10, 0, "kept mapping, touched");
	target_claim(to, PAGES, 300, 0, "pages moved onto touched ones");
	target_rest("dontunmap_fixed");
}

static void remap_refused(void)
{
	char *from = pages_map(PAGES), *to = pages_map(PAGES);

	pages_touch(from, 0, PAGES);
	pages_touch(to, 0, PAGES);
	target_expect_errno(remap(from, 100, 200, MREMAP_MAYMOVE | MREMAP_FIXED,
				  page_at(from, 50)) == MAP_FAILED,
			    EINVAL, "MREMAP_FIXED over itself");
	target_expect_errno(remap(from + 1, 100, 200, MREMAP_MAYMOVE, NULL) == MAP_FAILED, EINVAL,
			    "unaligned address");
	target_expect_errno(remap(from, 100, 0, MREMAP_MAYMOVE, NULL) == MAP_FAILED, EINVAL,
			    "no length");
	target_claim(from, PAGES, PAGES, 0, "refused");
	target_claim(to, PAGES, PAGES, 0, "refused");
	target_rest("refused");
	/*
	 * From a hole: kernels differ in whether they have unmapped the destination, or the upper
	 * part of a source that was to shrink, by the time they notice.
	 */
	target_expect(munmap(page_at(from, 100), 10 * PAGE) == 0, "munmap");
	target_expect_errno(remap(page_at(from, 100), 10, 10, MREMAP_MAYMOVE | MREMAP_FIXED, to) ==
				    MAP_FAILED,
			    EFAULT, "MREMAP_FIXED from a hole");
	target_expect_errno(remap(page_at(from, 90), 20, 40, MREMAP_MAYMOVE | MREMAP_FIXED,
				  page_at(to, 200)) == MAP_FAILED,
			    EFAULT, "MREMAP_FIXED over a hole");
	(void)remap(page_at(from, 100), 200, 5, MREMAP_MAYMOVE, NULL);
	target_claim(from, PAGES, pages_count_own(from, PAGES), 0, "failed: counted by itself");
	target_claim(to, PAGES, pages_count_own(to, PAGES), 0, "failed: counted by itself");
	target_say("NOTE failed mremap left %ld of %d source and %ld of %d destination pages",
		   pages_count_own(from, PAGES), PAGES - 10, pages_count_own(to, PAGES), PAGES);
	target_rest("failed");
}

/* Several mappings in one call, holes and all: Linux 6.17. */
static void remap_several(void)
{
	char *from = pages_map(PAGES), *to = pages_map(PAGES);

	pages_touch(from, 0, PAGES);
	pages_touch(to, 0, PAGES);
	target_expect(mprotect(page_at(from, 100), 100 * PAGE, PROT_READ) == 0, "mprotect");
	target_expect(munmap(page_at(from, 300), 50 * PAGE) == 0, "munmap");
	if (remap(from, PAGES, PAGES, MREMAP_MAYMOVE | MREMAP_FIXED, to) == MAP_FAILED) {
		target_skip("mremap of several mappings", errno);
		target_claim(from, PAGES, pages_count_own(from, PAGES), 0, "not moved");
		target_claim(to, PAGES, pages_count_own(to, PAGES), 0, "not moved");
	} else {
		/* Under the hole the destination keeps what it had: counted, not computed. */
		target_claim(from, PAGES, 0, 0, "several moved");
		target_claim(to, PAGES, pages_count_own(to, PAGES), 0, "several received");
		target_say("NOTE under the hole %ld of 50 pages of the destination stay",
			   pages_count_own(page_at(to, 300), 50));
	}
	target_rest("several");
}

/* A block of its own mapping, header in the first page, that realloc moves with mremap. */
static void remap_realloc(void)
{
	size_t pages = PAGES_OF_MIB(4);
	char *block = malloc(pages * PAGE), *page;

	target_expect(block != NULL, "malloc");
	for (size_t i = 0; i < pages; i++)
		((volatile char *)block)[i * PAGE] = 1;
	page = (char *)((uintptr_t)block & ~(PAGE - 1));
	target_claim(page, pages, (long)pages, 0, "malloc");
	target_rest("malloc");
	block = realloc(block, 4 * pages * PAGE);
	target_expect(block != NULL, "realloc");
	page = (char *)((uintptr_t)block & ~(PAGE - 1));
	target_claim(page, pages, (long)pages, 0, "realloc, old part");
	target_claim(page_at(page, pages + 1), 3 * pages - 1, 0, 0, "realloc, new part");
	target_rest("realloc");
	block = realloc(block, pages * PAGE / 2);
	target_expect(block != NULL, "realloc");
	page = (char *)((uintptr_t)block & ~(PAGE - 1));
	target_claim(page, pages / 2, (long)pages / 2, 0, "realloc, shrunk");
	target_rest("realloc_shrunk");
	free(block);
}

int main(void)
{
	target_start();
	remap_in_place();
	remap_moving();
	remap_fixed();
	remap_dontunmap();
	remap_refused();
	remap_several();
	remap_realloc();
	return 0;
}
