// SPDX-License-Identifier: GPL-2.0-only
#include "user/source/heap_functions.h"

#include <stdlib.h>
#include <string.h>

#define NONE HEAP_NO_ARGUMENT
#define OPERATOR HEAP_FUNCTION_OPERATOR
#define THROWS HEAP_FUNCTION_THROWS

/*
 * name, what it does, {size, count, old, out}, HEAP_FUNCTION_*. Sorted by name, as strcmp() has it.
 *
 * Not here: what says how large memory could become where it is (mi_expand), and copies of strings
 * (mi_strdup), whose sizes are in no argument.
 */
static const struct heap_function functions[] = {
	{"_ZdaPv", HEAP_KIND_FREE, {NONE, NONE, 0, NONE}, OPERATOR},
	{"_ZdaPvRKSt9nothrow_t", HEAP_KIND_FREE, {NONE, NONE, 0, NONE}, OPERATOR},
	{"_ZdaPvSt11align_val_t", HEAP_KIND_FREE, {NONE, NONE, 0, NONE}, OPERATOR},
	{"_ZdaPvSt11align_val_tRKSt9nothrow_t", HEAP_KIND_FREE, {NONE, NONE, 0, NONE}, OPERATOR},
	{"_ZdaPvm", HEAP_KIND_FREE, {NONE, NONE, 0, NONE}, OPERATOR},
	{"_ZdaPvmSt11align_val_t", HEAP_KIND_FREE, {NONE, NONE, 0, NONE}, OPERATOR},
	{"_ZdlPv", HEAP_KIND_FREE, {NONE, NONE, 0, NONE}, OPERATOR},
	{"_ZdlPvRKSt9nothrow_t", HEAP_KIND_FREE, {NONE, NONE, 0, NONE}, OPERATOR},
	{"_ZdlPvSt11align_val_t", HEAP_KIND_FREE, {NONE, NONE, 0, NONE}, OPERATOR},
	{"_ZdlPvSt11align_val_tRKSt9nothrow_t", HEAP_KIND_FREE, {NONE, NONE, 0, NONE}, OPERATOR},
	{"_ZdlPvm", HEAP_KIND_FREE, {NONE, NONE, 0, NONE}, OPERATOR},
	{"_ZdlPvmSt11align_val_t", HEAP_KIND_FREE, {NONE, NONE, 0, NONE}, OPERATOR},
	{"_Znam", HEAP_KIND_ALLOC, {0, NONE, NONE, NONE}, OPERATOR | THROWS},
	{"_ZnamRKSt9nothrow_t", HEAP_KIND_ALLOC, {0, NONE, NONE, NONE}, OPERATOR},
	{"_ZnamSt11align_val_t", HEAP_KIND_ALLOC, {0, NONE, NONE, NONE}, OPERATOR | THROWS},
	{"_ZnamSt11align_val_tRKSt9nothrow_t", HEAP_KIND_ALLOC, {0, NONE, NONE, NONE}, OPERATOR},
	{"_Znwm", HEAP_KIND_ALLOC, {0, NONE, NONE, NONE}, OPERATOR | THROWS},
	{"_ZnwmRKSt9nothrow_t", HEAP_KIND_ALLOC, {0, NONE, NONE, NONE}, OPERATOR},
	{"_ZnwmSt11align_val_t", HEAP_KIND_ALLOC, {0, NONE, NONE, NONE}, OPERATOR | THROWS},
	{"_ZnwmSt11align_val_tRKSt9nothrow_t", HEAP_KIND_ALLOC, {0, NONE, NONE, NONE}, OPERATOR},
	{"_aligned_malloc", HEAP_KIND_ALLOC, {0, NONE, NONE, NONE}, 0},
	{"aligned_alloc", HEAP_KIND_ALLOC, {1, NONE, NONE, NONE}, 0},
	{"calloc", HEAP_KIND_ALLOC, {1, 0, NONE, NONE}, 0},
	{"cfree", HEAP_KIND_FREE, {NONE, NONE, 0, NONE}, 0},
	{"dallocx", HEAP_KIND_FREE, {NONE, NONE, 0, NONE}, 0},
	{"free", HEAP_KIND_FREE, {NONE, NONE, 0, NONE}, 0},
	{"free_aligned_sized", HEAP_KIND_FREE, {NONE, NONE, 0, NONE}, 0},
	{"free_sized", HEAP_KIND_FREE, {NONE, NONE, 0, NONE}, 0},
	{"malloc", HEAP_KIND_ALLOC, {0, NONE, NONE, NONE}, 0},
	{"mallocx", HEAP_KIND_ALLOC, {0, NONE, NONE, NONE}, 0},
	{"memalign", HEAP_KIND_ALLOC, {1, NONE, NONE, NONE}, 0},
	{"mi_aligned_alloc", HEAP_KIND_ALLOC, {1, NONE, NONE, NONE}, 0},
	{"mi_aligned_offset_recalloc", HEAP_KIND_REALLOC, {2, 1, 0, NONE}, 0},
	{"mi_aligned_recalloc", HEAP_KIND_REALLOC, {2, 1, 0, NONE}, 0},
	{"mi_calloc", HEAP_KIND_ALLOC, {1, 0, NONE, NONE}, 0},
	{"mi_calloc_aligned", HEAP_KIND_ALLOC, {1, 0, NONE, NONE}, 0},
	{"mi_calloc_aligned_at", HEAP_KIND_ALLOC, {1, 0, NONE, NONE}, 0},
	{"mi_cfree", HEAP_KIND_FREE, {NONE, NONE, 0, NONE}, 0},
	{"mi_free", HEAP_KIND_FREE, {NONE, NONE, 0, NONE}, 0},
	{"mi_free_aligned", HEAP_KIND_FREE, {NONE, NONE, 0, NONE}, 0},
	{"mi_free_size", HEAP_KIND_FREE, {NONE, NONE, 0, NONE}, 0},
	{"mi_free_size_aligned", HEAP_KIND_FREE, {NONE, NONE, 0, NONE}, 0},
	{"mi_heap_alloc_new", HEAP_KIND_ALLOC, {1, NONE, NONE, NONE}, THROWS},
	{"mi_heap_alloc_new_n", HEAP_KIND_ALLOC, {2, 1, NONE, NONE}, THROWS},
	{"mi_heap_calloc", HEAP_KIND_ALLOC, {2, 1, NONE, NONE}, 0},
	{"mi_heap_calloc_aligned", HEAP_KIND_ALLOC, {2, 1, NONE, NONE}, 0},
	{"mi_heap_calloc_aligned_at", HEAP_KIND_ALLOC, {2, 1, NONE, NONE}, 0},
	{"mi_heap_malloc", HEAP_KIND_ALLOC, {1, NONE, NONE, NONE}, 0},
	{"mi_heap_malloc_aligned", HEAP_KIND_ALLOC, {1, NONE, NONE, NONE}, 0},
	{"mi_heap_malloc_aligned_at", HEAP_KIND_ALLOC, {1, NONE, NONE, NONE}, 0},
	{"mi_heap_malloc_small", HEAP_KIND_ALLOC, {1, NONE, NONE, NONE}, 0},
	{"mi_heap_mallocn", HEAP_KIND_ALLOC, {2, 1, NONE, NONE}, 0},
	{"mi_heap_realloc", HEAP_KIND_REALLOC, {2, NONE, 1, NONE}, 0},
	{"mi_heap_realloc_aligned", HEAP_KIND_REALLOC, {2, NONE, 1, NONE}, 0},
	{"mi_heap_realloc_aligned_at", HEAP_KIND_REALLOC, {2, NONE, 1, NONE}, 0},
	{"mi_heap_reallocf", HEAP_KIND_REALLOC_FREES, {2, NONE, 1, NONE}, 0},
	{"mi_heap_reallocn", HEAP_KIND_REALLOC, {3, 2, 1, NONE}, 0},
	{"mi_heap_recalloc", HEAP_KIND_REALLOC, {3, 2, 1, NONE}, 0},
	{"mi_heap_recalloc_aligned", HEAP_KIND_REALLOC, {3, 2, 1, NONE}, 0},
	{"mi_heap_recalloc_aligned_at", HEAP_KIND_REALLOC, {3, 2, 1, NONE}, 0},
	{"mi_heap_rezalloc", HEAP_KIND_REALLOC, {2, NONE, 1, NONE}, 0},
	{"mi_heap_rezalloc_aligned", HEAP_KIND_REALLOC, {2, NONE, 1, NONE}, 0},
	{"mi_heap_rezalloc_aligned_at", HEAP_KIND_REALLOC, {2, NONE, 1, NONE}, 0},
	{"mi_heap_zalloc", HEAP_KIND_ALLOC, {1, NONE, NONE, NONE}, 0},
	{"mi_heap_zalloc_aligned", HEAP_KIND_ALLOC, {1, NONE, NONE, NONE}, 0},
	{"mi_heap_zalloc_aligned_at", HEAP_KIND_ALLOC, {1, NONE, NONE, NONE}, 0},
	{"mi_malloc", HEAP_KIND_ALLOC, {0, NONE, NONE, NONE}, 0},
	{"mi_malloc_aligned", HEAP_KIND_ALLOC, {0, NONE, NONE, NONE}, 0},
	{"mi_malloc_aligned_at", HEAP_KIND_ALLOC, {0, NONE, NONE, NONE}, 0},
	{"mi_malloc_small", HEAP_KIND_ALLOC, {0, NONE, NONE, NONE}, 0},
	{"mi_mallocn", HEAP_KIND_ALLOC, {1, 0, NONE, NONE}, 0},
	{"mi_memalign", HEAP_KIND_ALLOC, {1, NONE, NONE, NONE}, 0},
	{"mi_new", HEAP_KIND_ALLOC, {0, NONE, NONE, NONE}, THROWS},
	{"mi_new_aligned", HEAP_KIND_ALLOC, {0, NONE, NONE, NONE}, THROWS},
	{"mi_new_aligned_nothrow", HEAP_KIND_ALLOC, {0, NONE, NONE, NONE}, 0},
	{"mi_new_n", HEAP_KIND_ALLOC, {1, 0, NONE, NONE}, THROWS},
	{"mi_new_nothrow", HEAP_KIND_ALLOC, {0, NONE, NONE, NONE}, 0},
	{"mi_new_realloc", HEAP_KIND_REALLOC, {1, NONE, 0, NONE}, THROWS},
	{"mi_new_reallocn", HEAP_KIND_REALLOC, {2, 1, 0, NONE}, THROWS},
	{"mi_posix_memalign", HEAP_KIND_ALLOC_OUT, {2, NONE, NONE, 0}, 0},
	{"mi_pvalloc", HEAP_KIND_ALLOC, {0, NONE, NONE, NONE}, 0},
	{"mi_realloc", HEAP_KIND_REALLOC, {1, NONE, 0, NONE}, 0},
	{"mi_realloc_aligned", HEAP_KIND_REALLOC, {1, NONE, 0, NONE}, 0},
	{"mi_realloc_aligned_at", HEAP_KIND_REALLOC, {1, NONE, 0, NONE}, 0},
	{"mi_reallocarr", HEAP_KIND_REALLOC_OUT, {2, 1, NONE, 0}, 0},
	{"mi_reallocarray", HEAP_KIND_REALLOC, {2, 1, 0, NONE}, 0},
	{"mi_reallocf", HEAP_KIND_REALLOC_FREES, {1, NONE, 0, NONE}, 0},
	{"mi_reallocn", HEAP_KIND_REALLOC, {2, 1, 0, NONE}, 0},
	{"mi_recalloc", HEAP_KIND_REALLOC, {2, 1, 0, NONE}, 0},
	{"mi_recalloc_aligned", HEAP_KIND_REALLOC, {2, 1, 0, NONE}, 0},
	{"mi_recalloc_aligned_at", HEAP_KIND_REALLOC, {2, 1, 0, NONE}, 0},
	{"mi_rezalloc", HEAP_KIND_REALLOC, {1, NONE, 0, NONE}, 0},
	{"mi_rezalloc_aligned", HEAP_KIND_REALLOC, {1, NONE, 0, NONE}, 0},
	{"mi_rezalloc_aligned_at", HEAP_KIND_REALLOC, {1, NONE, 0, NONE}, 0},
	{"mi_valloc", HEAP_KIND_ALLOC, {0, NONE, NONE, NONE}, 0},
	{"mi_zalloc", HEAP_KIND_ALLOC, {0, NONE, NONE, NONE}, 0},
	{"mi_zalloc_aligned", HEAP_KIND_ALLOC, {0, NONE, NONE, NONE}, 0},
	{"mi_zalloc_aligned_at", HEAP_KIND_ALLOC, {0, NONE, NONE, NONE}, 0},
	{"mi_zalloc_small", HEAP_KIND_ALLOC, {0, NONE, NONE, NONE}, 0},
	{"posix_memalign", HEAP_KIND_ALLOC_OUT, {2, NONE, NONE, 0}, 0},
	{"pvalloc", HEAP_KIND_ALLOC, {0, NONE, NONE, NONE}, 0},
	{"rallocx", HEAP_KIND_REALLOC, {1, NONE, 0, NONE}, 0},
	{"realloc", HEAP_KIND_REALLOC, {1, NONE, 0, NONE}, 0},
	{"reallocarr", HEAP_KIND_REALLOC_OUT, {2, 1, NONE, 0}, 0},
	{"reallocarray", HEAP_KIND_REALLOC, {2, 1, 0, NONE}, 0},
	{"reallocf", HEAP_KIND_REALLOC_FREES, {1, NONE, 0, NONE}, 0},
	{"sdallocx", HEAP_KIND_FREE, {NONE, NONE, 0, NONE}, 0},
	{"tc_calloc", HEAP_KIND_ALLOC, {1, 0, NONE, NONE}, 0},
	{"tc_cfree", HEAP_KIND_FREE, {NONE, NONE, 0, NONE}, 0},
	{"tc_delete", HEAP_KIND_FREE, {NONE, NONE, 0, NONE}, 0},
	{"tc_delete_aligned", HEAP_KIND_FREE, {NONE, NONE, 0, NONE}, 0},
	{"tc_delete_aligned_nothrow", HEAP_KIND_FREE, {NONE, NONE, 0, NONE}, 0},
	{"tc_delete_nothrow", HEAP_KIND_FREE, {NONE, NONE, 0, NONE}, 0},
	{"tc_delete_sized", HEAP_KIND_FREE, {NONE, NONE, 0, NONE}, 0},
	{"tc_delete_sized_aligned", HEAP_KIND_FREE, {NONE, NONE, 0, NONE}, 0},
	{"tc_deletearray", HEAP_KIND_FREE, {NONE, NONE, 0, NONE}, 0},
	{"tc_deletearray_aligned", HEAP_KIND_FREE, {NONE, NONE, 0, NONE}, 0},
	{"tc_deletearray_aligned_nothrow", HEAP_KIND_FREE, {NONE, NONE, 0, NONE}, 0},
	{"tc_deletearray_nothrow", HEAP_KIND_FREE, {NONE, NONE, 0, NONE}, 0},
	{"tc_deletearray_sized", HEAP_KIND_FREE, {NONE, NONE, 0, NONE}, 0},
	{"tc_deletearray_sized_aligned", HEAP_KIND_FREE, {NONE, NONE, 0, NONE}, 0},
	{"tc_free", HEAP_KIND_FREE, {NONE, NONE, 0, NONE}, 0},
	{"tc_free_sized", HEAP_KIND_FREE, {NONE, NONE, 0, NONE}, 0},
	{"tc_malloc", HEAP_KIND_ALLOC, {0, NONE, NONE, NONE}, 0},
	{"tc_malloc_skip_new_handler", HEAP_KIND_ALLOC, {0, NONE, NONE, NONE}, 0},
	{"tc_memalign", HEAP_KIND_ALLOC, {1, NONE, NONE, NONE}, 0},
	{"tc_new", HEAP_KIND_ALLOC, {0, NONE, NONE, NONE}, THROWS},
	{"tc_new_aligned", HEAP_KIND_ALLOC, {0, NONE, NONE, NONE}, THROWS},
	{"tc_new_aligned_nothrow", HEAP_KIND_ALLOC, {0, NONE, NONE, NONE}, 0},
	{"tc_new_nothrow", HEAP_KIND_ALLOC, {0, NONE, NONE, NONE}, 0},
	{"tc_newarray", HEAP_KIND_ALLOC, {0, NONE, NONE, NONE}, THROWS},
	{"tc_newarray_aligned", HEAP_KIND_ALLOC, {0, NONE, NONE, NONE}, THROWS},
	{"tc_newarray_aligned_nothrow", HEAP_KIND_ALLOC, {0, NONE, NONE, NONE}, 0},
	{"tc_newarray_nothrow", HEAP_KIND_ALLOC, {0, NONE, NONE, NONE}, 0},
	{"tc_posix_memalign", HEAP_KIND_ALLOC_OUT, {2, NONE, NONE, 0}, 0},
	{"tc_pvalloc", HEAP_KIND_ALLOC, {0, NONE, NONE, NONE}, 0},
	{"tc_realloc", HEAP_KIND_REALLOC, {1, NONE, 0, NONE}, 0},
	{"tc_valloc", HEAP_KIND_ALLOC, {0, NONE, NONE, NONE}, 0},
	{"valloc", HEAP_KIND_ALLOC, {0, NONE, NONE, NONE}, 0},
	{"vfree", HEAP_KIND_FREE, {NONE, NONE, 0, NONE}, 0},
	{"xallocx", HEAP_KIND_RESIZE, {NONE, NONE, 0, NONE}, 0},
};

#define FUNCTIONS (sizeof(functions) / sizeof(*functions))

static int compare_name(const void *name, const void *function)
{
	return strcmp(name, ((const struct heap_function *)function)->name);
}

static const struct heap_function *find(const char *name)
{
	return bsearch(name, functions, FUNCTIONS, sizeof(*functions), compare_name);
}

/* jemalloc's --with-jemalloc-prefix: its manual's, and that of Rust's crate */
static const char *const prefixes[] = {"je_", "_rjem_"};

static const char *without_prefix(const char *name)
{
	for (size_t i = 0; i < sizeof(prefixes) / sizeof(*prefixes); i++) {
		size_t length = strlen(prefixes[i]);

		if (!strncmp(name, prefixes[i], length))
			return name + length;
	}
	return NULL;
}

const struct heap_function *heap_function_find(const char *name)
{
	const char *rest = without_prefix(name);
	const struct heap_function *function = rest ? find(rest) : NULL;

	return function && !(function->flags & OPERATOR) ? function : find(name);
}

const struct heap_function *heap_functions(size_t *count)
{
	*count = FUNCTIONS;
	return functions;
}

enum event_allocator heap_function_owner(const char *name)
{
	static const struct {
		const char *name;
		enum event_allocator owner;
	} owners[] = {
		{"mallocx", ALLOCATOR_JEMALLOC},
		{"mi_malloc", ALLOCATOR_MIMALLOC},
		{"tc_malloc", ALLOCATOR_TCMALLOC},
	};
	const char *rest = without_prefix(name);

	if (rest && find(rest))
		return ALLOCATOR_JEMALLOC;
	for (size_t i = 0; i < sizeof(owners) / sizeof(*owners); i++)
		if (!strcmp(name, owners[i].name))
			return owners[i].owner;
	return ALLOCATOR_UNKNOWN;
}
