// SPDX-License-Identifier: GPL-2.0-only
/* The program break up and down, at page borders and beside them. */
#define _GNU_SOURCE
#include "tests/targets/target.h"

enum { PAGES = 1024 };

/* The system call itself: the C library keeps its own idea of the break. */
static char *break_set(char *to)
{
	return (char *)syscall(SYS_brk, to);
}

static void break_expect(char *to)
{
	target_expect(break_set(to) == to, "brk");
}

/* Claims a range beyond the highest break: everything above the break must be gone. */
static void break_claim(char *base, long resident, const char *name)
{
	target_claim(base, PAGES + 64, resident, 0, name);
	target_rest(name);
}

static void break_aligned(char *base)
{
	break_expect(page_at(base, PAGES));
	break_claim(base, 0, "up");
	pages_touch(base, 0, 500);
	pages_touch(base, PAGES - 100, 100);
	break_claim(base, 600, "touched");
	break_expect(page_at(base, PAGES - 50));
	break_claim(base, 550, "down");
	break_expect(page_at(base, PAGES));
	break_claim(base, 550, "up_again");
	pages_touch(base, PAGES - 50, 10);
	break_claim(base, 560, "touched_again");
	break_expect(page_at(base, 400));
	break_claim(base, 400, "far_down");
}

/* The page the break lies in belongs to the heap. */
static void break_unaligned(char *base)
{
	break_expect(page_at(base, 300) + 1);
	break_claim(base, 301, "unaligned_down");
	break_expect(page_at(base, 300) + 4000);
	break_claim(base, 301, "within_page");
	break_expect(page_at(base, 300) + 2);
	break_claim(base, 301, "within_page_down");
	break_expect(page_at(base, 310) + 17);
	pages_touch(base, 301, 10);
	break_claim(base, 311, "unaligned_up");
	break_expect(page_at(base, 310));
	break_claim(base, 310, "to_border");
}

static void break_refused(char *base)
{
	char *now = page_at(base, 310);

	target_expect(break_set((char *)PAGE) == now, "a break below the start is refused");
	target_expect(break_set((char *)(uintptr_t)0x7ffffffff000) == now,
		      "a break beyond all memory is refused");
	target_expect(break_set(NULL) == now, "a question changes nothing");
	break_claim(base, 310, "refused");
}

/* A mapping taken out of the heap: brk does not fill the hole. */
static void break_hole(char *base)
{
	target_expect(munmap(page_at(base, 100), 20 * PAGE) == 0, "munmap");
	break_claim(base, 290, "hole");
	break_expect(page_at(base, 90));
	break_claim(base, 90, "down_over_hole");
	break_expect(base);
	break_claim(base, 0, "all_down");
}

int main(void)
{
	char *base, *start;

	target_start();
	/* Whatever the C library took before stays below. */
	start = break_set(NULL);
	base = (char *)(((uintptr_t)start + PAGE - 1) & ~(PAGE - 1));
	break_expect(base);
	break_aligned(base);
	break_unaligned(base);
	break_refused(base);
	break_hole(base);
	return 0;
}
