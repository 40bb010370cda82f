/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What --invocation names: where in a program an invocation begins and ends.
 *
 *	usdt:PROVIDER:START,END		in any file with code of a watched process
 *	usdt:BINARY:PROVIDER:START,END	in that file
 *	func:BINARY:FUNCTION		its entry and its return
 *
 * BINARY with a '/' is a path, as this process or a watched one sees it; without
 * one, a command of PATH, or the base name of any file with code that a watched
 * process has mapped, of a library also without its version (libfoo, libfoo.so).
 */
#ifndef TIDEMARK_SOURCE_INVOCATION_SPEC_H
#define TIDEMARK_SOURCE_INVOCATION_SPEC_H

#include <stddef.h>

#define INVOCATION_SPECS_MAX 8
#define INVOCATION_NAME_MAX 256 /* with its NUL; a mangled name may be long */

enum invocation_spec_kind { INVOCATION_SPEC_USDT, INVOCATION_SPEC_FUNCTION };

struct invocation_spec {
	enum invocation_spec_kind kind;
	const char *text;  /* as given, the caller's */
	char binary[4096]; /* PATH_MAX; "": any */
	char provider[INVOCATION_NAME_MAX];
	char begin[INVOCATION_NAME_MAX]; /* the probe, or the function */
	char end[INVOCATION_NAME_MAX];	 /* the probe; "" of a function */
};

/* 0; -EINVAL with what is wrong, and what to give instead, in why[size]. */
int invocation_spec_parse(const char *text, struct invocation_spec *spec, char *why, size_t size);

#endif
