// SPDX-License-Identifier: GPL-2.0-only
/* Size classes, against what the allocators of the system say themselves. */
#include "tests/unit/support.h"

#include "tests/unit/programs.h"
#include "user/ledger/heap_internal.h"

/* Prints the usable size of each request; ends with 77 if the allocator is not the wanted one. */
static const char source[] =
	"#include <dlfcn.h>\n"
	"#include <malloc.h>\n"
	"#include <stdio.h>\n"
	"#include <stdlib.h>\n"
	"static char buffer[1 << 16];\n"
	"static void put(size_t size)\n"
	"{\n"
	"	void *block = malloc(size);\n"
	"	if (!block)\n"
	"		return;\n"
	"	printf(\"%zu %zu %zu\\n\", size, malloc_usable_size(block), (size_t)block & "
	"4095);\n"
	"	free(block);\n"
	"}\n"
	"int main(int argc, char **argv)\n"
	"{\n"
	"	if (argc > 2 && !dlsym(RTLD_DEFAULT, argv[2]))\n"
	"		return 77;\n"
	"	setvbuf(stdout, buffer, _IOFBF, sizeof(buffer));\n"
	"	if (argc > 3) {\n"
	"		put(strtoul(argv[3], NULL, 0));\n"
	"		return 0;\n"
	"	}\n"
	"	for (size_t size = 0; size <= 70000; size++)\n"
	"		put(size);\n"
	"	for (size_t size = 1 << 16; size <= strtoul(argv[1], NULL, 0); size *= 2)\n"
	"		for (size_t add = 0; add < 4; add++)\n"
	"			for (int by = -1; by < 2; by++)\n"
	"				put(size + size / 4 * add + by);\n"
	"	return 0;\n"
	"}\n";

/* Runs it with a library in front; calls check for each line. Returns the lines; 0: not there. */
static size_t usable_sizes(const char *library, const char *arguments,
			   void (*check)(uint64_t size, uint64_t usable, uint64_t offset))
{
	unsigned long size, usable, offset;
	FILE *pipe = output_of("LD_PRELOAD=%s ./sizes %s 2>errors", library, arguments);
	size_t lines = 0;
	int status;

	while (fscanf(pipe, "%lu %lu %lu", &size, &usable, &offset) == 3) {
		check(size, usable, offset);
		lines++;
	}
	status = pclose(pipe);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 77)
		return 0;
	assert_int_equal(status, 0);
	return lines;
}

static void assert_size(uint32_t allocator, uint64_t size, uint64_t expected)
{
	if (heap_rounded(allocator, size) != expected)
		fail_msg("%s: %lu bytes are %lu, not %lu", allocator_name(allocator), size,
			 expected, heap_rounded(allocator, size));
}

static void check_jemalloc(uint64_t size, uint64_t usable, uint64_t offset)
{
	(void)offset;
	assert_size(ALLOCATOR_JEMALLOC, size, usable);
}

static void check_mimalloc(uint64_t size, uint64_t usable, uint64_t offset)
{
	(void)offset;
	assert_size(ALLOCATOR_MIMALLOC, size, usable);
}

static void check_tcmalloc(uint64_t size, uint64_t usable, uint64_t offset)
{
	(void)offset;
	assert_size(ALLOCATOR_TCMALLOC, size, usable);
}

/*
 * A chunk's usable part is all but 8 bytes of it, that of a mapping all but 16. What is left over
 * of a free chunk is given along when it is no chunk of its own: up to 16 bytes.
 */
static void check_glibc(uint64_t size, uint64_t usable, uint64_t offset)
{
	uint64_t addr = 0x7f0000000000 + offset;
	struct heap_extent extent = heap_extent(ALLOCATOR_GLIBC, addr, size);
	uint64_t length = extent.end - extent.start;

	assert_int_equal(extent.start, addr - 16);
	if (size >= 128 << 10 && offset == 16 && (usable + 16) % PAGE_BYTES == 0) {
		assert_int_equal(length, usable + 16);
		assert_size(ALLOCATOR_GLIBC, size, length);
	} else {
		assert_in_range(usable + 8, length, length + 16);
	}
	if (size < 100000)
		assert_size(ALLOCATOR_GLIBC, size, length);
}

static void jemalloc_sizes(void **state)
{
	(void)state;
	if (!usable_sizes("libjemalloc.so.2", "0x10000000 mallctl", check_jemalloc))
		skip();
}

/* Of the largest each has a process of its own: free ones are used for smaller requests, whole. */
static void mimalloc_sizes(void **state)
{
	static const uint64_t large[] = {
		131072,	  131073,   140000,   196608,	196609,	  300000,   524288,
		524289,	  700000,   1048577,  1310737,	1638438,  3200138,  7812933,
		8388607,  8388608,  9766183,  12207745, 15259698, 16777216, 16777217,
		19074639, 23843315, 33554431, 46569038, 90955215,
	};

	(void)state;
	if (!usable_sizes("libmimalloc.so.2.0", "0 mi_malloc", check_mimalloc))
		skip();
	for (size_t i = 0; i < ARRAY_SIZE(large); i++) {
		char arguments[64];

		snprintf(arguments, sizeof(arguments), "0 mi_malloc %lu", large[i]);
		assert_int_equal(usable_sizes("libmimalloc.so.2.0", arguments, check_mimalloc), 1);
	}
}

static void tcmalloc_sizes(void **state)
{
	(void)state;
	if (!usable_sizes("libtcmalloc_minimal.so.4", "0x10000000 tc_malloc", check_tcmalloc))
		skip();
}

static void glibc_sizes(void **state)
{
	(void)state;
	assert_true(usable_sizes("", "0x10000000", check_glibc) > 70000);
}

static void other_sizes(void **state)
{
	(void)state;
	for (uint64_t size = 0; size < 100000; size++) {
		uint64_t rounded = heap_rounded(ALLOCATOR_UNKNOWN, size);

		assert_true(rounded >= size && rounded < size + 17 && rounded % 16 == 0);
	}
	for (uint32_t allocator = 0; allocator <= ALLOCATOR_COUNT; allocator++) {
		assert_true(heap_rounded(allocator, 0) > 0);
		assert_true(heap_rounded(allocator, UINT64_MAX) == UINT64_MAX);
		assert_true(heap_rounded(allocator, EVENT_ADDRESS_LIMIT) >= EVENT_ADDRESS_LIMIT);
	}
}

static int begin(void **state)
{
	int rc = work_begin(state);

	if (rc)
		return rc;
	write_text("sizes.c", source);
	run("gcc -O0 -fno-builtin -o sizes sizes.c -ldl");
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(jemalloc_sizes), cmocka_unit_test(mimalloc_sizes),
		cmocka_unit_test(tcmalloc_sizes), cmocka_unit_test(glibc_sizes),
		cmocka_unit_test(other_sizes),
	};

	return cmocka_run_group_tests_name("heap_sizes", tests, begin, work_end);
}
