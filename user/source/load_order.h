/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The order in which a process has loaded its program and libraries, which is that in which symbols
 * are looked up: the dynamic loader's own list, read from the process's memory as a debugger does
 * (link.h, struct r_debug). Addresses do not tell: the kernel puts libraries into gaps.
 */
#ifndef TIDEMARK_SOURCE_LOAD_ORDER_H
#define TIDEMARK_SOURCE_LOAD_ORDER_H

#include <stddef.h>
#include <stdint.h>

/* More than any program has that is not made to have many. */
#define LOAD_ORDER_MAX 1024

struct load_order {
	uint64_t bases[LOAD_ORDER_MAX]; /* what is added to the file's addresses; the program's
					   first */
	size_t count;
};

/* dir_fd: its /proc/PID. 0; -ENOENT: no list (yet), or not to be understood; -errno. */
int load_order_read(int dir_fd, struct load_order *order);

/* The place of what has its code at an address; -1: it is not in the list. */
int load_order_place(const struct load_order *order, uint64_t address);

#endif
