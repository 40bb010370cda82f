// SPDX-License-Identifier: GPL-2.0-only
/*
 * big_resident [MIB [MAPPINGS [SECONDS]]]
 *
 * Touches MIB in MAPPINGS mappings, a page of nothing between each two, and rests. Then, with
 * everything else at rest, times its own mmap of 64 KiB and the munmap for SECONDS: what a watcher
 * costs the one it watches. Prints
 *   LATENCY pairs=N p50=US p99=US p99.9=US max=US
 * in microseconds for one mmap and munmap together.
 */
#define _GNU_SOURCE
#include "tests/targets/target.h"

#include <time.h>

enum {
	PROBE_BYTES = 64 * 1024,
	/* Latencies below 2^5 ns are exact, above to 1/32 of their value. */
	SUB_BITS = 5,
	BUCKETS = (64 - SUB_BITS + 1) << SUB_BITS,
	/* A benchmark may keep it at rest for long. */
	REST_SECONDS = 3600,
};

static uint32_t bucket[BUCKETS];

static uint64_t clock_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000ULL + (uint64_t)now.tv_nsec;
}

static size_t bucket_of(uint64_t ns)
{
	int shift;

	if (ns >> SUB_BITS == 0)
		return ns;
	shift = 63 - __builtin_clzll(ns) - SUB_BITS;
	return ((size_t)(shift + 1) << SUB_BITS) + ((ns >> shift) & ((1 << SUB_BITS) - 1));
}

/* The highest value the bucket holds. */
static uint64_t bucket_value(size_t index)
{
	int shift = (int)(index >> SUB_BITS) - 1;
	uint64_t sub = index & ((1 << SUB_BITS) - 1);

	if (shift < 0)
		return index;
	return (((1ULL << SUB_BITS) + sub + 1) << shift) - 1;
}

/* In microseconds: the least value that the given share of all does not exceed. */
static double bucket_quantile(uint64_t total, double share, uint64_t max)
{
	uint64_t wanted = (uint64_t)((double)total * share), seen = 0;

	for (size_t i = 0; i < BUCKETS; i++) {
		seen += bucket[i];
		if (seen > wanted)
			return (double)(bucket_value(i) < max ? bucket_value(i) : max) / 1000;
	}
	return (double)max / 1000;
}

static void probe(void)
{
	char *p =
		mmap(NULL, PROBE_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	target_expect(p != MAP_FAILED && munmap(p, PROBE_BYTES) == 0, "mmap and munmap");
}

static void latency_measure(unsigned long seconds)
{
	uint64_t now = clock_ns(), end = now + seconds * 1000000000ULL, max = 0, pairs = 0;

	while (now < end) {
		uint64_t start = now, took;

		probe();
		now = clock_ns();
		took = now - start;
		bucket[bucket_of(took)]++;
		if (took > max)
			max = took;
		pairs++;
	}
	target_say("LATENCY pairs=%llu p50=%.2f p99=%.2f p99.9=%.2f max=%.2f",
		   (unsigned long long)pairs, bucket_quantile(pairs, 0.5, max),
		   bucket_quantile(pairs, 0.99, max), bucket_quantile(pairs, 0.999, max),
		   (double)max / 1000);
}

/* Mappings of PAGES pages each, one page apart: one VMA each, which no claim need know. */
static char *mappings_make(size_t mappings, size_t pages)
{
	size_t stride = pages + 1;
	char *base = pages_map_prot(mappings * stride, PROT_READ | PROT_WRITE, MAP_NORESERVE);

	for (size_t i = 0; i < mappings; i++) {
		target_expect(munmap(page_at(base, i * stride + pages), PAGE) == 0, "munmap");
		pages_touch(base, i * stride, pages);
	}
	return base;
}

int main(int argc, char **argv)
{
	unsigned long mib, mappings, seconds;
	size_t pages;
	char *base;

	target_start();
	mib = target_argument(argc, argv, 1, 64);
	mappings = target_argument(argc, argv, 2, 8);
	seconds = target_argument(argc, argv, 3, 2);
	target_expect(mappings > 0 && PAGES_OF_MIB(mib) >= mappings, "a page for each mapping");
	target.guard_seconds = (unsigned int)(REST_SECONDS + seconds);
	pages = PAGES_OF_MIB(mib) / mappings;
	memset(bucket, 0, sizeof(bucket));
	base = mappings_make(mappings, pages);
	target_claim(base, mappings * (pages + 1), (long)(mappings * pages), 0, "touched");
	target_rest("touched");
	latency_measure(seconds);
	target_claim(base, mappings * (pages + 1), (long)(mappings * pages), 0, "measured");
	target_rest("measured");
	return 0;
}
