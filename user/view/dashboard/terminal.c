// SPDX-License-Identifier: GPL-2.0-only
#include "user/view/dashboard/terminal.h"

#include <errno.h>
#include <langinfo.h>
#include <locale.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>
#include <wchar.h>

#include <curses.h>
#include <term.h>

#include "user/view/dashboard/keys.h"

#define ESCAPE_DELAY_MS 25 /* an Esc alone is told from a key's sequence by this */
#define RESTORE_LEN 512
#define SIGNAL_STACK_LEN 65536

/* What kills the process and leaves no time for exit handlers. */
static const int fatal_signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGQUIT, SIGSYS};
#define FATAL_COUNT (sizeof(fatal_signals) / sizeof(*fatal_signals))

static struct {
	SCREEN *screen; /* NULL: not open */
	bool exit_hook; /* atexit was called */
	bool utf8;
	attr_t attributes[STYLE_COUNT];
	short pairs[STYLE_COUNT];
	/* for the signal handler, which may call next to nothing */
	volatile sig_atomic_t restorable;
	struct termios termios;
	char restore[RESTORE_LEN];
	size_t restore_length;
	struct sigaction previous[FATAL_COUNT];
} terminal;

static char signal_stack[SIGNAL_STACK_LEN];

/* A role in 256 colours, in 8, and without any. Colour -1 is the terminal's own. */
static const struct look {
	short fore;
	short back;
	attr_t attributes;
	short fore8;
	short back8;
	attr_t attributes8;
	attr_t plain;
} looks[STYLE_COUNT] = {
	[STYLE_NORMAL] = {-1, -1, 0, -1, -1, 0, 0},
	[STYLE_DIM] = {244, -1, 0, -1, -1, A_DIM, A_DIM},
	[STYLE_TITLE] = {255, 24, A_BOLD, COLOR_WHITE, COLOR_BLUE, A_BOLD, A_REVERSE},
	[STYLE_HEADING] = {250, 236, 0, -1, -1, A_UNDERLINE, A_UNDERLINE},
	[STYLE_SORTED] = {222, 236, A_BOLD, COLOR_YELLOW, -1, A_UNDERLINE | A_BOLD,
			  A_UNDERLINE | A_BOLD},
	[STYLE_FOCUS] = {255, 240, A_BOLD, COLOR_CYAN, -1, A_UNDERLINE | A_BOLD, A_REVERSE},
	[STYLE_SELECTED] = {255, 238, A_BOLD, COLOR_BLACK, COLOR_CYAN, 0, A_REVERSE},
	[STYLE_STRONG] = {-1, -1, A_BOLD, -1, -1, A_BOLD, A_BOLD},
	[STYLE_GOOD] = {114, -1, 0, COLOR_GREEN, -1, 0, 0},
	[STYLE_WARNING] = {221, -1, 0, COLOR_YELLOW, -1, 0, A_BOLD},
	[STYLE_ALARM] = {203, -1, A_BOLD, COLOR_RED, -1, A_BOLD, A_BOLD | A_REVERSE},
	[STYLE_KEY] = {117, -1, A_BOLD, COLOR_CYAN, -1, A_BOLD, A_BOLD},
	[STYLE_AXIS] = {242, -1, 0, -1, -1, A_DIM, 0},
	[STYLE_SPARK] = {110, -1, 0, COLOR_CYAN, -1, 0, 0},
	[STYLE_CLASS_RETAINED] = {209, -1, 0, COLOR_RED, -1, 0, 0},
	[STYLE_CLASS_YOUNG] = {114, -1, 0, COLOR_GREEN, -1, 0, A_BOLD},
	[STYLE_CLASS_LAZY] = {110, -1, 0, COLOR_CYAN, -1, 0, 0},
	[STYLE_CLASS_FILE] = {67, -1, 0, COLOR_BLUE, -1, 0, 0},
	[STYLE_CLASS_SHMEM] = {140, -1, 0, COLOR_MAGENTA, -1, 0, 0},
	[STYLE_CLASS_UNEXPLAINED] = {226, -1, A_BOLD, COLOR_YELLOW, -1, A_BOLD, A_BOLD},
};

const char *terminal_error(int error)
{
	switch (error) {
	case -ENOTTY:
		return "standard input and output have to be a terminal";
	case -ENODEV:
		return "TERM is not set or names no terminal known here";
	case -ENOTSUP:
		return "this terminal (TERM) cannot move its cursor";
	case -EBUSY:
		return "the terminal is in use already";
	default:
		return strerror(-error);
	}
}

/* Restoring after a fatal signal. */

static int collect_byte(int byte)
{
	if (terminal.restore_length < RESTORE_LEN)
		terminal.restore[terminal.restore_length++] = (char)byte;
	return byte;
}

/* The bytes that undo full screen, looked up while that is still allowed. */
static void prepare_restore(void)
{
	static const char *const names[] = {"sgr0", "op", "rmkx", "cnorm", "rmcup"};

	terminal.restore_length = 0;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		const char *text = tigetstr(names[i]);

		if (text && text != (const char *)-1)
			tputs(text, 1, collect_byte);
	}
	/* Where there is no other screen to return to, what follows begins a line. */
	collect_byte('\r');
	collect_byte('\n');
}

/* Only async-signal-safe calls. */
static void on_fatal_signal(int number)
{
	int error = errno;

	if (terminal.restorable) {
		terminal.restorable = 0;
		if (write(STDOUT_FILENO, terminal.restore, terminal.restore_length) < 0)
			errno = 0; /* nothing else can be done */
		tcsetattr(STDIN_FILENO, TCSANOW, &terminal.termios);
	}
	for (size_t i = 0; i < FATAL_COUNT; i++) {
		if (fatal_signals[i] == number)
			sigaction(number, &terminal.previous[i], NULL);
	}
	errno = error;
	/* Delivered once this handler returns, so a core shows where it happened. */
	raise(number);
}

static void catch_fatal_signals(void)
{
	struct sigaction action = {.sa_handler = on_fatal_signal, .sa_flags = SA_ONSTACK};
	stack_t stack;

	/* Without a stack of its own the handler could not report an overflown one. */
	if (!sigaltstack(NULL, &stack) && stack.ss_flags & SS_DISABLE) {
		stack = (stack_t){.ss_sp = signal_stack, .ss_size = sizeof(signal_stack)};
		sigaltstack(&stack, NULL);
	}
	sigfillset(&action.sa_mask);
	for (size_t i = 0; i < FATAL_COUNT; i++)
		sigaction(fatal_signals[i], &action, &terminal.previous[i]);
}

static void release_fatal_signals(void)
{
	for (size_t i = 0; i < FATAL_COUNT; i++)
		sigaction(fatal_signals[i], &terminal.previous[i], NULL);
}

/* Opening and closing. */

static void prepare_looks(void)
{
	const char *no_color = getenv("NO_COLOR");
	bool coloured = !(no_color && *no_color) && has_colors() && start_color() == OK &&
			COLORS >= 8 && COLOR_PAIRS > STYLE_COUNT;
	bool many = coloured && COLORS >= 256;
	short own_fore = COLOR_WHITE;
	short own_back = COLOR_BLACK;

	if (coloured && use_default_colors() == OK) {
		own_fore = -1;
		own_back = -1;
	}
	for (short i = 0; i < (short)STYLE_COUNT; i++) {
		const struct look *look = &looks[i];
		short fore = many ? look->fore : look->fore8;
		short back = many ? look->back : look->back8;

		terminal.pairs[i] = 0;
		terminal.attributes[i] = look->plain;
		if (!coloured)
			continue;
		terminal.attributes[i] = many ? look->attributes : look->attributes8;
		if (fore == -1 && back == -1)
			continue;
		init_pair((short)(i + 1), fore == -1 ? own_fore : fore,
			  back == -1 ? own_back : back);
		terminal.pairs[i] = (short)(i + 1);
	}
}

/* newterm() tells no reason; setupterm() by itself would end the process on an error. */
static int check_terminal(void)
{
	int found = 0;
	const char *move;

	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
		return -ENOTTY;
	if (setupterm(NULL, STDOUT_FILENO, &found) != OK || found != 1)
		return -ENODEV;
	move = tigetstr("cup");
	del_curterm(cur_term);
	return move && move != (const char *)-1 ? 0 : -ENOTSUP;
}

int terminal_open(bool *utf8)
{
	int error;

	if (terminal.screen)
		return -EBUSY;
	error = check_terminal();
	if (error)
		return error;
	if (tcgetattr(STDIN_FILENO, &terminal.termios))
		return -errno;
	if (!terminal.exit_hook && atexit(terminal_close))
		return -ENOMEM;
	terminal.exit_hook = true;

	/* Characters only: a comma in figures would break exports. */
	setlocale(LC_CTYPE, "");
	set_escdelay(ESCAPE_DELAY_MS);
	terminal.screen = newterm(NULL, stdout, stdin);
	if (!terminal.screen)
		return -ENODEV;
	prepare_restore();
	terminal.restorable = 1;
	catch_fatal_signals();

	terminal.utf8 = !strcmp(nl_langinfo(CODESET), "UTF-8");
	cbreak();
	noecho();
	nonl();
	keypad(stdscr, TRUE);
	curs_set(0);
	prepare_looks();
	*utf8 = terminal.utf8;
	return 0;
}

void terminal_close(void)
{
	SCREEN *screen = terminal.screen;

	if (!screen)
		return;
	terminal.screen = NULL;
	endwin();
	terminal.restorable = 0;
	release_fatal_signals();
	/* curses thinks the modes it found are its shell modes; ours are from before it. */
	tcsetattr(STDIN_FILENO, TCSADRAIN, &terminal.termios);
	delscreen(screen);
}

void terminal_size(unsigned int *rows, unsigned int *cols)
{
	*rows = LINES > 0 ? (unsigned int)LINES : 0;
	*cols = COLS > 0 ? (unsigned int)COLS : 0;
}

/* Drawing. */

static void put_cell(unsigned int row, unsigned int col, const struct cell *cell)
{
	wchar_t text[2] = {(wchar_t)cell->character, 0};
	unsigned int style = cell->style < STYLE_COUNT ? cell->style : STYLE_NORMAL;
	cchar_t shown;

	if (!terminal.utf8 && cell->character > 0x7e)
		text[0] = L'?';
	/* The last cell of the screen is drawn, though curses calls it an error. */
	if (setcchar(&shown, text, terminal.attributes[style], terminal.pairs[style], NULL) == OK)
		mvadd_wch((int)row, (int)col, &shown);
}

/*
 * While it writes, curses ignores SIGTSTP, and a Ctrl-Z is lost. A blocked
 * signal is kept, even if ignored for a while (sig_ignored(), kernel/signal.c).
 */
static void refresh_screen(void)
{
	sigset_t stop;
	sigset_t before;

	sigemptyset(&stop);
	sigaddset(&stop, SIGTSTP);
	pthread_sigmask(SIG_BLOCK, &stop, &before);
	refresh();
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}

void terminal_flush(const struct grid *grid)
{
	unsigned int rows;
	unsigned int cols;

	if (!terminal.screen)
		return;
	terminal_size(&rows, &cols);
	erase();
	for (unsigned int row = 0; row < rows && row < grid->rows; row++) {
		for (unsigned int col = 0; col < cols && col < grid->cols; col++)
			put_cell(row, col, &grid->cells[(size_t)row * grid->cols + col]);
	}
	refresh_screen();
}

/* Keys. */

static int translate_key(wint_t key, bool function)
{
	static const struct {
		wint_t curses;
		int key;
	} table[] = {
		{KEY_UP, DASHBOARD_KEY_UP},	    {KEY_DOWN, DASHBOARD_KEY_DOWN},
		{KEY_LEFT, DASHBOARD_KEY_LEFT},	    {KEY_RIGHT, DASHBOARD_KEY_RIGHT},
		{KEY_PPAGE, DASHBOARD_KEY_PGUP},    {KEY_NPAGE, DASHBOARD_KEY_PGDN},
		{KEY_HOME, DASHBOARD_KEY_HOME},	    {KEY_END, DASHBOARD_KEY_END},
		{KEY_ENTER, DASHBOARD_KEY_ENTER},   {KEY_BACKSPACE, DASHBOARD_KEY_BACKSPACE},
		{KEY_RESIZE, DASHBOARD_KEY_RESIZE}, {KEY_F(1), '?'},
	};

	if (!function) {
		if (key == ('l' & 0x1f)) {
			/* Ctrl-L: what other programs wrote over the screen goes. */
			clearok(curscr, TRUE);
			return DASHBOARD_KEY_RESIZE;
		}
		return key > 0 && key < 0x80 ? (int)key : DASHBOARD_KEY_NONE;
	}
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		if (table[i].curses == key)
			return table[i].key;
	}
	return DASHBOARD_KEY_NONE;
}

/* A key that is there already; false if none. */
static bool take_key(int *key)
{
	wint_t read;
	int result;

	timeout(0);
	result = get_wch(&read);
	if (result == ERR)
		return false;
	*key = translate_key(read, result == KEY_CODE_YES);
	return true;
}

int terminal_key(int timeout_ms)
{
	struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
	int key;
	int ready;

	if (!terminal.screen)
		return DASHBOARD_KEY_HANGUP;
	if (take_key(&key))
		return key;
	/* curses would go on waiting after a signal that the caller has to see. */
	ready = poll(&input, 1, timeout_ms);
	if (take_key(&key))
		return key;
	/* Readable, yet nothing to read: end of file. */
	if (ready > 0 && (input.revents & (POLLHUP | POLLERR | POLLNVAL)))
		return DASHBOARD_KEY_HANGUP;
	return DASHBOARD_KEY_NONE;
}
