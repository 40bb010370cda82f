// SPDX-License-Identifier: GPL-2.0-only
#include "user/base/log.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "user/base/clean_text.h"

#define LINE_LEN 512
#define HELD_LINES 32

static struct {
	pthread_mutex_t lock;
	enum log_level level;
	bool held;
	char lines[HELD_LINES][LINE_LEN]; /* ring of what was kept */
	size_t kept;			  /* in all, also those overwritten */
	char newest[LINE_LEN];
} logger = {.lock = PTHREAD_MUTEX_INITIALIZER, .level = LOG_INFO};

void log_set_level(enum log_level level)
{
	logger.level = level;
}

static void print_line(const char *line)
{
	fprintf(stderr, "tidemark: %s\n", line);
}

void log_hold(bool held)
{
	pthread_mutex_lock(&logger.lock);
	logger.held = held;
	if (!held) {
		size_t first = logger.kept > HELD_LINES ? logger.kept - HELD_LINES : 0;

		if (first)
			fprintf(stderr, "tidemark: (%zu earlier messages were not kept)\n", first);
		for (size_t i = first; i < logger.kept; i++)
			print_line(logger.lines[i % HELD_LINES]);
		logger.kept = 0;
	}
	pthread_mutex_unlock(&logger.lock);
}

void log_newest(char *text, size_t size)
{
	pthread_mutex_lock(&logger.lock);
	snprintf(text, size, "%s", logger.newest);
	pthread_mutex_unlock(&logger.lock);
}

void log_message(enum log_level level, const char *format, ...)
{
	char text[LINE_LEN], line[CLEAN_TEXT_MAX];
	va_list args;

	if (level > logger.level)
		return;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	/* paths and names may hold anything */
	clean_text(text, line);

	pthread_mutex_lock(&logger.lock);
	memcpy(logger.newest, line, LINE_LEN);
	if (logger.held)
		memcpy(logger.lines[logger.kept++ % HELD_LINES], line, LINE_LEN);
	else
		print_line(line);
	pthread_mutex_unlock(&logger.lock);
}
