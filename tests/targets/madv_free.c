// SPDX-License-Identifier: GPL-2.0-only
/* MADV_FREE: pages stay, lazily freed, until written. A write revives one without a fault. */
#define _GNU_SOURCE
#include "tests/targets/target.h"

enum { PAGES = 1024 };

static void lazily_free(char *base, size_t first, size_t count)
{
	target_expect(madvise(page_at(base, first), count * PAGE, MADV_FREE) == 0, "MADV_FREE");
}

/* One mapping for each case, so that smaps has figures of its own for each. */
static void free_cases(void)
{
	char *kept = pages_map(PAGES), *half = pages_map(PAGES), *all = pages_map(PAGES);

	pages_touch(kept, 0, PAGES);
	pages_touch(half, 0, PAGES);
	pages_touch(all, 0, PAGES);
	target_claim(kept, PAGES, PAGES, 0, "touched");
	target_rest("touched");
	lazily_free(kept, 0, PAGES);
	lazily_free(half, 0, PAGES);
	lazily_free(all, 0, PAGES);
	target_claim(kept, PAGES, PAGES, PAGES, "kept");
	target_claim(half, PAGES, PAGES, PAGES, "half");
	target_claim(all, PAGES, PAGES, PAGES, "all");
	target_rest("lazily_freed");
	pages_touch_every(half, 0, PAGES / 2, 2);
	pages_touch(all, 0, PAGES);
	target_claim(kept, PAGES, PAGES, PAGES, "nothing rewritten");
	target_claim(half, PAGES, PAGES, PAGES / 2, "half rewritten");
	target_claim(all, PAGES, PAGES, 0, "all rewritten");
	target_rest("rewritten");
	lazily_free(half, 0, PAGES);
	target_claim(half, PAGES, PAGES, PAGES, "freed again");
	target_rest("freed_again");
	target_expect(madvise(kept, PAGES * PAGE, MADV_DONTNEED) == 0, "MADV_DONTNEED");
	target_expect(madvise(half, 100 * PAGE, MADV_DONTNEED) == 0, "MADV_DONTNEED");
	target_expect(munmap(all, PAGES * PAGE) == 0, "munmap");
	target_claim(kept, PAGES, 0, 0, "kept, purged");
	target_claim(half, PAGES, PAGES - 100, PAGES - 100, "half, partly purged");
	target_claim(all, PAGES, 0, 0, "all, unmapped");
	target_rest("purged");
}

/* A read leaves a page lazily freed; the kernel's own write revives it, too. */
static void free_read_written(void)
{
	char *base = pages_map(PAGES);
	int zero = open("/dev/zero", O_RDONLY | O_CLOEXEC);

	target_expect(zero >= 0, "open of /dev/zero");
	pages_touch(base, 0, PAGES / 2);
	lazily_free(base, 0, PAGES);
	pages_read(base, 0, PAGES / 2);
	target_claim(base, PAGES, PAGES / 2, PAGES / 2, "read");
	target_rest("read");
	target_expect(read(zero, base, 100 * PAGE) == 100 * (ssize_t)PAGE, "read");
	target_claim(base, PAGES, PAGES / 2, PAGES / 2 - 100, "written by the kernel");
	target_rest("written_by_kernel");
	/* Pages that were not there when the range was freed are plain ones. */
	pages_touch(base, PAGES / 2, 64);
	target_claim(base, PAGES, PAGES / 2 + 64, PAGES / 2 - 100, "new pages");
	target_rest("new_pages");
	target_expect(mprotect(base, PAGES * PAGE, PROT_NONE) == 0, "mprotect");
	target_claim(base, PAGES, PAGES / 2 + 64, PAGES / 2 - 100, "PROT_NONE");
	target_rest("prot_none");
	close(zero);
}

static void free_moved(void)
{
	char *from = pages_map(256), *to = pages_clear_space(256);

	pages_touch(from, 0, 200);
	lazily_free(from, 0, 100);
	target_expect(mremap(from, 256 * PAGE, 256 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, to) == to,
		      "mremap");
	target_claim(from, 256, 0, 0, "left");
	target_claim(to, 256, 200, 100, "moved");
	target_rest("moved");
}

static void free_refused(void)
{
	char *base = pages_map(128);
	int fd = file_pages_create(16);

	pages_touch(base, 0, 128);
	target_expect(mmap(page_at(base, 64), 16 * PAGE, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_FIXED, fd, 0) == page_at(base, 64),
		      "mmap of a file");
	/* Freed up to the file's mapping, where the call is refused. */
	target_expect_errno(madvise(base, 128 * PAGE, MADV_FREE) != 0, EINVAL, "MADV_FREE of file");
	target_claim(base, 64, 64, 64, "freed up to a file");
	target_claim(page_at(base, 80), 48, 48, 0, "behind the file");
	target_rest("refused");
	close(fd);
}

int main(void)
{
	target_start();
	free_cases();
	free_read_written();
	free_moved();
	free_refused();
	return 0;
}
