/* SPDX-License-Identifier: GPL-2.0-only */
/* Root for what needs it, and no longer. */
#ifndef TIDEMARK_SOURCE_PRIVILEGES_H
#define TIDEMARK_SOURCE_PRIVILEGES_H

#include <stdbool.h>

/*
 * Keeps only CAP_SYS_PTRACE (other processes' /proc), CAP_BPF (the maps), on
 * kernels without PAGEMAP_SCAN CAP_SYS_ADMIN (frame numbers in pagemap), and
 * with keep_write CAP_DAC_OVERRIDE (files in other users' directories), with
 * keep_kill CAP_KILL (a command that became another user's is to be ended). Call it before any
 * thread is made, after the programs are attached and commands started. 0 or a negative errno.
 */
int privileges_drop(bool keep_write, bool keep_kill);

#endif
