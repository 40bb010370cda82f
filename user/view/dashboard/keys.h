/* SPDX-License-Identifier: GPL-2.0-only */
/* What the terminal and the dashboard both know of keys. */
#ifndef TIDEMARK_VIEW_DASHBOARD_KEYS_H
#define TIDEMARK_VIEW_DASHBOARD_KEYS_H

/* A key: an ASCII character as itself, or one of these. */
enum dashboard_key {
	DASHBOARD_KEY_NONE = 0,
	DASHBOARD_KEY_TAB = '\t',
	DASHBOARD_KEY_ENTER = '\r',
	DASHBOARD_KEY_ESC = 0x1b,
	DASHBOARD_KEY_UP = 0x100,
	DASHBOARD_KEY_DOWN,
	DASHBOARD_KEY_LEFT,
	DASHBOARD_KEY_RIGHT,
	DASHBOARD_KEY_PGUP,
	DASHBOARD_KEY_PGDN,
	DASHBOARD_KEY_HOME,
	DASHBOARD_KEY_END,
	DASHBOARD_KEY_BACKSPACE,
	DASHBOARD_KEY_RESIZE, /* the terminal has another size: draw again */
	DASHBOARD_KEY_HANGUP, /* the terminal is gone: quits */
};

#endif
