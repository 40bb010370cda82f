/* SPDX-License-Identifier: GPL-2.0-only */
/* Two moments side by side: per class, per site and per mapping what changed. */
#ifndef TIDEMARK_VIEW_DIFF_TEXT_H
#define TIDEMARK_VIEW_DIFF_TEXT_H

#include <stdio.h>

#include "user/view/moment.h"

/*
 * For people. A process of one moment goes with that of the other which has its pid and its begin;
 * where there is none, with the first of the same command that is left; where both moments have
 * one, whatever it is called. What is in one moment only is held against nothing. The greatest
 * changes come first. 0 or -ENOMEM.
 */
int diff_write(FILE *file, const struct moment *a, const struct moment *b);

#endif
