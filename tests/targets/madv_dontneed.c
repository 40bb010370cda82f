// SPDX-License-Identifier: GPL-2.0-only
/* MADV_DONTNEED whole, partial, twice, over holes and locked pages, and refused. */
#define _GNU_SOURCE
#include "tests/targets/target.h"

enum { PAGES = 1024 };

static int dontneed(char *base, size_t first, size_t bytes)
{
	return madvise(page_at(base, first), bytes, MADV_DONTNEED);
}

static void purge_plain(char *base)
{
	target_expect(dontneed(base, 0, PAGES * PAGE) == 0, "whole");
	target_claim(base, PAGES, 0, 0, "whole purged");
	target_rest("whole");
	pages_touch(base, 0, PAGES);
	target_expect(dontneed(base, 100, 50 * PAGE) == 0, "partial");
	target_claim(base, PAGES, PAGES - 50, 0, "partly purged");
	target_rest("partial");
	target_expect(dontneed(base, 100, 50 * PAGE) == 0, "twice");
	target_expect(dontneed(base, 125, 50 * PAGE) == 0, "overlapping");
	target_claim(base, PAGES, PAGES - 75, 0, "twice purged");
	target_rest("twice");
	/* The length is rounded up to whole pages: 3 pages and a byte are 4. */
	target_expect(dontneed(base, 200, 3 * PAGE + 1) == 0, "unaligned end");
	target_claim(base, PAGES, PAGES - 79, 0, "unaligned end");
	target_rest("unaligned_end");
	target_expect(dontneed(base, 300, 0) == 0, "no length");
	target_expect_errno(madvise(page_at(base, 300) + 1, PAGE, MADV_DONTNEED) != 0, EINVAL,
			    "unaligned address");
	target_expect_errno(dontneed(base, 300, (size_t)-1) != 0, EINVAL, "length too big");
	target_claim(base, PAGES, PAGES - 79, 0, "refused");
	target_rest("refused");
	pages_read(base, 100, 75);
	pages_touch(base, 200, 2);
	target_claim(base, PAGES, PAGES - 77, 0, "read and touched again");
	target_rest("touched_again");
}

static void purge_protected(char *base)
{
	pages_touch(base, 0, PAGES);
	target_expect(mprotect(page_at(base, 512), 256 * PAGE, PROT_NONE) == 0, "mprotect");
	target_expect(dontneed(base, 600, 32 * PAGE) == 0, "PROT_NONE part");
	target_expect(dontneed(base, 500, 24 * PAGE) == 0, "over the border");
	target_claim(base, PAGES, PAGES - 56, 0, "PROT_NONE part purged");
	target_rest("prot_none");
	target_expect(mprotect(page_at(base, 512), 256 * PAGE, PROT_READ | PROT_WRITE) == 0,
		      "mprotect");
	target_claim(base, PAGES, PAGES - 56, 0, "opened again");
	target_rest("prot_none_opened");
}

/* Both sides of a hole are purged, and the call fails all the same. */
static void purge_hole(char *base)
{
	pages_touch(base, 0, PAGES);
	target_expect(munmap(page_at(base, 400), 10 * PAGE) == 0, "munmap");
	target_claim(base, PAGES, PAGES - 10, 0, "hole");
	target_rest("hole");
	target_expect_errno(dontneed(base, 390, 40 * PAGE) != 0, ENOMEM, "over a hole");
	target_claim(base, PAGES, PAGES - 40, 0, "purged on both sides of a hole");
	target_rest("hole_purged");
}

/* Locked pages are refused after what lies before them has been purged. */
static void purge_locked(void)
{
	char *base = pages_map(128);

	pages_touch(base, 0, 128);
	if (mlock(page_at(base, 64), 32 * PAGE) != 0) {
		target_skip("mlock", errno);
		return;
	}
	target_expect_errno(dontneed(base, 32, 96 * PAGE) != 0, EINVAL, "over locked pages");
	target_claim(base, 128, 96, 0, "purged up to locked pages");
	target_rest("locked");
	if (madvise(page_at(base, 70), 10 * PAGE, MADV_DONTNEED_LOCKED) != 0) {
		target_skip("MADV_DONTNEED_LOCKED", errno);
		return;
	}
	target_claim(base, 128, 86, 0, "locked pages purged");
	target_rest("locked_purged");
}

int main(void)
{
	char *base;

	target_start();
	base = pages_map(PAGES);
	pages_touch(base, 0, PAGES);
	target_claim(base, PAGES, PAGES, 0, "touched");
	target_rest("touched");
	purge_plain(base);
	purge_protected(base);
	purge_hole(base);
	purge_locked();
	return 0;
}
