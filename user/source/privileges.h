/* SPDX-License-Identifier: GPL-2.0-only */
/* Root for what needs it, and no longer. */
#ifndef TIDEMARK_SOURCE_PRIVILEGES_H
#define TIDEMARK_SOURCE_PRIVILEGES_H

#include <stdbool.h>

/*
 * Keeps only CAP_SYS_PTRACE (other processes' /proc), CAP_BPF (the maps), CAP_CHECKPOINT_RESTORE
 * and CAP_DAC_READ_SEARCH (the files they have mapped); on kernels without PAGEMAP_SCAN
 * CAP_SYS_ADMIN (frame numbers in pagemap); with keep_write CAP_DAC_OVERRIDE (files in other users'
 * directories), with keep_kill CAP_KILL (a command that became another user's is to be ended), with
 * keep_probes CAP_PERFMON, or CAP_SYS_ADMIN where the kernel asks for that (uprobes on the files of
 * processes that are still to come). Call it before any thread is made, after the programs are
 * attached and commands started. 0 or a negative errno.
 */
int privileges_drop(bool keep_write, bool keep_kill, bool keep_probes);

#endif
