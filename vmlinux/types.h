/* SPDX-License-Identifier: GPL-2.0-only */
/* Fixed-width names of the kernel: include/asm-generic/int-ll64.h, include/linux/types.h. */
#ifndef VMLINUX_TYPES_H
#define VMLINUX_TYPES_H

typedef signed char __s8;
typedef unsigned char __u8;
typedef short int __s16;
typedef unsigned short __u16;
typedef int __s32;
typedef unsigned int __u32;
typedef long long int __s64;
typedef unsigned long long __u64;
typedef __s8 s8;
typedef __u8 u8;
typedef __s16 s16;
typedef __u16 u16;
typedef __s32 s32;
typedef __u32 u32;
typedef __s64 s64;
typedef __u64 u64;
typedef _Bool bool;
/* bpf_helper_defs.h declares helpers with these */
typedef __u16 __be16;
typedef __u32 __be32;
typedef __u64 __be64;
typedef __u32 __wsum;

enum {
	false = 0,
	true = 1,
};

#endif
