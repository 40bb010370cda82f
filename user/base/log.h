/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Messages to the person: one line each on standard error, "tidemark: " first.
 * While a full-screen view is up they are kept, shown in its status line, and
 * printed when it is gone.
 */
#ifndef TIDEMARK_BASE_LOG_H
#define TIDEMARK_BASE_LOG_H

#include <stdbool.h>
#include <stddef.h>

enum log_level { LOG_ERROR, LOG_WARNING, LOG_INFO, LOG_DEBUG };

/* What is above is not printed. Default LOG_INFO. */
void log_set_level(enum log_level level);

/* held: keep messages instead of printing them; false prints what was kept. Thread safe. */
void log_hold(bool held);

/* Copies the newest kept or printed message, without prefix; empty if none. */
void log_newest(char *text, size_t size);

__attribute__((format(printf, 2, 3))) void log_message(enum log_level level, const char *format,
						       ...);

#define log_error(...) log_message(LOG_ERROR, __VA_ARGS__)
#define log_warning(...) log_message(LOG_WARNING, __VA_ARGS__)
#define log_info(...) log_message(LOG_INFO, __VA_ARGS__)
#define log_debug(...) log_message(LOG_DEBUG, __VA_ARGS__)

#endif
