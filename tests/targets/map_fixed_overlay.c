// SPDX-License-Identifier: GPL-2.0-only
/* MAP_FIXED over touched pages: what lies under it goes, and only if the call succeeds. */
#define _GNU_SOURCE
#include "tests/targets/target.h"

enum { PAGES = 1024 };

#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif

static void *overlay(char *at, size_t pages, int flags, int fd)
{
	return mmap(at, pages * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | flags, fd, 0);
}

static void overlay_anonymous(char *base)
{
	pages_touch(base, 0, PAGES);
	target_claim(base, PAGES, PAGES, 0, "touched");
	target_rest("touched");

	/* A hole of fresh pages in the middle, then half of it touched again. */
	target_expect(overlay(page_at(base, 256), 256, MAP_FIXED | MAP_ANONYMOUS, -1) ==
			      page_at(base, 256),
		      "MAP_FIXED in the middle");
	target_claim(base, PAGES, PAGES - 256, 0, "anon over anon");
	target_rest("anon_over_anon");
	pages_touch(base, 256, 128);
	target_claim(base, PAGES, PAGES - 128, 0, "anon over anon, half touched");
	target_rest("anon_over_anon_touched");

	/* Over the border of the two: pages 200 to 299, of which all were resident. */
	target_expect(overlay(page_at(base, 200), 100, MAP_FIXED | MAP_ANONYMOUS, -1) ==
			      page_at(base, 200),
		      "MAP_FIXED over a border");
	target_claim(base, PAGES, PAGES - 128 - 100, 0, "partial overlap");
	target_rest("partial_overlap");
}

/* Resident at the start: PAGES - 228. Pages 512 and up are all resident. */
static void overlay_file(char *base)
{
	int fd = file_pages_create(128);
	char *at = page_at(base, 512);

	target_expect(overlay(at, 128, MAP_FIXED, fd) == at, "MAP_FIXED of a file");
	pages_read(at, 0, 128);
	target_claim(base, PAGES, PAGES - 228 - 128, 0, "file over anon, read");
	target_rest("file_over_anon");
	pages_touch(at, 0, 50);
	target_claim(base, PAGES, PAGES - 228 - 78, 0, "file over anon, written");
	target_rest("file_written");
	target_expect(overlay(page_at(at, 25), 128, MAP_FIXED | MAP_ANONYMOUS, -1) ==
			      page_at(at, 25),
		      "MAP_FIXED of anon over file and anon");
	/* Gone: the 25 upper written file pages and the 25 anonymous pages behind the file. */
	target_claim(base, PAGES, PAGES - 228 - 78 - 50, 0, "anon over file");
	target_rest("anon_over_file");
	close(fd);
}

static void overlay_failing(char *base)
{
	const long resident = PAGES - 228 - 78 - 50;
	int pipes[2];
	size_t huge = (size_t)1 << 62;

	target_expect_errno(overlay(page_at(base, 700), 64, MAP_FIXED_NOREPLACE | MAP_ANONYMOUS,
				    -1) == MAP_FAILED,
			    EEXIST, "MAP_FIXED_NOREPLACE over touched pages");
	target_claim(base, PAGES, resident, 0, "MAP_FIXED_NOREPLACE failed");
	target_rest("noreplace_eexist");

	target_expect_errno(overlay(page_at(base, 700) + 1, 64, MAP_FIXED | MAP_ANONYMOUS, -1) ==
				    MAP_FAILED,
			    EINVAL, "MAP_FIXED at an unaligned address");
	target_expect_errno(overlay(page_at(base, 700), 64, MAP_FIXED, -1) == MAP_FAILED, EBADF,
			    "MAP_FIXED of no file");
	target_expect(pipe2(pipes, O_CLOEXEC) == 0, "pipe2");
	target_expect_errno(overlay(page_at(base, 700), 64, MAP_FIXED, pipes[0]) == MAP_FAILED,
			    ENODEV, "MAP_FIXED of a pipe");
	target_expect_errno(mmap(page_at(base, 700), huge, PROT_READ,
				 MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS, -1, 0) == MAP_FAILED,
			    ENOMEM, "MAP_FIXED beyond the address space");
	target_claim(base, PAGES, resident, 0, "MAP_FIXED failed");
	target_rest("fixed_fails");
}

static void overlay_noreplace(void)
{
	char *space = pages_clear_space(256);

	target_expect(overlay(space, 256, MAP_FIXED_NOREPLACE | MAP_ANONYMOUS, -1) == space,
		      "MAP_FIXED_NOREPLACE into free space");
	pages_touch(space, 10, 20);
	target_claim(space, 256, 20, 0, "MAP_FIXED_NOREPLACE");
	target_rest("noreplace");
	target_expect(overlay(space, 256, MAP_FIXED | MAP_ANONYMOUS, -1) == space, "MAP_FIXED");
	target_claim(space, 256, 0, 0, "whole mapping replaced");
	target_rest("whole_replaced");
}

int main(void)
{
	char *base;

	target_start();
	base = pages_map(PAGES);
	target_claim(base, PAGES, 0, 0, "mapped");
	target_rest("mapped");
	overlay_anonymous(base);
	overlay_file(base);
	overlay_failing(base);
	overlay_noreplace();
	return 0;
}
