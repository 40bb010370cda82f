// SPDX-License-Identifier: GPL-2.0-only
/*
 * thp [collapse]
 *
 * Huge pages: one byte touched makes 512 pages resident, and part of them can go again. The kernel
 * may fall back to small pages; the program then says so in a NOTE and claims what it counts in
 * its own pagemap. With `collapse` it also asks for small pages to be made huge (MADV_COLLAPSE),
 * which makes untouched pages resident as khugepaged does.
 */
#define _GNU_SOURCE
#include "tests/targets/target.h"

enum { HUGE_PAGES = 512, REGIONS = 4 };

static char *region[REGIONS];

static void advise(char *base, size_t pages, int advice, const char *what)
{
	target_expect(madvise(base, pages * PAGE, advice) == 0, what);
}

/* Aligned to a huge page, with space of no access around. */
static char *huge_map(void)
{
	char *space = pages_map_prot(3 * HUGE_PAGES, PROT_NONE, MAP_NORESERVE), *p;
	uintptr_t align = HUGE_PAGES * PAGE;

	p = (char *)(((uintptr_t)space + PAGE + align - 1) & ~(align - 1));
	target_expect(mprotect(p, align, PROT_READ | PROT_WRITE) == 0, "mprotect");
	return p;
}

/* Claims what a kernel with huge pages gives, or what there is. */
static void huge_claim(char *base, long expected, const char *name)
{
	long counted = pages_count_own(base, HUGE_PAGES);

	if (counted != expected)
		target_say("NOTE %s: %ld pages instead of %ld: the kernel fell back", name, counted,
			   expected);
	target_claim(base, HUGE_PAGES, counted, 0, name);
}

static void huge_touch(void)
{
	for (int i = 0; i < REGIONS; i++) {
		region[i] = huge_map();
		advise(region[i], HUGE_PAGES, MADV_HUGEPAGE, "MADV_HUGEPAGE");
		huge_claim(region[i], 0, "untouched");
	}
	target_rest("untouched");
	for (int i = 0; i < REGIONS - 1; i++) {
		pages_touch(region[i], 100, 1);
		huge_claim(region[i], HUGE_PAGES, "touched");
	}
	/* The huge zero page is not resident, either; a write to it makes a real one. */
	pages_read(region[3], 7, 1);
	huge_claim(region[3], 0, "read");
	target_rest("touched");
	pages_touch(region[3], 9, 1);
	huge_claim(region[3], HUGE_PAGES, "written after read");
	target_rest("written_after_read");
}

/*
 * The advice is withdrawn beside each purge: khugepaged would fill the holes in its own time, with
 * no event of the process.
 */
static void huge_purge(void)
{
	advise(region[0], 100, MADV_DONTNEED, "MADV_DONTNEED of a part");
	advise(region[0], HUGE_PAGES, MADV_NOHUGEPAGE, "MADV_NOHUGEPAGE");
	huge_claim(region[0], HUGE_PAGES - 100, "part purged");
	advise(region[1], HUGE_PAGES, MADV_NOHUGEPAGE, "MADV_NOHUGEPAGE");
	huge_claim(region[1], HUGE_PAGES, "advice withdrawn");
	target_rest("part_purged");

	pages_touch(region[0], 50, 10);
	huge_claim(region[0], HUGE_PAGES - 90, "small pages in the hole");
	advise(region[1], HUGE_PAGES, MADV_DONTNEED, "MADV_DONTNEED");
	pages_touch(region[1], 0, 3);
	huge_claim(region[1], 3, "small pages after the huge one");
	target_rest("small_pages");

	advise(region[2], HUGE_PAGES, MADV_DONTNEED, "MADV_DONTNEED");
	huge_claim(region[2], 0, "whole purged");
	target_rest("whole_purged");
	pages_touch(region[2], 511, 1);
	huge_claim(region[2], HUGE_PAGES, "huge again");
	target_rest("huge_again");
}

/* Splits: unmap, protect and move parts of huge pages. */
static void huge_split(void)
{
	char *to = pages_clear_space(HUGE_PAGES);

	advise(region[2], HUGE_PAGES, MADV_NOHUGEPAGE, "MADV_NOHUGEPAGE");
	target_expect(munmap(page_at(region[2], 200), 12 * PAGE) == 0, "munmap");
	huge_claim(region[2], HUGE_PAGES - 12, "part unmapped");
	advise(region[3], HUGE_PAGES, MADV_NOHUGEPAGE, "MADV_NOHUGEPAGE");
	target_expect(mprotect(page_at(region[3], 100), 50 * PAGE, PROT_READ) == 0, "mprotect");
	huge_claim(region[3], HUGE_PAGES, "part protected");
	target_rest("split");
	target_expect(mremap(page_at(region[3], 200), 100 * PAGE, 100 * PAGE,
			     MREMAP_MAYMOVE | MREMAP_FIXED, to) == to,
		      "mremap");
	huge_claim(region[3], HUGE_PAGES - 100, "part moved away");
	huge_claim(to, 100, "part moved here");
	target_rest("moved");
}

static void huge_collapse(void)
{
	char *base = huge_map();

	pages_touch(base, 0, 5);
	huge_claim(base, 5, "before the collapse");
	target_rest("small");
	if (madvise(base, HUGE_PAGES * PAGE, MADV_COLLAPSE) != 0) {
		target_skip("MADV_COLLAPSE", errno);
		return;
	}
	huge_claim(base, HUGE_PAGES, "collapsed");
	target_rest("collapsed");
}

int main(int argc, char **argv)
{
	target_start_keep_thp();
	huge_touch();
	huge_purge();
	huge_split();
	if (argc > 1 && strcmp(argv[1], "collapse") == 0)
		huge_collapse();
	return 0;
}
