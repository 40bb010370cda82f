/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Names of watched processes, their files and their symbols, made fit for an
 * export: they may hold anything, and readers refuse what is not UTF-8.
 */
#ifndef TIDEMARK_BASE_CLEAN_TEXT_H
#define TIDEMARK_BASE_CLEAN_TEXT_H

#include <stddef.h>

/* With its NUL. Longer text is cut; names of C++ templates do get that long. */
#define CLEAN_TEXT_MAX 4096

/*
 * Valid UTF-8 without control characters: what is neither becomes '?', byte by
 * byte. Returns clean.
 */
char *clean_text(const char *text, char clean[CLEAN_TEXT_MAX]);

/* The same for an item of a list that is joined by ';', which becomes ':' within it. */
char *clean_item(const char *text, char clean[CLEAN_TEXT_MAX]);

#endif
