// SPDX-License-Identifier: GPL-2.0-only
/* The report as a person has it: in a browser, by mouse, by keyboard, and on a phone. */
#include "tests/e2e/support.h"

#include "tests/e2e/browser.h"

#define REPORT_ROOM 1024

static const char *handler_path(void)
{
	static char path[4200];

	snprintf(path, sizeof(path), "%.*s/../../handler-jemalloc",
		 (int)(strrchr(self_path, '/') - self_path), self_path);
	return path;
}

/* The report of the only process below the test's directory. */
static void report_path(pid_t pid, char path[REPORT_ROOM])
{
	char dir[REPORT_ROOM - 16];

	assert_true(export_dir(work_dir, pid, 0, dir, sizeof(dir)));
	snprintf(path, REPORT_ROOM, "%s/report.html", dir);
	assert_int_equal(access(path, R_OK), 0);
}

/* A handler with an unbounded cache, its invocations marked and its allocations followed. */
static void report_make(char path[REPORT_ROOM])
{
	char spec[4400];
	struct run run;
	pid_t pid;

	snprintf(spec, sizeof(spec), "usdt:%s:order_handler:invocation_start,invocation_end",
		 handler_path());
	RUN(&run, "watch", "--heap", "--interval", "100", "--export", work_dir, "--format", "html",
	    "--invocation", spec, "--", handler_path(), "--cache", "unbounded", "--invocations",
	    "0", "--duration", "3", "--gap", "2", "--report", "0");
	WAIT_UNTIL((pid = command_of(run.pid)));
	run_expect(&run, 0);
	run_release(&run);
	report_path(pid, path);
}

/* ---- what there is to see ---- */

/* Of a canvas: is anything on it, in more than one colour? Of a copy: reading slows it down. */
#define IS_DRAWN(selector)                                                                         \
	"[...document.querySelectorAll(\"" selector "\")].some(canvas => {"                        \
	"const copy = document.createElement('canvas');"                                           \
	"copy.width = canvas.width; copy.height = canvas.height;"                                  \
	"const context = copy.getContext('2d', {willReadFrequently: true});"                       \
	"context.drawImage(canvas, 0, 0);"                                                         \
	"const bytes = context.getImageData(0, 0, copy.width, copy.height).data;"                  \
	"const colors = new Set();"                                                                \
	"for (let i = 0; i < bytes.length; i += 4)"                                                \
	"	if (bytes[i + 3] > 100)"                                                                 \
	"		colors.add(bytes[i] << 16 | bytes[i + 1] << 8 | bytes[i + 2]);"                         \
	"return colors.size > 1;"                                                                  \
	"})"

#define TEXT_OF(id) "document.getElementById('" id "').textContent"

static void expect_drawn(const struct browser *browser)
{
	BROWSER_EXPECT(browser, "document.documentElement.dataset.ready === 'yes'");
	BROWSER_EXPECT(browser, IS_DRAWN("#chart canvas"));
	BROWSER_EXPECT(browser, IS_DRAWN("#heap-chart canvas"));
	BROWSER_EXPECT(browser, IS_DRAWN("#survival canvas"));
	BROWSER_EXPECT(browser, IS_DRAWN("#ends canvas"));
	BROWSER_EXPECT(browser, IS_DRAWN("#map-canvas"));
	BROWSER_EXPECT(browser, "document.querySelectorAll('#flame-graph rect').length > 10");
	BROWSER_EXPECT(browser, "document.querySelectorAll('#sites-table tbody tr').length > 2");
	BROWSER_EXPECT(browser, "document.querySelectorAll('#figures dd').length >= 5");
	/* nothing was asked of a network */
	BROWSER_EXPECT(browser, "performance.getEntriesByType('resource').length === 0");
}

/* ---- by mouse ---- */

static void hover(const struct browser *browser)
{
	BROWSER_EXPECT(browser, TEXT_OF("chart-readout") ".startsWith('At the end')");
	browser_hover(browser, "#chart", 0.6, 0.5);
	BROWSER_EXPECT(browser, "/^At [0-9.]+ s: resident set/.test(" TEXT_OF("chart-readout") ")");
	browser_hover(browser, "#flame-graph g:nth-of-type(2)", 0.3, 0.5);
	BROWSER_EXPECT(browser, "!document.getElementById('tip').hidden");
	BROWSER_EXPECT(browser, TEXT_OF("tip") ".includes('of what is retained')");
	/* the first square is in the corner below its label */
	BROWSER_EXPECT(browser, "map.places.length === map.squares.length");
	browser_run(browser, "document.getElementById('map-canvas').scrollIntoView({block: "
			     "'center'})");
	browser_mouse(browser, "mouseMoved",
		      browser_number(browser, "document.getElementById('map-canvas')."
					      "getBoundingClientRect().left + map.places[0].x + 5"),
		      browser_number(browser, "document.getElementById('map-canvas')."
					      "getBoundingClientRect().top + map.places[0].y + 5"),
		      0, 0);
	BROWSER_EXPECT(browser, TEXT_OF("tip") ".startsWith('0x')");
	BROWSER_EXPECT(browser, TEXT_OF("map-readout") ".includes('resident')");
}

static void zoom(const struct browser *browser)
{
	double x, y, width;

	browser_point(browser, "#chart", 0.3, 0.5, &x, &y);
	width = browser_number(browser, "memory.graph.xAxisRange()[1] - "
					"memory.graph.xAxisRange()[0]");
	browser_mouse(browser, "mouseMoved", x, y, 0, 0);
	browser_mouse(browser, "mousePressed", x, y, 1, 1);
	for (int step = 1; step <= 5; step++)
		browser_mouse(browser, "mouseMoved", x + 30 * step, y, 1, 0);
	browser_mouse(browser, "mouseReleased", x + 150, y, 0, 1);
	assert_true(browser_number(browser, "memory.graph.xAxisRange()[1] - "
					    "memory.graph.xAxisRange()[0]") < width / 2);
	browser_click(browser, "#zoom-all");
	assert_true(browser_number(browser, "memory.graph.xAxisRange()[1] - "
					    "memory.graph.xAxisRange()[0]") > width * 0.99);
	browser_click(browser, "#zoom-in");
	assert_true(browser_number(browser, "memory.graph.xAxisRange()[1] - "
					    "memory.graph.xAxisRange()[0]") < width * 0.6);
	browser_click(browser, "#zoom-all");
	/* a class can be taken out */
	browser_click(browser, "#chart-legend button");
	BROWSER_EXPECT(browser, "!memory.graph.visibility()[0]");
	browser_click(browser, "#chart-legend button");
	BROWSER_EXPECT(browser, "memory.graph.visibility()[0]");
}

static void flame_graph(const struct browser *browser)
{
	browser_click(browser, "#flame-search");
	browser_type(browser, "BATCH_handle");
	BROWSER_EXPECT(browser, "document.querySelectorAll('#flame-graph g.match').length >= 1");
	BROWSER_EXPECT(browser, "[...document.querySelectorAll('#flame-graph g.match')].every(g "
				"=> g.getAttribute('aria-label').includes('batch_handle'))");
	/* nearly all of it is touched below there */
	BROWSER_EXPECT(browser, "parseFloat(" TEXT_OF("flame-text") ".match(/, ([0-9.]+)% of/)[1]) "
								    "> 80");
	browser_type(browser, " no such function");
	BROWSER_EXPECT(browser, "document.querySelectorAll('#flame-graph g.match').length === 0");
	browser_run(browser, "const field = document.getElementById('flame-search'); field.value = "
			     "''; field.dispatchEvent(new Event('input'))");
	/* a click makes a frame as wide as the graph */
	browser_click(browser, "#flame-graph g[aria-label^='order_store']");
	BROWSER_EXPECT(
		browser,
		"Math.abs(document.querySelector(\"#flame-graph g[aria-label^='order_store'] "
		"rect\").getAttribute('width') - "
		"document.getElementById('flame-graph').clientWidth) < 1");
	browser_click(browser, "#flame-reset");
	BROWSER_EXPECT(browser, "flame.focus === flame.tree");
}

/* What the handler's own account has: nearly all of what is live is in its cache. */
static void live_allocations(const struct browser *browser)
{
	BROWSER_EXPECT(browser, TEXT_OF("heap-text") ".startsWith('Allocations were followed from "
						     "before the first one')");
	BROWSER_EXPECT(browser, "parseFloat(" TEXT_OF("value-heap-live") ") > 1");
	browser_run(browser, "const what = document.getElementById('flame-what'); what.value = "
			     "'live'; what.dispatchEvent(new Event('change'))");
	BROWSER_EXPECT(browser, TEXT_OF("flame-title") " === 'Who allocated what is live'");
	BROWSER_EXPECT(browser, "Math.abs(flame.tree.value / data.heap.live_bytes - 1) < 0.1");
	browser_click(browser, "#flame-search");
	browser_type(browser, "order_keep");
	BROWSER_EXPECT(browser, "parseFloat(" TEXT_OF("flame-text") ".match(/, ([0-9.]+)% of/)[1]) "
								    "> 80");
	browser_run(browser, "const what = document.getElementById('flame-what'); what.value = "
			     "'retained'; what.dispatchEvent(new Event('change')); const field = "
			     "document.getElementById('flame-search'); field.value = ''; "
			     "field.dispatchEvent(new Event('input'))");
	browser_hover(browser, "#heap-chart", 0.6, 0.5);
	BROWSER_EXPECT(browser,
		       "/^At [0-9.]+ s: .* in live/.test(" TEXT_OF("heap-chart-readout") ")");
}

static void table(const struct browser *browser)
{
	browser_click(browser, "#sites-table th[data-key='resident'] button");
	BROWSER_EXPECT(browser, "document.querySelector(\"th[data-key='resident']\").getAttribute('"
				"aria-sort') === 'descending'");
	browser_click(browser, "#sites-table th[data-key='resident'] button");
	BROWSER_EXPECT(browser,
		       "data.sites.rows[document.querySelector('#sites-table tbody "
		       "tr').dataset.site].resident === Math.min(...data.sites.rows.map(site => "
		       "site.resident))");
	browser_click(browser, "#sites-filter");
	browser_type(browser, "order_store");
	BROWSER_EXPECT(browser, TEXT_OF("sites-text") ".includes('matching')");
	BROWSER_EXPECT(browser, "document.querySelectorAll('#sites-table tbody tr').length >= 1");
	browser_click(browser, "#sites-table tbody td.site button");
	BROWSER_EXPECT(browser, "document.querySelector('tr.stack ol').textContent.includes('order_"
				"store')");
}

/* ---- by keyboard ---- */

#define ACTIVE "document.activeElement"

/* Tab goes to every control, in the order in which they are seen. */
static void tab_order(const struct browser *browser)
{
	static const char *const ids[] = {
		"theme",      "zoom-in",      "zoom-all",    "chart",	   "heap-chart",
		"flame-what", "flame-search", "flame-reset", "map-canvas", "sites-filter"};
	size_t next = 0;
	char expression[128];

	browser_run(browser, "document.activeElement.blur(); scrollTo(0, 0)");
	for (int i = 0; i < 120 && next < ARRAY_SIZE(ids); i++) {
		browser_key(browser, "Tab", 9, "");
		snprintf(expression, sizeof(expression), ACTIVE ".id === '%s'", ids[next]);
		next += browser_number(browser, expression) != 0;
	}
	if (next < ARRAY_SIZE(ids))
		fail_msg("Tab does not come to %s", ids[next]);
}

static void keys(const struct browser *browser)
{
	browser_run(browser, "document.getElementById('chart').focus()");
	browser_key(browser, "Home", 36, "");
	BROWSER_EXPECT(browser, "memory.row === 0");
	browser_key(browser, "ArrowRight", 39, "");
	BROWSER_EXPECT(browser, "memory.row === 1 && /^At /.test(" TEXT_OF("chart-readout") ")");
	browser_key(browser, "+", 187, "+");
	BROWSER_EXPECT(browser, "memory.graph.isZoomed('x')");
	browser_key(browser, "Escape", 27, "");
	BROWSER_EXPECT(browser, "!memory.graph.isZoomed('x')");
	browser_run(browser, "document.getElementById('heap-chart').focus()");
	browser_key(browser, "Home", 36, "");
	BROWSER_EXPECT(browser, "heap.row === 0 && memory.row !== 0");
	browser_run(browser, "document.querySelector(\"#flame-graph g[tabindex='0']\").focus()");
	browser_key(browser, "ArrowDown", 40, "");
	BROWSER_EXPECT(browser, ACTIVE ".getAttribute('aria-level') === '2'");
	browser_key(browser, "ArrowDown", 40, "");
	browser_key(browser, "Enter", 13, "\r");
	BROWSER_EXPECT(browser,
		       "flame.focus.depth === 2 && " ACTIVE ".getAttribute('aria-level') === '3'");
	browser_key(browser, "Escape", 27, "");
	BROWSER_EXPECT(browser, "flame.focus.depth === 0");
	browser_run(browser, "document.getElementById('map-canvas').focus()");
	browser_key(browser, "End", 35, "");
	BROWSER_EXPECT(browser, "map.current === map.squares.length - 1");
	browser_key(browser, "ArrowUp", 38, "");
	BROWSER_EXPECT(browser, "map.current < map.squares.length - 1");
	BROWSER_EXPECT(browser, TEXT_OF("map-readout") ".startsWith('0x')");
}

/* Whatever can be used has a name for those who do not see it. */
static void names(const struct browser *browser)
{
	BROWSER_EXPECT(
		browser,
		"[...document.querySelectorAll('button, input, select, [role=img], "
		"[tabindex=\"0\"]')].filter(at => at.checkVisibility()).every(at => "
		"(at.textContent + "
		"(at.getAttribute('aria-label') || '') + (at.getAttribute('aria-labelledby') "
		"|| '') + [...(at.labels || [])].map(label => "
		"label.textContent).join('')).trim())");
	BROWSER_EXPECT(browser, "new Set([...document.querySelectorAll('[id]')].map(at => "
				"at.id)).size === document.querySelectorAll('[id]').length");
}

static void the_report_can_be_used(void **state)
{
	char path[REPORT_ROOM];
	struct browser browser;

	NEEDS_ROOT();
	if (!browser_is_there())
		skip();
	report_make(path);
	browser_open(&browser);
	browser_size(&browser, 1280, 900, false);
	browser_dark(&browser, false);
	browser_load(&browser, path);
	expect_drawn(&browser);
	browser_shot(&browser, "desktop-light");
	hover(&browser);
	zoom(&browser);
	flame_graph(&browser);
	live_allocations(&browser);
	table(&browser);
	browser_shot(&browser, "desktop-used");
	tab_order(&browser);
	keys(&browser);
	names(&browser);
	browser_expect_silence(&browser);
	browser_close(&browser);
}

/* ---- narrow, and dark ---- */

/* Nothing is wider than the screen, but for what scrolls by itself. */
static void expect_fits(const struct browser *browser)
{
	BROWSER_EXPECT(browser, "document.scrollingElement.scrollWidth <= innerWidth");
	BROWSER_EXPECT(browser, "[...document.querySelectorAll('main > section')].every(at => "
				"at.hidden || at.getBoundingClientRect().right <= innerWidth)");
	BROWSER_EXPECT(browser, "[...document.querySelectorAll('main button, main input, main "
				"select')].filter(at => at.offsetWidth && !at.closest('table'))"
				".every(at => at.offsetHeight >= 32)");
}

#define BRIGHTNESS                                                                                 \
	"getComputedStyle(document.body).backgroundColor.match(/[0-9]+/g).reduce((sum, part) => "  \
	"sum + Number(part), 0)"

/* The colours follow the system, and the button. */
static void colours(const struct browser *browser)
{
	BROWSER_EXPECT(browser, "document.documentElement.dataset.theme === 'dark'");
	BROWSER_EXPECT(browser, BRIGHTNESS " < 150");
	browser_dark(browser, false);
	BROWSER_EXPECT(browser, "document.documentElement.dataset.theme === 'light'");
	BROWSER_EXPECT(browser, BRIGHTNESS " > 600");
	browser_click(browser, "#theme");
	BROWSER_EXPECT(browser, BRIGHTNESS " < 150");
	/* what was chosen stays */
	browser_dark(browser, true);
	browser_dark(browser, false);
	BROWSER_EXPECT(browser, BRIGHTNESS " < 150");
	browser_click(browser, "#theme");
	BROWSER_EXPECT(browser, BRIGHTNESS " > 600");
	expect_drawn(browser);
}

static void on_a_phone_and_in_the_dark(void **state)
{
	char path[REPORT_ROOM];
	struct browser browser;

	NEEDS_ROOT();
	if (!browser_is_there())
		skip();
	report_make(path);
	browser_open(&browser);
	browser_size(&browser, 390, 844, true);
	browser_dark(&browser, true);
	browser_load(&browser, path);
	expect_drawn(&browser);
	expect_fits(&browser);
	browser_shot(&browser, "phone-dark");
	colours(&browser);
	browser_shot(&browser, "phone-light");
	/* turned on its side */
	browser_size(&browser, 844, 390, true);
	WAIT_UNTIL(browser_number(&browser, "document.querySelector('#flame-graph svg')"
					    ".getAttribute('width') > 500") != 0);
	expect_drawn(&browser);
	expect_fits(&browser);
	browser_size(&browser, 1280, 900, false);
	browser_dark(&browser, true);
	browser_load(&browser, path);
	browser_shot(&browser, "desktop-dark");
	browser_expect_silence(&browser);
	browser_close(&browser);
}

/* ---- names ---- */

/* A name is text, whatever it looks like; the directory has a safe one. */
static void names_are_no_markup(void **state)
{
	static const char name[] = "</script><img>";
	struct helper helper = {0};
	char path[REPORT_ROOM];
	struct browser browser;
	struct run run;

	NEEDS_ROOT();
	if (!browser_is_there())
		skip();
	helper = helper_start("name", name);
	RUN(&run, "watch", "--interval", "50", "--export", work_dir, "--format", "html,chrome",
	    "-p", number_text(helper.pid));
	run_end_after(&run, 3, SIGINT);
	run_release(&run);
	report_path(helper.pid, path);
	assert_non_null(strstr(path, "-__script__img_-"));
	browser_open(&browser);
	browser_load(&browser, path);
	BROWSER_EXPECT(&browser, "document.documentElement.dataset.ready === 'yes'");
	BROWSER_EXPECT(&browser, TEXT_OF("title") ".startsWith('</script><img> (')");
	BROWSER_EXPECT(&browser, "document.scripts.length === 3 && document.images.length === 0");
	BROWSER_EXPECT(&browser, "document.getElementById('invocations').hidden");
	BROWSER_EXPECT(&browser, "document.getElementById('heap').hidden");
	BROWSER_EXPECT(&browser, "!document.getElementById('flame-live')");
	browser_shot(&browser, "little");
	browser_expect_silence(&browser);
	browser_close(&browser);
	helper_end(&helper, SIGKILL);
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		E2E_TEST(the_report_can_be_used),
		E2E_TEST(on_a_phone_and_in_the_dark),
		E2E_TEST(names_are_no_markup),
	};

	E2E_MAIN("html", tests);
}
