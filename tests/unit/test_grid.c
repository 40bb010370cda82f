// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "user/view/dashboard/grid.h"

static struct grid sheet(unsigned int rows, unsigned int cols)
{
	struct grid grid = {0};

	assert_int_equal(grid_resize(&grid, rows, cols), 0);
	return grid;
}

/* Compares and releases. */
static void assert_grid(struct grid *grid, const char *expected)
{
	char *text = grid_to_text(grid);

	assert_string_equal(text, expected);
	free(text);
	grid_release(grid);
}

static void text_is_clipped_on_all_sides(void **state)
{
	struct grid grid = sheet(2, 5);

	(void)state;
	assert_int_equal(grid_text(&grid, 0, 3, STYLE_NORMAL, "abcdef"), 9);
	grid_text(&grid, 2, 0, STYLE_NORMAL, "below");
	grid_text(&grid, UINT32_MAX, UINT32_MAX, STYLE_NORMAL, "far away");
	grid_fill(&grid, 1, 2, UINT32_MAX, UINT32_MAX, STYLE_NORMAL, '#');
	assert_grid(&grid, "   ab\n  ###\n");
}

static void cells_keep_their_style(void **state)
{
	struct grid grid = sheet(1, 3);

	(void)state;
	grid_text(&grid, 0, 1, STYLE_ALARM, "x");
	assert_int_equal(grid.cells[0].style, STYLE_NORMAL);
	assert_int_equal(grid.cells[1].style, STYLE_ALARM);
	assert_grid(&grid, " x\n");
}

static void fields_are_padded_and_cut(void **state)
{
	struct grid grid = sheet(4, 8);

	(void)state;
	grid_fill(&grid, 0, 0, 4, 8, STYLE_NORMAL, '.');
	grid_left(&grid, 0, 1, 5, STYLE_NORMAL, "abc");
	grid_right(&grid, 1, 1, 5, STYLE_NORMAL, "abc");
	grid_left(&grid, 2, 1, 5, STYLE_NORMAL, "abcdef");
	grid_right(&grid, 3, 1, 5, STYLE_NORMAL, "caf\xc3\xa9");
	assert_grid(&grid, ".abc  ..\n.  abc..\n.abcd~..\n. caf\xc3\xa9..\n");
}

static void no_width_draws_nothing(void **state)
{
	struct grid grid = sheet(1, 3);

	(void)state;
	grid_left(&grid, 0, 0, 0, STYLE_NORMAL, "abc");
	grid_right(&grid, 0, 0, 0, STYLE_NORMAL, "abc");
	assert_grid(&grid, "\n");
}

static void hostile_text_is_harmless(void **state)
{
	static const struct {
		const char *bytes;
		const char *shown;
	} cases[] = {
		{"\x1b[31mred", "?[31mred"},
		{"a\tb\nc\x7f", "a?b?c?"},
		{"\xc2\x9b"
		 "31m",
		 "?31m"}, /* C1: CSI in one character */
		{"\xe2\x80\xae"
		 "abc",
		 "?abc"},		   /* right-to-left override */
		{"e\xcc\x81", "e?"},	   /* combining accent */
		{"\xe6\x97\xa5", "?"},	   /* two columns wide */
		{"\xc0\xaf", "??"},	   /* overlong */
		{"\xed\xa0\x80", "?"},	   /* surrogate */
		{"\xf4\x90\x80\x80", "?"}, /* beyond Unicode */
		{"\xff\xfe\x80", "???"},   /* no UTF-8 at all */
		{"ab\xe2\x96", "ab??"},	   /* ends in the middle */
		{"\xce\xb1\xd0\xb6\xe2\x94\x82", "\xce\xb1\xd0\xb6\xe2\x94\x82"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct grid grid = sheet(1, 12);
		char expected[64];

		snprintf(expected, sizeof(expected), "%s\n", cases[i].shown);
		grid_text(&grid, 0, 0, STYLE_NORMAL, cases[i].bytes);
		assert_int_equal(grid_width(cases[i].bytes), grid_width(cases[i].shown));
		assert_grid(&grid, expected);
	}
}

static void ascii_grid_holds_only_ascii(void **state)
{
	struct grid grid = sheet(1, 8);

	(void)state;
	grid.ascii = true;
	grid_text(&grid, 0, 0, STYLE_NORMAL, "caf\xc3\xa9 \xe2\x96\x88");
	grid_put(&grid, 0, 7, STYLE_NORMAL, 0x2588);
	assert_grid(&grid, "caf? ? ?\n");
}

static void long_output_is_cut(void **state)
{
	struct grid grid = sheet(1, 600);
	char text[1000];

	(void)state;
	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	assert_int_equal(grid_printf(&grid, 0, 0, STYLE_NORMAL, "%s", text), 511);
	grid_release(&grid);
}

static void resizing_blanks(void **state)
{
	struct grid grid = sheet(2, 4);

	(void)state;
	grid_text(&grid, 0, 0, STYLE_ALARM, "full");
	assert_int_equal(grid_resize(&grid, 2, 4), 0);
	assert_int_equal(grid.cells[0].style, STYLE_NORMAL);
	assert_int_equal(grid_resize(&grid, 1, 1), 0);
	grid_text(&grid, 0, 0, STYLE_NORMAL, "full");
	assert_int_equal(grid_resize(&grid, 3, 2), 0);
	assert_grid(&grid, "\n\n\n");
}

static void refused_sizes_leave_the_grid(void **state)
{
	struct grid grid = sheet(1, 2);

	(void)state;
	grid_text(&grid, 0, 0, STYLE_NORMAL, "ab");
	assert_int_equal(grid_resize(&grid, GRID_SIDE_MAX + 1, 1), -EINVAL);
	assert_int_equal(grid_resize(&grid, 1, UINT32_MAX), -EINVAL);
	assert_grid(&grid, "ab\n");
}

static void empty_grids_work(void **state)
{
	struct grid grid = sheet(0, 0);

	(void)state;
	grid_text(&grid, 0, 0, STYLE_NORMAL, "ab");
	grid_clear(&grid);
	assert_grid(&grid, "");
}

static void characters_are_encoded(void **state)
{
	char bytes[5];

	(void)state;
	assert_int_equal(grid_encode('a', bytes), 1);
	assert_string_equal(bytes, "a");
	assert_int_equal(grid_encode(0xe9, bytes), 2);
	assert_string_equal(bytes, "\xc3\xa9");
	assert_int_equal(grid_encode(0x2588, bytes), 3);
	assert_string_equal(bytes, "\xe2\x96\x88");
	assert_int_equal(grid_encode(0x1f600, bytes), 4);
	assert_string_equal(bytes, "\xf0\x9f\x98\x80");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_is_clipped_on_all_sides),
		cmocka_unit_test(cells_keep_their_style),
		cmocka_unit_test(fields_are_padded_and_cut),
		cmocka_unit_test(no_width_draws_nothing),
		cmocka_unit_test(hostile_text_is_harmless),
		cmocka_unit_test(ascii_grid_holds_only_ascii),
		cmocka_unit_test(long_output_is_cut),
		cmocka_unit_test(resizing_blanks),
		cmocka_unit_test(refused_sizes_leave_the_grid),
		cmocka_unit_test(empty_grids_work),
		cmocka_unit_test(characters_are_encoded),
	};

	return cmocka_run_group_tests_name("grid", tests, NULL, NULL);
}
