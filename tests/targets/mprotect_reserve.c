// SPDX-License-Identifier: GPL-2.0-only
/* A PROT_NONE reservation opened in steps, as the C library's arenas do, and closed again. */
#define _GNU_SOURCE
#include "tests/targets/target.h"

enum { PAGES = 4096, STEP = 33, STEPS = 20, OPEN = STEP * STEPS };

static void protect(char *base, size_t first, size_t count, int prot)
{
	target_expect(mprotect(page_at(base, first), count * PAGE, prot) == 0, "mprotect");
}

/* Opens STEPS steps of STEP pages, touches all but the last page of each. */
static void reservation_open(char *base)
{
	for (size_t i = 0; i < STEPS; i++) {
		protect(base, i * STEP, STEP, PROT_READ | PROT_WRITE);
		pages_touch(base, i * STEP, STEP - 1);
		if (i == 0) {
			target_claim(base, PAGES, STEP - 1, 0, "first step");
			target_rest("first_step");
		}
	}
	target_claim(base, PAGES, OPEN - STEPS, 0, "opened");
	target_rest("opened");
}

/* Pages behind PROT_NONE stay resident: only their access is gone. */
static void reservation_close(char *base)
{
	protect(base, 0, OPEN, PROT_NONE);
	target_claim(base, PAGES, OPEN - STEPS, 0, "closed");
	target_rest("closed");
	protect(base, 100, 200, PROT_READ | PROT_WRITE);
	pages_touch(base, 100, 200);
	/* Pages 100 to 299 now lack no page; before, the last page of each step was missing. */
	target_claim(base, 100, 100 - 100 / STEP, 0, "below the split");
	target_claim(page_at(base, 100), 200, 200, 0, "split");
	target_claim(page_at(base, 300), PAGES - 300, OPEN - 300 - (STEPS - 300 / STEP), 0,
		     "above the split");
	target_rest("split");
}

static void reservation_end(char *base)
{
	long resident = OPEN - STEPS + (300 / STEP - 100 / STEP);

	protect(base, 0, OPEN, PROT_READ);
	pages_read(base, 0, OPEN);
	target_claim(base, PAGES, resident, 0, "read-only, all read");
	target_rest("read_only");

	/* A range with a hole fails, after the part before the hole has changed. */
	target_expect(munmap(page_at(base, 400), 10 * PAGE) == 0, "munmap");
	/* Of pages 390 to 409 only 395 was missing, the last page of its step. */
	resident -= 10;
	target_expect_errno(mprotect(page_at(base, 390), 40 * PAGE, PROT_READ | PROT_WRITE) != 0,
			    ENOMEM, "mprotect over a hole");
	pages_touch(base, 390, 10);
	resident++;
	target_claim(base, PAGES, resident, 0, "opened up to a hole");
	target_rest("hole");

	/* What an arena that shrinks does: a fresh PROT_NONE mapping over the pages. */
	target_expect(mmap(page_at(base, 500), (PAGES - 500) * PAGE, PROT_NONE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1,
			   0) == page_at(base, 500),
		      "mmap");
	resident -= (OPEN - 500) - (STEPS - 500 / STEP);
	target_claim(base, PAGES, resident, 0, "shrunk");
	target_rest("shrunk");
}

int main(void)
{
	char *base;

	target_start();
	base = mmap(NULL, (PAGES + 2) * PAGE, PROT_NONE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	target_expect(base != MAP_FAILED, "mmap");
	base += PAGE;
	target_claim(base, PAGES, 0, 0, "reserved");
	target_rest("reserved");
	reservation_open(base);
	reservation_close(base);
	reservation_end(base);
	return 0;
}
