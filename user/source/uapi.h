/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Kernel interfaces newer than the headers this may be built with. Values are
 * ABI: include/uapi/linux/fs.h of Linux 6.11 (PROCMAP_QUERY, commit
 * ed5d583a88a9) and 6.7 (PAGEMAP_SCAN, commit 52526ca7fdb9), and
 * Documentation/admin-guide/mm/pagemap.rst; include/uapi/linux/bpf.h of 6.6 (uprobe_multi, commit
 * 89ae89f53d20).
 */
#ifndef TIDEMARK_SOURCE_UAPI_H
#define TIDEMARK_SOURCE_UAPI_H

#include <stdint.h>

#include <linux/fs.h>
#include <sys/ioctl.h>

#ifndef PROCMAP_QUERY
#define PROCMAP_QUERY_VMA_READABLE 0x01
#define PROCMAP_QUERY_VMA_WRITABLE 0x02
#define PROCMAP_QUERY_VMA_EXECUTABLE 0x04
#define PROCMAP_QUERY_VMA_SHARED 0x08
#define PROCMAP_QUERY_COVERING_OR_NEXT_VMA 0x10

struct procmap_query {
	uint64_t size;
	uint64_t query_flags;
	uint64_t query_addr;
	uint64_t vma_start;
	uint64_t vma_end;
	uint64_t vma_flags;
	uint64_t vma_page_size;
	uint64_t vma_offset;
	uint64_t inode;
	uint32_t dev_major;
	uint32_t dev_minor;
	uint32_t vma_name_size;
	uint32_t build_id_size;
	uint64_t vma_name_addr;
	uint64_t build_id_addr;
};

#define PROCMAP_QUERY _IOWR('f', 17, struct procmap_query)
#endif

#ifndef PAGEMAP_SCAN
#define PAGE_IS_FILE (1 << 2)
#define PAGE_IS_PRESENT (1 << 3)
#define PAGE_IS_PFNZERO (1 << 5)

struct page_region {
	uint64_t start;
	uint64_t end;
	uint64_t categories;
};

struct pm_scan_arg {
	uint64_t size;
	uint64_t flags;
	uint64_t start;
	uint64_t end;
	uint64_t walk_end;
	uint64_t vec;
	uint64_t vec_len;
	uint64_t max_pages;
	uint64_t category_inverted;
	uint64_t category_mask;
	uint64_t category_anyof_mask;
	uint64_t return_mask;
};

#define PAGEMAP_SCAN _IOWR('f', 16, struct pm_scan_arg)
#endif

/* What bpf(BPF_LINK_CREATE) takes for uprobes: union bpf_attr, link_create and uprobe_multi. */
#define UPROBE_MULTI_LINK_CREATE 28
#define UPROBE_MULTI_ATTACH_TYPE 48 /* BPF_TRACE_UPROBE_MULTI */
#define UPROBE_MULTI_RETURN 1

struct uprobe_multi_attr {
	uint32_t prog_fd;
	uint32_t target_fd;
	uint32_t attach_type;
	uint32_t link_flags;
	uint64_t path;
	uint64_t offsets;
	uint64_t ref_ctr_offsets;
	uint64_t cookies;
	uint32_t count;
	uint32_t flags;
	uint32_t pid;
	uint32_t pad;
};

/* Bits of an entry of /proc/PID/pagemap. */
#define PAGEMAP_PRESENT (1ULL << 63)
#define PAGEMAP_FILE (1ULL << 61) /* of a file, or shared anonymous */
#define PAGEMAP_EXCLUSIVE (1ULL << 56)
#define PAGEMAP_PFN_MASK ((1ULL << 55) - 1)

#endif
