// SPDX-License-Identifier: GPL-2.0-only
/* `tidemark top` on a terminal: a pty that the test reads, and tmux for the screen as a person sees
 * it. */
#include "tests/e2e/support.h"

#include <pty.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <utmp.h>

#define SMCUP "\033[?1049h"
#define RMCUP "\033[?1049l"

/* A terminal with tidemark on it. */
struct screen {
	pid_t pid;
	int master;
	int slave; /* kept open, so that modes can be read after the end */
	struct termios before;
	struct text text; /* all that was written to it */
	size_t mark;	  /* what came before does not count */
	int status;
	bool unread;
};

static const char *term = "xterm-256color", *locale = "C.UTF-8";

static void screen_start(struct screen *screen, const char *const *args)
{
	struct winsize size = {.ws_row = 24, .ws_col = 80};

	memset(screen, 0, sizeof(*screen));
	screen->text.data = calloc(1, 1);
	assert_int_equal(openpty(&screen->master, &screen->slave, NULL, NULL, &size), 0);
	assert_int_equal(tcgetattr(screen->slave, &screen->before), 0);
	fcntl(screen->master, F_SETFL, O_NONBLOCK);
	fcntl(screen->master, F_SETFD, FD_CLOEXEC);
	fflush(NULL);
	screen->pid = fork();
	if (!screen->pid) {
		setenv("TERM", term, 1);
		setenv("LC_ALL", locale, 1);
		unsetenv("LINES");
		unsetenv("COLUMNS");
		login_tty(screen->slave);
		tidemark_exec(NULL, args);
	}
	child_started(screen->pid);
}

#define SCREEN(screen, ...) screen_start(screen, (const char *const[]){__VA_ARGS__, NULL})

static void screen_read(struct screen *screen)
{
	char data[4096];
	ssize_t got;

	while (!screen->unread && (got = read(screen->master, data, sizeof(data))) > 0) {
		screen->text.data = realloc(screen->text.data, screen->text.size + (size_t)got + 1);
		assert_non_null(screen->text.data);
		for (ssize_t i = 0; i < got; i++)
			screen->text.data[screen->text.size++] = data[i] ? data[i] : ' ';
		screen->text.data[screen->text.size] = '\0';
	}
}

static bool screen_shows(struct screen *screen, const char *words)
{
	screen_read(screen);
	return strstr(screen->text.data + screen->mark, words);
}

static bool screen_ended(struct screen *screen)
{
	bool ended = waitpid(screen->pid, &screen->status, WNOHANG) == screen->pid;

	screen_read(screen);
	if (ended)
		child_forget(screen->pid);
	return ended;
}

static void screen_key(struct screen *screen, const char *key)
{
	screen_read(screen);
	screen->mark = screen->text.size;
	assert_int_equal(write(screen->master, key, strlen(key)), strlen(key));
}

static void screen_size(struct screen *screen, unsigned short rows, unsigned short cols)
{
	struct winsize size = {.ws_row = rows, .ws_col = cols};

	screen_read(screen);
	screen->mark = screen->text.size;
	assert_int_equal(ioctl(screen->master, TIOCSWINSZ, &size), 0);
	kill(screen->pid, SIGWINCH);
}

static void screen_release(struct screen *screen)
{
	close(screen->master);
	close(screen->slave);
	free(screen->text.data);
}

static const char *last_of(const char *text, const char *words)
{
	const char *last = NULL;

	while ((text = strstr(text, words)))
		last = text++;
	return last;
}

/* Modes as before, the first screen back, nothing drawn after that. */
static void expect_restored(struct screen *screen)
{
	const char *end = last_of(screen->text.data, RMCUP);
	struct termios after;

	assert_non_null(strstr(screen->text.data, SMCUP));
	assert_non_null(end);
	assert_true(last_of(screen->text.data, SMCUP) < end);
	for (const char *at = end; (at = strstr(at, "\033[")); at++)
		if (at[2 + strspn(at + 2, "0123456789;")] == 'H')
			fail_msg("drawn after the end of full screen: %s", end);
	/* the cursor is not left hidden */
	assert_true(!last_of(screen->text.data, "\033[?25l") ||
		    last_of(screen->text.data, "\033[?25l") <
			    last_of(screen->text.data, "\033[?25h"));
	assert_int_equal(tcgetattr(screen->slave, &after), 0);
	assert_int_equal(after.c_iflag, screen->before.c_iflag);
	assert_int_equal(after.c_oflag, screen->before.c_oflag);
	assert_int_equal(after.c_cflag, screen->before.c_cflag);
	assert_int_equal(after.c_lflag, screen->before.c_lflag);
	assert_memory_equal(after.c_cc, screen->before.c_cc, sizeof(after.c_cc));
}

static void screen_quit(struct screen *screen)
{
	screen_key(screen, "q");
	WAIT_UNTIL(screen_ended(screen));
	if (!WIFEXITED(screen->status) || WEXITSTATUS(screen->status))
		fail_msg("wait status 0x%x", screen->status);
}

static void watch_on_screen(struct screen *screen, const struct helper *helper)
{
	SCREEN(screen, "top", "--interval", "100", "-p", number_text(helper->pid));
	WAIT_UNTIL(screen_shows(screen, "COMMAND"));
	WAIT_UNTIL(screen_shows(screen, number_text(helper->pid)));
}

static void terminal_end(struct helper *helper, struct screen *screen)
{
	assert_true(process_runs(helper->pid));
	helper_end(helper, SIGKILL);
	screen_release(screen);
	term = "xterm-256color";
	locale = "C.UTF-8";
}

/* ---- pages ---- */

static void overview_shows(void **state)
{
	static const char *const words[] = {"tidemark", "PID",	   "COMMAND", "RSS", "RETAIN",
					    "UNEXPL",	"e2e-top", "help",    "quit"};
	struct helper helper;
	struct screen screen;

	NEEDS_ROOT();
	helper = helper_start("name", "e2e-top");
	watch_on_screen(&screen, &helper);
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		WAIT_UNTIL(screen_shows(&screen, words[i]));
	screen_quit(&screen);
	expect_restored(&screen);
	terminal_end(&helper, &screen);
}

static void keys_change_pages(void **state)
{
	struct helper helper;
	struct screen screen;

	NEEDS_ROOT();
	helper = helper_start("rest", "100");
	watch_on_screen(&screen, &helper);
	screen_key(&screen, "\r");
	WAIT_UNTIL(screen_shows(&screen, "[heap]") || screen_shows(&screen, "OWNER"));
	screen_key(&screen, "?");
	WAIT_UNTIL(screen_shows(&screen, "Keys"));
	screen_key(&screen, "\033");
	WAIT_UNTIL(screen_shows(&screen, "OWNER"));
	screen_key(&screen, "\033");
	WAIT_UNTIL(screen_shows(&screen, "COMMAND"));
	/* keys that mean nothing, and sequences that are none */
	screen_key(&screen, "zZ!1\033[99~\033O\xff\xfe\t\b\x01");
	sleep_ms(300);
	assert_false(screen_ended(&screen));
	screen_key(&screen, "\033");
	sleep_ms(200);
	screen_quit(&screen);
	expect_restored(&screen);
	terminal_end(&helper, &screen);
}

/* ---- ends ---- */

static void restored_after(int number)
{
	struct helper helper = helper_start("rest", "100");
	struct screen screen;

	watch_on_screen(&screen, &helper);
	kill(screen.pid, number);
	WAIT_UNTIL(screen_ended(&screen));
	if (number == SIGSEGV)
		assert_true(WIFSIGNALED(screen.status) && WTERMSIG(screen.status) == SIGSEGV);
	else
		assert_int_equal(screen.status, 0);
	expect_restored(&screen);
	terminal_end(&helper, &screen);
}

static void restored_after_sigterm(void **state)
{
	NEEDS_ROOT();
	restored_after(SIGTERM);
}

static void restored_after_sigint(void **state)
{
	NEEDS_ROOT();
	restored_after(SIGINT);
}

static void restored_after_sigsegv(void **state)
{
	NEEDS_ROOT();
	restored_after(SIGSEGV);
}

static void restored_after_command_ends(void **state)
{
	struct screen screen;

	NEEDS_ROOT();
	SCREEN(&screen, "top", "--interval", "100", HELPER_COMMAND("grow", "200"));
	WAIT_UNTIL(screen_ended(&screen));
	assert_int_equal(screen.status, 0);
	expect_restored(&screen);
	screen_release(&screen);
}

/* The terminal goes away, as when its window is closed. */
static void hangup_ends_it(void **state)
{
	struct helper helper;
	struct screen screen;

	NEEDS_ROOT();
	helper = helper_start("rest", "100");
	watch_on_screen(&screen, &helper);
	close(screen.slave);
	close(screen.master);
	screen.unread = true;
	WAIT_UNTIL(screen_ended(&screen));
	assert_true(WIFEXITED(screen.status));
	assert_true(process_runs(helper.pid));
	helper_end(&helper, SIGKILL);
	free(screen.text.data);
}

/* ---- terminals of all kinds ---- */

static void resizes(void **state)
{
	static const unsigned short sizes[][2] = {{40, 120}, {3, 10},	 {1, 1},   {24, 80},
						  {6, 30},   {100, 300}, {2, 500}, {24, 80}};
	static const char *const pages[] = {"\033", "\r", "s", "\r", "?"};
	struct helper helper;
	struct screen screen;

	NEEDS_ROOT();
	helper = helper_start("rest", "100");
	watch_on_screen(&screen, &helper);
	for (size_t page = 0; page < ARRAY_SIZE(pages); page++) {
		screen_key(&screen, pages[page]);
		sleep_ms(150);
		for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
			screen_size(&screen, sizes[i][0], sizes[i][1]);
			/* it draws anew */
			WAIT_UNTIL((screen_read(&screen), screen.text.size > screen.mark));
			sleep_ms(50);
			assert_false(screen_ended(&screen));
		}
	}
	WAIT_UNTIL(screen_shows(&screen, "Keys"));
	screen_quit(&screen);
	expect_restored(&screen);
	terminal_end(&helper, &screen);
}

static void no_terminal(void **state)
{
	struct run run;

	NEEDS_ROOT();
	RUN(&run, "top", "-p", number_text(getpid()));
	run_expect(&run, 2);
	expect_one_line(&run, "terminal");
	assert_non_null(strstr(run.err_text.data, "tidemark watch"));
	assert_int_equal(run.out_text.size, 0);
	run_release(&run);
	/* the command that was started for it does not stay */
	RUN(&run, "top", HELPER_COMMAND("touch", "10"));
	run_expect(&run, 2);
	run_release(&run);
	assert_int_equal(child_of(getpid()), 0);
}

static void terminal_refused(const char *name, const char *words)
{
	struct helper helper = helper_start("rest", "100");
	struct screen screen;

	term = name;
	SCREEN(&screen, "top", "-p", number_text(helper.pid));
	WAIT_UNTIL(screen_ended(&screen));
	assert_true(WIFEXITED(screen.status));
	assert_int_equal(WEXITSTATUS(screen.status), 2);
	assert_int_equal(strncmp(screen.text.data, "tidemark: ", 10), 0);
	assert_non_null(strstr(screen.text.data, words));
	assert_int_equal(count_lines(screen.text.data), 1);
	terminal_end(&helper, &screen);
}

static void poor_terminals_are_refused(void **state)
{
	NEEDS_ROOT();
	terminal_refused("dumb", "cursor");
	terminal_refused("no-such-terminal", "TERM");
	terminal_refused("", "TERM");
}

static void vt100_in_ascii(void **state)
{
	struct helper helper;
	struct screen screen;

	NEEDS_ROOT();
	term = "vt100";
	locale = "C";
	helper = helper_start("rest", "100");
	watch_on_screen(&screen, &helper);
	screen_key(&screen, "\r");
	WAIT_UNTIL(screen_shows(&screen, "OWNER"));
	screen_key(&screen, "?");
	WAIT_UNTIL(screen_shows(&screen, "Keys"));
	screen_quit(&screen);
	for (size_t i = 0; i < screen.text.size; i++)
		assert_true((unsigned char)screen.text.data[i] < 0x80);
	assert_null(strstr(screen.text.data, "\033[38;")); /* nor colours it has not */
	terminal_end(&helper, &screen);
}

static bool has_rows(const char *dir, size_t rows);

/* What waits for a slow terminal is the drawing, not the figures. */
static void unread_terminal_loses_nothing(void **state)
{
	char export[128], dir[512];
	struct helper helper;
	struct screen screen;
	struct winsize size = {.ws_row = 100, .ws_col = 300};

	NEEDS_ROOT();
	snprintf(export, sizeof(export), "%s/export", work_dir);
	helper = helper_start("churn", NULL);
	SCREEN(&screen, "top", "--interval", "50", "--export", export, "-p",
	       number_text(helper.pid));
	WAIT_UNTIL(screen_shows(&screen, "COMMAND"));
	/* full screens of 30 KB into a buffer of 4 */
	screen.unread = true;
	ioctl(screen.master, TIOCSWINSZ, &size);
	kill(screen.pid, SIGWINCH);
	WAIT_UNTIL(export_dir(export, helper.pid, 0, dir, sizeof(dir)));
	WAIT_UNTIL(has_rows(dir, 50));
	screen.unread = false;
	screen_read(&screen);
	screen_quit(&screen);
	expect_restored(&screen);
	assert_true(has_rows(dir, 50));
	terminal_end(&helper, &screen);
}

static bool has_rows(const char *dir, size_t rows)
{
	static struct series series; /* too large for a stack */

	if (!series_parse(&series, dir, false) || series.rows < rows)
		return false;
	assert_true(series_last(&series, "events_total") > 1000);
	assert_true(series_last(&series, "lost_events_total") == 0);
	return true;
}

/* ---- as a person sees it ---- */

static char tmux_socket[128];

/* The output of a tmux command, or NULL if it failed. */
static char *tmux(const char *arguments)
{
	char command[8192], *text = calloc(1, 65537);
	FILE *pipe;

	snprintf(command, sizeof(command), "exec tmux -S %s -f /dev/null %s 2>/dev/null",
		 tmux_socket, arguments);
	pipe = popen(command, "re");
	assert_non_null(pipe);
	assert_non_null(text);
	text[fread(text, 1, 65536, pipe)] = '\0';
	if (!pclose(pipe))
		return text;
	free(text);
	return NULL;
}

static bool tmux_do(const char *arguments)
{
	char *text = tmux(arguments);

	free(text);
	return text != NULL;
}

/* Row of the captured screen, from 0; "" past its end. */
static void tmux_row(unsigned int number, char *row, size_t size)
{
	char *text = tmux("capture-pane -p"), *line = text;

	row[0] = '\0';
	while (line && number--)
		line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL;
	if (line)
		snprintf(row, size, "%.*s", (int)strcspn(line, "\n"), line);
	free(text);
}

static bool tmux_row_has(unsigned int number, const char *words)
{
	char row[1024];

	tmux_row(number, row, sizeof(row));
	return strstr(row, words);
}

static bool tmux_missing(void)
{
	if (!system("command -v tmux >/dev/null 2>&1"))
		return false;
	print_message("skipped: tmux is not installed\n");
	return true;
}

/* tidemark on 80x24, and after it a line with its exit code. */
static void tmux_start(pid_t pid)
{
	char command[8192], *server;

	snprintf(tmux_socket, sizeof(tmux_socket), "%s/tmux", work_dir);
	snprintf(command, sizeof(command),
		 "new-session -d -x 80 -y 24 'env -u TMUX %s top --interval 100 -p %d; "
		 "echo ended with $?; exec sleep 60'",
		 tidemark_path(), pid);
	assert_true(tmux_do(command));
	server = tmux("display-message -p '#{pid}'");
	assert_non_null(server);
	child_started(atoi(server)); /* a daemon: adopted by us */
	free(server);
	assert_true(tmux_do("set-option -g status off"));
	assert_true(tmux_do("resize-window -x 80 -y 24"));
	WAIT_UNTIL(tmux_row_has(0, "tidemark"));
	WAIT_UNTIL(tmux_row_has(2, "COMMAND"));
	WAIT_UNTIL(tmux_row_has(3, number_text(pid)));
	WAIT_UNTIL(tmux_row_has(23, "quit"));
}

static bool tmux_shows(const char *words)
{
	char *text = tmux("capture-pane -p");
	bool found = text && strstr(text, words);

	free(text);
	return found;
}

static void screen_as_seen(void **state)
{
	struct helper helper;

	NEEDS_ROOT();
	if (tmux_missing())
		skip();
	helper = helper_start("name", "e2e-tmux");
	tmux_start(helper.pid);
	assert_true(tmux_row_has(3, "e2e-tmux"));
	assert_true(tmux_do("send-keys Enter"));
	WAIT_UNTIL(tmux_row_has(0, "e2e-tmux"));
	WAIT_UNTIL(tmux_row_has(23, "quit"));
	assert_true(tmux_do("send-keys '?'"));
	WAIT_UNTIL(tmux_row_has(0, "help"));
	assert_true(tmux_do("send-keys q"));
	WAIT_UNTIL(tmux_shows("ended with 0"));
	/* of full screen nothing is left */
	assert_false(tmux_shows("COMMAND"));
	assert_false(tmux_shows("Keys"));
	helper_end(&helper, SIGKILL);
}

/* Where the pages of a process come from, down to the line that touches them. */
static void sites_as_seen(void **state)
{
	struct helper helper;

	NEEDS_ROOT();
	if (tmux_missing())
		skip();
	helper = helper_start("grow", NULL);
	tmux_start(helper.pid);
	assert_true(tmux_do("resize-window -x 120 -y 30"));
	assert_true(tmux_do("send-keys s"));
	WAIT_UNTIL(tmux_row_has(3, "FIRST TOUCHED IN"));
	/* what came before the watch, and what it touches since */
	WAIT_UNTIL(tmux_shows("(resident before the watch began)"));
	WAIT_UNTIL(tmux_shows("(support.h:"));
	assert_true(tmux_do("send-keys G"));
	WAIT_UNTIL(tmux_row_has(4, "(support.h:"));
	assert_true(tmux_do("send-keys Home Enter"));
	WAIT_UNTIL(tmux_row_has(0, "who first touched these pages"));
	WAIT_UNTIL(tmux_shows("helper_grow"));
	WAIT_UNTIL(tmux_shows("helper_main"));
	WAIT_UNTIL(tmux_shows("support.h:"));
	WAIT_UNTIL(tmux_shows(" main "));
	assert_true(tmux_do("send-keys Escape"));
	WAIT_UNTIL(tmux_row_has(3, "FIRST TOUCHED IN"));
	assert_true(tmux_do("send-keys f"));
	WAIT_UNTIL(!tmux_row_has(2, "rows"));
	assert_true(tmux_do("send-keys Escape"));
	WAIT_UNTIL(tmux_row_has(2, "COMMAND"));
	/* and who made a mapping */
	assert_true(tmux_do("send-keys Enter"));
	WAIT_UNTIL(tmux_row_has(3, "% complete"));
	assert_true(tmux_do("send-keys Enter"));
	WAIT_UNTIL(tmux_row_has(0, "who made this mapping"));
	assert_true(tmux_do("send-keys q"));
	WAIT_UNTIL(tmux_shows("ended with 0"));
	helper_end(&helper, SIGKILL);
}

/* Without stacks it says so, and how to have them. */
static void sites_without_stacks(void **state)
{
	struct helper helper;
	struct screen screen;

	NEEDS_ROOT();
	helper = helper_start("rest", "100");
	SCREEN(&screen, "top", "--interval", "100", "--stack-bytes", "0", "-p",
	       number_text(helper.pid));
	WAIT_UNTIL(screen_shows(&screen, number_text(helper.pid)));
	screen_key(&screen, "s");
	WAIT_UNTIL(screen_shows(&screen, "no call stacks are taken"));
	screen_quit(&screen);
	expect_restored(&screen);
	terminal_end(&helper, &screen);
}

/* (After this tmux itself leaves lines behind, also of other programs.) */
static void screen_resized(void **state)
{
	struct helper helper;

	NEEDS_ROOT();
	if (tmux_missing())
		skip();
	helper = helper_start("name", "e2e-tmux");
	tmux_start(helper.pid);
	assert_true(tmux_do("resize-window -x 120 -y 40"));
	WAIT_UNTIL(tmux_row_has(39, "quit"));
	assert_true(tmux_row_has(3, "e2e-tmux"));
	assert_true(tmux_do("resize-window -x 10 -y 3"));
	assert_true(tmux_do("resize-window -x 60 -y 12"));
	WAIT_UNTIL(tmux_row_has(11, "quit"));
	assert_true(tmux_row_has(3, "e2e-tmux"));
	assert_true(tmux_do("send-keys q"));
	WAIT_UNTIL(tmux_shows("ended with 0"));
	helper_end(&helper, SIGKILL);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		E2E_TEST(overview_shows),
		E2E_TEST(keys_change_pages),
		E2E_TEST(restored_after_sigterm),
		E2E_TEST(restored_after_sigint),
		E2E_TEST(restored_after_sigsegv),
		E2E_TEST(restored_after_command_ends),
		E2E_TEST(hangup_ends_it),
		E2E_TEST(resizes),
		E2E_TEST(no_terminal),
		E2E_TEST(poor_terminals_are_refused),
		E2E_TEST(vt100_in_ascii),
		E2E_TEST(unread_terminal_loses_nothing),
		E2E_TEST(screen_as_seen),
		E2E_TEST(sites_as_seen),
		E2E_TEST(sites_without_stacks),
		E2E_TEST(screen_resized),
	};

	E2E_MAIN("top", tests);
}
