// SPDX-License-Identifier: GPL-2.0-only
/* process_madvise on itself: several ranges in one call. */
#define _GNU_SOURCE
#include "tests/targets/target.h"

#include <sys/uio.h>

enum { PAGES = 1024 };

#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif
#ifndef SYS_process_madvise
#define SYS_process_madvise 440
#endif

static ssize_t advise(int pidfd, const struct iovec *iov, size_t count, int advice)
{
	return syscall(SYS_process_madvise, pidfd, iov, count, advice, 0UL);
}

static struct iovec range(char *base, size_t first, size_t count)
{
	return (struct iovec){.iov_base = page_at(base, first), .iov_len = count * PAGE};
}

static void advise_harmless(int pidfd, char *base)
{
	struct iovec iov[2] = {range(base, 0, 100), range(base, 500, 100)};

	if (advise(pidfd, iov, 2, MADV_COLD) < 0) {
		target_skip("process_madvise MADV_COLD", errno);
		return;
	}
	target_claim(base, PAGES, PAGES, 0, "cold");
	target_rest("cold");
}

static void advise_dontneed(int pidfd, char *base)
{
	struct iovec iov[4] = {range(base, 0, 10), range(base, 100, 20), range(base, 90, 20),
			       range(base, 1000, 24)};
	/* Nothing at address 4096: the call stops there and tells what it did before. */
	struct iovec bad[3] = {range(base, 300, 10),
			       {.iov_base = (void *)PAGE, .iov_len = PAGE},
			       range(base, 400, 10)};
	ssize_t done = advise(pidfd, iov, 4, MADV_DONTNEED);
	long resident = PAGES - 10 - 30 - 24;

	if (done < 0) {
		target_skip("process_madvise MADV_DONTNEED", errno);
		return;
	}
	target_expect(done == 74 * (ssize_t)PAGE, "all ranges advised");
	target_claim(base, PAGES, resident, 0, "several ranges purged");
	target_rest("dontneed");

	done = advise(pidfd, bad, 3, MADV_DONTNEED);
	target_say("NOTE a bad range in the middle: %zd bytes of %lu advised", done, 21 * PAGE);
	target_claim(base, PAGES, pages_count_own(base, PAGES), 0, "up to a bad range: counted");
	target_rest("dontneed_bad");
	target_expect(madvise(base, PAGES * PAGE, MADV_DONTNEED) == 0, "madvise");
	pages_touch(base, 0, PAGES);
}

static void advise_free(int pidfd, char *base)
{
	struct iovec iov[2] = {range(base, 0, 100), range(base, 200, 50)};

	if (advise(pidfd, iov, 2, MADV_FREE) < 0) {
		target_skip("process_madvise MADV_FREE", errno);
		return;
	}
	target_claim(base, PAGES, PAGES, 150, "several ranges lazily freed");
	target_rest("free");
}

int main(void)
{
	char *base;
	int pidfd;

	target_start();
	base = pages_map(PAGES);
	pages_touch(base, 0, PAGES);
	target_claim(base, PAGES, PAGES, 0, "touched");
	target_rest("touched");
	pidfd = (int)syscall(SYS_pidfd_open, getpid(), 0);
	if (pidfd < 0) {
		target_skip("pidfd_open", errno);
		target_rest("skipped");
		return 0;
	}
	advise_harmless(pidfd, base);
	advise_dontneed(pidfd, base);
	advise_free(pidfd, base);
	target_rest("end");
	return 0;
}
