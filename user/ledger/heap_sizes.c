// SPDX-License-Identifier: GPL-2.0-only
/* What allocators make of a request. Measured against their own malloc_usable_size(). */
#include "user/ledger/heap_internal.h"

#define KIB(n) ((uint64_t)(n) << 10)

/* Nothing is as big; rounding it up must not wrap. */
#define SIZE_LIMIT EVENT_ADDRESS_LIMIT

static uint64_t round_up(uint64_t size, uint64_t unit)
{
	return (size + unit - 1) & ~(unit - 1);
}

/* 8, multiples of 16 up to 128, then four classes for each doubling. */
static uint64_t class_of_four(uint64_t size)
{
	if (size <= 8)
		return 8;
	if (size <= 128)
		return round_up(size, 16);
	return round_up(size, (uint64_t)1 << (61 - __builtin_clzll(size - 1)));
}

/* malloc/malloc.c: a header of 8 bytes, chunks of 32 and more in steps of 16. */
static uint64_t glibc_chunk(uint64_t size)
{
	return size <= 24 ? 32 : round_up(size + 8, 16);
}

/* A mapping of its own has a header of 16. */
static uint64_t glibc_mapped(uint64_t size)
{
	return round_up(glibc_chunk(size) + 8, PAGE_BYTES);
}

/*
 * Up to 128 KiB in pages of one class. Above, each is a page of its own, of whole slices: 64 KiB,
 * then 512 KiB; the largest are as _mi_os_good_alloc_size() has them.
 */
static uint64_t mimalloc_rounded(uint64_t size)
{
	if (size <= KIB(128))
		return class_of_four(size);
	if (size <= KIB(512))
		return round_up(size, KIB(64));
	if (size < KIB(8192))
		return round_up(size, KIB(512));
	return round_up(size, size < KIB(32768) ? KIB(1024) : KIB(4096));
}

/* gperftools 2.10; above 64 KiB whole pages of 8 KiB. */
static uint64_t tcmalloc_rounded(uint64_t size)
{
	static const uint32_t sizes[] = {
		8,     16,    32,    48,    64,	   80,	  96,	 112,	128,   144,   160,
		176,   192,   208,   224,   240,   256,	  288,	 320,	352,   384,   416,
		448,   480,   512,   576,   640,   704,	  768,	 896,	1024,  1152,  1280,
		1408,  1536,  1792,  2048,  2304,  2560,  2816,	 3072,	3328,  4096,  4608,
		5120,  6144,  6656,  8192,  9216,  10240, 12288, 13312, 16384, 20480, 24576,
		26624, 32768, 40960, 49152, 57344, 65536,
	};
	size_t low = 0, high = sizeof(sizes) / sizeof(*sizes) - 1;

	if (size > sizes[high])
		return round_up(size, KIB(8));
	while (low < high) {
		size_t middle = (low + high) / 2;

		if (sizes[middle] < size)
			low = middle + 1;
		else
			high = middle;
	}
	return sizes[low];
}

uint64_t heap_rounded(uint32_t allocator, uint64_t size)
{
	if (size > SIZE_LIMIT)
		return size;
	switch (allocator) {
	case ALLOCATOR_GLIBC:
		return size < KIB(128) - 24 ? glibc_chunk(size) : glibc_mapped(size);
	case ALLOCATOR_JEMALLOC:
		return class_of_four(size);
	case ALLOCATOR_MIMALLOC:
		return mimalloc_rounded(size);
	case ALLOCATOR_TCMALLOC:
		return tcmalloc_rounded(size);
	default:
		return size ? round_up(size, 16) : 16;
	}
}

/*
 * glibc's chunks lie side by side from their headers on. Which ones are mappings of their own its
 * threshold says, which moves; their addresses end in 0x010.
 */
struct heap_extent heap_extent(uint32_t allocator, uint64_t addr, uint64_t size)
{
	uint64_t header = allocator == ALLOCATOR_GLIBC && addr >= 16 ? 16 : 0;
	uint64_t length = heap_rounded(allocator, size);

	if (header && size >= KIB(128) - 24 && (addr & (PAGE_BYTES - 1)) != header)
		length = glibc_chunk(size);
	return (struct heap_extent){addr - header, addr - header + length};
}
