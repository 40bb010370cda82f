// SPDX-License-Identifier: GPL-2.0-only
/* Pages that become resident by request, without a fault of the process: populate and mlock. */
#define _GNU_SOURCE
#include "tests/targets/target.h"

enum { PAGES = 1024, LOCKED = 256 };

#ifndef MLOCK_ONFAULT
#define MLOCK_ONFAULT 1
#endif

static void populate_madvise(void)
{
	char *base = pages_map(PAGES);

	if (madvise(base, 100 * PAGE, MADV_POPULATE_WRITE) != 0) {
		target_skip("MADV_POPULATE_WRITE", errno);
		return;
	}
	target_claim(base, PAGES, 100, 0, "populated for writing");
	target_rest("populate_write");
	target_expect(madvise(page_at(base, 200), 300 * PAGE, MADV_POPULATE_READ) == 0,
		      "MADV_POPULATE_READ");
	target_claim(base, PAGES, 100, 0, "populated for reading");
	target_rest("populate_read");
	target_expect(madvise(base, PAGES * PAGE, MADV_POPULATE_WRITE) == 0, "the rest");
	target_claim(base, PAGES, PAGES, 0, "zero pages populated for writing");
	target_rest("populate_rest");

	target_expect(madvise(base, PAGES * PAGE, MADV_DONTNEED) == 0, "MADV_DONTNEED");
	target_expect(munmap(page_at(base, 64), PAGE) == 0, "munmap");
	target_expect_errno(madvise(base, 128 * PAGE, MADV_POPULATE_WRITE) != 0, ENOMEM,
			    "populate over a hole");
	target_claim(base, PAGES, 64, 0, "populated up to a hole");
	target_rest("populate_hole");
}

static void populate_mmap(void)
{
	char *base = pages_map_prot(PAGES, PROT_READ | PROT_WRITE, MAP_POPULATE);
	char *space = pages_clear_space(PAGES), *p;

	target_claim(base, PAGES, PAGES, 0, "MAP_POPULATE");
	target_rest("map_populate");
	p = mmap(space, PAGES * PAGE, PROT_READ,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_POPULATE, -1, 0);
	target_expect(p == space, "mmap");
	target_claim(p, PAGES, 0, 0, "MAP_POPULATE read-only");
	target_rest("map_populate_read_only");
	p = mmap(page_at(base, 100), 100 * PAGE, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	target_expect(p == page_at(base, 100), "mmap");
	p = mmap(page_at(base, 150), 100 * PAGE, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_POPULATE, -1, 0);
	target_expect(p == page_at(base, 150), "mmap");
	target_claim(base, PAGES, PAGES - 50, 0, "MAP_POPULATE over touched pages");
	target_rest("map_populate_fixed");
}

static void populate_mlock(void)
{
	char *base = pages_map(PAGES);

	if (mlock(page_at(base, 10), LOCKED * PAGE) != 0) {
		target_skip("mlock", errno);
		return;
	}
	target_claim(base, PAGES, LOCKED, 0, "mlock");
	target_rest("mlock");
	target_expect(munlock(page_at(base, 10), LOCKED * PAGE) == 0, "munlock");
	target_claim(base, PAGES, LOCKED, 0, "munlock");
	target_rest("munlock");
	target_expect(syscall(SYS_mlock2, page_at(base, 512), 100 * PAGE, MLOCK_ONFAULT) == 0,
		      "mlock2");
	pages_touch(base, 512, 5);
	target_claim(base, PAGES, LOCKED + 5, 0, "mlock2 on fault");
	target_rest("mlock_onfault");
}

/* With MCL_FUTURE every new mapping is full at once, and so is what mremap adds. */
static void populate_mlockall(void)
{
	char *base;

	if (mlockall(MCL_FUTURE) != 0) {
		target_skip("mlockall", errno);
		return;
	}
	base = mmap(NULL, LOCKED * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		    0);
	target_expect(base != MAP_FAILED, "mmap");
	target_claim(base, LOCKED, LOCKED, 0, "mmap under MCL_FUTURE");
	target_rest("mlockall");
	base = mremap(base, LOCKED * PAGE, 2 * LOCKED * PAGE, MREMAP_MAYMOVE);
	target_expect(base != MAP_FAILED, "mremap");
	target_claim(base, 2 * LOCKED, 2 * LOCKED, 0, "mremap under MCL_FUTURE");
	target_rest("mlockall_mremap");
	target_expect(munlockall() == 0, "munlockall");
	target_expect(munmap(base, 2 * LOCKED * PAGE) == 0, "munmap");
	target_claim(base, 2 * LOCKED, 0, 0, "unmapped");
	target_rest("mlockall_unmapped");
}

int main(void)
{
	target_start();
	populate_madvise();
	populate_mmap();
	populate_mlock();
	populate_mlockall();
	return 0;
}
