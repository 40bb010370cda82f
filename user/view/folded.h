/* SPDX-License-Identifier: GPL-2.0-only */
/* sites.folded, as flame graphs are made of. */
#ifndef TIDEMARK_VIEW_FOLDED_H
#define TIDEMARK_VIEW_FOLDED_H

#include "user/view/export_format.h"

/*
 * A line per site: "COMMAND;OUTERMOST;...;INNERMOST BYTES", the bytes that are
 * retained. A site without a retained page has no line.
 */
int folded_write(FILE *file, const struct process *process, const struct export_context *context);

#endif
