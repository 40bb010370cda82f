// SPDX-License-Identifier: GPL-2.0-only
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "user/view/dashboard/chart.h"

#define MIB (1024.0 * 1024)

static const struct chart_layer layers[] = {
	{"low", STYLE_CLASS_RETAINED, 0x2588, '#'},
	{"high", STYLE_CLASS_YOUNG, 0x2593, '+'},
};

static struct grid sheet(unsigned int rows, unsigned int cols, bool ascii)
{
	struct grid grid = {.ascii = ascii};

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

static void assert_spark(bool ascii, unsigned int width, const double *values, size_t count,
			 const char *expected)
{
	struct grid grid = sheet(1, 12, ascii);

	chart_sparkline(&grid, 0, 1, width, STYLE_SPARK, values, count);
	assert_grid(&grid, expected);
}

static void sparkline_has_eight_levels(void **state)
{
	static const double ramp[] = {0, 1, 2, 3, 4, 5, 6, 7};

	(void)state;
	assert_spark(true, 8, ramp, 8, " _.-=+*#@\n");
	assert_spark(false, 8, ramp, 8, " ▁▂▃▄▅▆▇█\n");
}

static void sparkline_is_right_aligned_and_cut(void **state)
{
	static const double values[] = {9, 9, 0, 7};

	(void)state;
	assert_spark(true, 6, values + 2, 2, "     _@\n");
	assert_spark(true, 2, values, 4, " _@\n");
	assert_spark(true, 0, values, 4, "\n");
	assert_spark(true, 4, values, 0, "\n");
}

static void sparkline_leaves_gaps(void **state)
{
	static const double values[] = {0, NAN, 7, NAN};
	static const double none[] = {NAN, NAN};

	(void)state;
	assert_spark(true, 4, values, 4, " _ @\n");
	assert_spark(true, 2, none, 2, "\n");
}

static void sparkline_keeps_noise_flat(void **state)
{
	static const double flat[] = {1000 * MIB, 1000 * MIB, 1000 * MIB};
	static const double noise[] = {1000 * MIB, 1001 * MIB, 1000 * MIB};
	static const double zero[] = {0, 0};

	(void)state;
	assert_spark(true, 3, flat, 3, " ___\n");
	assert_spark(true, 3, noise, 3, " ___\n");
	assert_spark(true, 2, zero, 2, " __\n");
}

static void scale_holds_its_maximum(void **state)
{
	(void)state;
	assert_true(chart_scale(0) == 4096);
	assert_true(chart_scale(-1) == 4096);
	assert_true(chart_scale(NAN) == 4096);
	assert_true(chart_scale(INFINITY) == 4096);
	assert_true(chart_scale(64 * MIB) == 64 * MIB);
	assert_true(chart_scale(65 * MIB) == 80 * MIB);
	assert_true(chart_scale(100 * MIB) == 112 * MIB);
	for (double max = 5000; max < 1e18; max *= 1.07) {
		assert_true(chart_scale(max) >= max);
		assert_true(chart_scale(max) <= max * 1.25 + 1);
	}
}

static void draw(struct grid *grid, const double *values, size_t columns, double seconds)
{
	struct chart_stack stack = {
		.layers = layers,
		.layer_count = 2,
		.values = values,
		.columns = columns,
		.column_seconds = seconds,
	};

	chart_stack(grid, 0, 0, grid->rows, grid->cols, &stack);
}

static void layers_are_stacked(void **state)
{
	/* bottom, top; the last column fills the scale of 4 MiB */
	static const double values[] = {
		1 * MIB, 0, 2 * MIB, 1 * MIB, 0, 0, NAN, NAN, 1 * MIB, 3 * MIB,
	};
	struct grid grid = sheet(5, CHART_LABEL_COLS + 6, true);

	(void)state;
	draw(&grid, values, 5, 1);
	assert_int_equal(grid.cells[3 * grid.cols + grid.cols - 1].style, STYLE_CLASS_RETAINED);
	assert_int_equal(grid.cells[0 * grid.cols + grid.cols - 1].style, STYLE_CLASS_YOUNG);
	assert_grid(&grid, " 4.00M +     +\n"
			   "       |  +  +\n"
			   "       |  #  +\n"
			   "       | ##  #\n"
			   "     0 +-- now\n");
}

static void layers_are_stacked_with_blocks(void **state)
{
	static const double values[] = {
		1.5 * MIB, 0, 1 * MIB, 0.25 * MIB, 1 * MIB, 3 * MIB,
	};
	struct grid grid = sheet(5, CHART_LABEL_COLS + 4, false);

	(void)state;
	draw(&grid, values, 3, 1);
	assert_grid(&grid, " 4.00M ┤   ▓\n"
			   "       │   ▓\n"
			   "       │ ▄▂▓\n"
			   "       │ ███\n"
			   "     0 └ now\n");
}

static void negative_values_count_as_none(void **state)
{
	static const double values[] = {4 * MIB, -2 * MIB};
	struct grid grid = sheet(3, CHART_LABEL_COLS + 4, true);

	(void)state;
	draw(&grid, values, 1, 1);
	assert_grid(&grid, " 4.00M +   #\n"
			   "       |   #\n"
			   "     0 + now\n");
}

static void time_axis_counts_back_from_now(void **state)
{
	double values[2 * 60] = {0};
	struct grid grid = sheet(7, CHART_LABEL_COLS + 60, true);
	char *text;

	(void)state;
	draw(&grid, values, 60, 10);
	text = grid_to_text(&grid);
	assert_non_null(strstr(text, " 4.00K +\n       |\n       |\n 2.00K +\n"));
	assert_non_null(strstr(text, "     0 +--------------+-7m30s--------+-5m-----------"
				     "+-2m30s----- now\n"));
	free(text);
	grid_release(&grid);
}

static void more_columns_than_room_shows_the_newest(void **state)
{
	static const double values[] = {64 * MIB, 0, 4 * MIB, 0, 2 * MIB, 0};
	struct grid grid = sheet(3, CHART_LABEL_COLS + 2, true);

	(void)state;
	draw(&grid, values, 3, 1);
	assert_grid(&grid, " 4.00M +#\n"
			   "       |##\n"
			   "     0 +--\n");
}

static void too_small_draws_nothing(void **state)
{
	static const double values[] = {1, 1};

	(void)state;
	for (unsigned int rows = 0; rows < CHART_ROWS_MIN; rows++) {
		struct grid grid = sheet(rows, 20, true);
		static const char *const blank[] = {"", "\n", "\n\n"};

		draw(&grid, values, 1, 1);
		assert_grid(&grid, blank[rows]);
	}
	for (unsigned int cols = 0; cols <= CHART_LABEL_COLS; cols++) {
		struct grid grid = sheet(3, cols, true);

		draw(&grid, values, 1, 1);
		assert_grid(&grid, "\n\n\n");
	}
}

static void assert_bar(bool ascii, double share, const char *expected)
{
	struct grid grid = sheet(1, 12, ascii);

	chart_bar(&grid, 0, 1, 8, STYLE_SPARK, share);
	assert_grid(&grid, expected);
}

static void bars_end_within_a_column(void **state)
{
	(void)state;
	assert_bar(false, 0, "\n");
	assert_bar(false, 1, " ████████\n");
	assert_bar(false, 0.5, " ████\n");
	assert_bar(false, 1.0 / 16, " ▌\n");
	assert_bar(false, 15.0 / 64, " █▉\n");
	assert_bar(false, 1e-9, " ▏\n");
	assert_bar(false, 7, " ████████\n");
	assert_bar(false, -7, "\n");
	assert_bar(false, NAN, "\n");
	assert_bar(true, 0, "\n");
	assert_bar(true, 1e-9, " #\n");
	assert_bar(true, 0.5, " ####\n");
	assert_bar(true, 0.58, " #####\n");
	assert_bar(true, 1, " ########\n");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(sparkline_has_eight_levels),
		cmocka_unit_test(sparkline_is_right_aligned_and_cut),
		cmocka_unit_test(sparkline_leaves_gaps),
		cmocka_unit_test(sparkline_keeps_noise_flat),
		cmocka_unit_test(scale_holds_its_maximum),
		cmocka_unit_test(layers_are_stacked),
		cmocka_unit_test(layers_are_stacked_with_blocks),
		cmocka_unit_test(negative_values_count_as_none),
		cmocka_unit_test(time_axis_counts_back_from_now),
		cmocka_unit_test(more_columns_than_room_shows_the_newest),
		cmocka_unit_test(too_small_draws_nothing),
		cmocka_unit_test(bars_end_within_a_column),
	};

	return cmocka_run_group_tests_name("chart", tests, NULL, NULL);
}
