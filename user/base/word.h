/* SPDX-License-Identifier: GPL-2.0-only */
/* The words of an enum that is listed once, in a macro table: a name and a sentence for each. */
#ifndef TIDEMARK_BASE_WORD_H
#define TIDEMARK_BASE_WORD_H

#include <stddef.h>

struct word {
	const char *name;
	const char *help;
};

/* "?" for numbers beyond the table: they may come from a recording. */
static inline const char *word_name(const struct word *words, size_t count, size_t number)
{
	return number < count ? words[number].name : "?";
}

static inline const char *word_help(const struct word *words, size_t count, size_t number)
{
	return number < count ? words[number].help : "?";
}

#endif
