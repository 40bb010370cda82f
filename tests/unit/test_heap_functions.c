// SPDX-License-Identifier: GPL-2.0-only
/* The table of allocators' functions, against what the allocators of this machine export. */
#include "tests/unit/support.h"

#include "user/source/heap_functions.h"
#include "user/source/probe_point.h"

/* Nothing that hands memory out, or takes it back. */
static const char *const others[] = {
	"malloc_good_size",
	"malloc_size",
	"malloc_stats_print",
	"malloc_usable_size",
	"mallctl",
	"mallctlbymib",
	"mallctlnametomib",
	"nallocx",
	"sallocx",
	"mi_malloc_size",
	"mi_malloc_good_size",
	"mi_malloc_usable_size",
	"tc_malloc_size",
	"tc_malloc_stats",
	"tc_mallinfo",
	"tc_mallopt",
	"tc_nallocx",
	"mallinfo",
	"mallinfo2",
	"mallopt",
	"malloc_stats",
	"malloc_info",
	"malloc_trim",
	"mi_new_handler",
	"malloc_get_state",
	"malloc_set_state",
	"mi_register_deferred_free",
};

/* mimalloc's own libc names, and Windows's: the same functions under yet another name. */
static bool is_other(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		if (!strcmp(name, others[i]))
			return true;
	return false;
}

static bool looks_like_one(const char *name)
{
	static const char *const parts[] = {"alloc", "free", "memalign", "mi_new",
					    "_Zn",   "_Zd",  "tc_new",	 "tc_delete"};
	static const char *const ends[] = {"malloc", "calloc",	 "realloc",
					   "free",   "memalign", "alloc"};

	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		if (!strncmp(name, parts[i], strlen(parts[i])) && strlen(parts[i]) < 7)
			return true;
	for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
		size_t length = strlen(name), end = strlen(ends[i]);

		if (length >= end && !strcmp(name + length - end, ends[i]))
			return true;
	}
	return false;
}

static size_t check_exports(const char *path)
{
	char command[256], name[512];
	size_t known = 0;
	FILE *nm;

	snprintf(command, sizeof(command),
		 "nm -D --defined-only %s 2>/dev/null | awk '$2 ~ /[TW]/ { sub(/@.*/, \"\", $3); "
		 "print $3 }'",
		 path);
	nm = popen(command, "r");
	assert_non_null(nm);
	while (fscanf(nm, "%511s", name) == 1) {
		if (!strncmp(name, "__", 2) || is_other(name))
			continue;
		if (heap_function_find(name))
			known++;
		else if (looks_like_one(name))
			fail_msg("%s of %s is not in the table", name, path);
	}
	pclose(nm);
	return known;
}

static void exports(void **state)
{
	static const struct {
		const char *path;
		size_t least; /* of its functions, by name */
	} libraries[] = {
		{"/usr/lib/*/libjemalloc.so.2", 33},
		{"/usr/lib/*/libmimalloc.so.2", 90},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(libraries); i++) {
		size_t known = check_exports(libraries[i].path);

		print_message("    %s: %zu names\n", libraries[i].path, known);
		assert_true(known >= libraries[i].least);
	}
}

static bool has(const struct heap_function *function, enum heap_argument argument)
{
	return function->arguments[argument] >= 0;
}

/* Each has the arguments that its kind needs, and no others. */
static void arguments(void **state)
{
	size_t count;
	const struct heap_function *all = heap_functions(&count);

	(void)state;
	assert_true(count < 256);
	for (size_t i = 0; i < count; i++) {
		const struct heap_function *one = &all[i];
		bool frees = one->kind == HEAP_KIND_FREE, resizes = one->kind == HEAP_KIND_RESIZE;
		bool reallocs =
			one->kind == HEAP_KIND_REALLOC || one->kind == HEAP_KIND_REALLOC_FREES;
		bool out = one->kind == HEAP_KIND_ALLOC_OUT || one->kind == HEAP_KIND_REALLOC_OUT;

		if (i)
			assert_true(strcmp(all[i - 1].name, one->name) < 0);
		assert_int_equal(has(one, HEAP_ARGUMENT_SIZE), !frees && !resizes);
		assert_int_equal(has(one, HEAP_ARGUMENT_OLD), frees || resizes || reallocs);
		assert_int_equal(has(one, HEAP_ARGUMENT_OUT), out);
		assert_true(!has(one, HEAP_ARGUMENT_COUNT) || has(one, HEAP_ARGUMENT_SIZE));
		for (unsigned int j = 0; j < HEAP_ARGUMENT_TOTAL; j++)
			assert_true(one->arguments[j] < PROBE_ARGUMENTS_MAX);
		assert_int_equal(one->flags & HEAP_FUNCTION_OPERATOR, !strncmp(one->name, "_Z", 2));
		assert_true(!(one->flags & HEAP_FUNCTION_THROWS) || !strstr(one->name, "nothrow"));
		assert_ptr_equal(heap_function_find(one->name), one);
	}
}

static void names(void **state)
{
	(void)state;
	assert_string_equal(heap_function_find("je_malloc")->name, "malloc");
	assert_string_equal(heap_function_find("_rjem_sdallocx")->name, "sdallocx");
	assert_null(heap_function_find("je_"));
	assert_null(heap_function_find("je__Znwm"));
	assert_null(heap_function_find("mallocs"));
	assert_null(heap_function_find("mallo"));
	assert_null(heap_function_find(""));
	assert_int_equal(heap_function_owner("je_malloc"), ALLOCATOR_JEMALLOC);
	assert_int_equal(heap_function_owner("mallocx"), ALLOCATOR_JEMALLOC);
	assert_int_equal(heap_function_owner("mi_malloc"), ALLOCATOR_MIMALLOC);
	assert_int_equal(heap_function_owner("tc_malloc"), ALLOCATOR_TCMALLOC);
	assert_int_equal(heap_function_owner("malloc"), ALLOCATOR_UNKNOWN);
	assert_int_equal(heap_function_owner("je_frobnicate"), ALLOCATOR_UNKNOWN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(exports),
		cmocka_unit_test(arguments),
		cmocka_unit_test(names),
	};

	return cmocka_run_group_tests_name("heap_functions", tests, NULL, NULL);
}
