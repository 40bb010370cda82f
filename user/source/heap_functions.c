// SPDX-License-Identifier: GPL-2.0-only
#include "user/source/heap_functions.h"

#include <stdlib.h>
#include <string.h>

#define NONE HEAP_NO_ARGUMENT

/*
 * name, what it does, {size, count, old, out}, operator. Sorted by name, as strcmp() has it.
 *
 * Not here: what says how large memory could become where it is (mi_expand), and copies of strings
 * (mi_strdup), whose sizes are in no argument.
 */
static const struct heap_function functions[] = {
	{"_ZdaPv", HEAP_KIND_FREE, {NONE, NONE, 0, NONE}, true},
	{"_ZdaPvRKSt9nothrow_t", HEAP_KIND_FREE, {NONE, NONE, 0, NONE}, true},
	{"_ZdaPvSt11align_val_t", HEAP_KIND_FREE, {NONE, NONE, 0, NONE}, true},
	{"_ZdaPvSt11align_val_tRKSt9nothrow_t", HEAP_KIND_FREE, {NONE, NONE, 0, NONE}, true},
	{"_ZdaPvm", HEAP_KIND_FREE, {NONE, NONE, 0, NONE}, true},
	{"_ZdaPvmSt11align_val_t", HEAP_KIND_FREE, {NONE, NONE, 0, NONE}, true},
	{"_ZdlPv", HEAP_KIND_FREE, {NONE, NONE, 0, NONE}, true},
	{"_ZdlPvRKSt9nothrow_t", HEAP_KIND_FREE, {NONE, NONE, 0, NONE}, true},
	{"_ZdlPvSt11align_val_t", HEAP_KIND_FREE, {NONE, NONE, 0, NONE}, true},
	{"_ZdlPvSt11align_val_tRKSt9nothrow_t", HEAP_KIND_FREE, {NONE, NONE, 0, NONE}, true},
	{"_ZdlPvm", HEAP_KIND_FREE, {NONE, NONE, 0, NONE}, true},
	{"_ZdlPvmSt11align_val_t", HEAP_KIND_FREE, {NONE, NONE, 0, NONE}, true},
	{"_Znam", HEAP_KIND_ALLOC, {0, NONE, NONE, NONE}, true},
	{"_ZnamRKSt9nothrow_t", HEAP_KIND_ALLOC, {0, NONE, NONE, NONE}, true},
	{"_ZnamSt11align_val_t", HEAP_KIND_ALLOC, {0, NONE, NONE, NONE}, true},
	{"_ZnamSt11align_val_tRKSt9nothrow_t", HEAP_KIND_ALLOC, {0, NONE, NONE, NONE}, true},
	{"_Znwm", HEAP_KIND_ALLOC, {0, NONE, NONE, NONE}, true},
	{"_ZnwmRKSt9nothrow_t", HEAP_KIND_ALLOC, {0, NONE, NONE, NONE}, true},
	{"_ZnwmSt11align_val_t", HEAP_KIND_ALLOC, {0, NONE, NONE, NONE}, true},
	{"_ZnwmSt11align_val_tRKSt9nothrow_t", HEAP_KIND_ALLOC, {0, NONE, NONE, NONE}, true},
	{"_aligned_malloc", HEAP_KIND_ALLOC, {0, NONE, NONE, NONE}, false},
	{"aligned_alloc", HEAP_KIND_ALLOC, {1, NONE, NONE, NONE}, false},
	{"calloc", HEAP_KIND_ALLOC, {1, 0, NONE, NONE}, false},
	{"cfree", HEAP_KIND_FREE, {NONE, NONE, 0, NONE}, false},
	{"dallocx", HEAP_KIND_FREE, {NONE, NONE, 0, NONE}, false},
	{"free", HEAP_KIND_FREE, {NONE, NONE, 0, NONE}, false},
	{"free_aligned_sized", HEAP_KIND_FREE, {NONE, NONE, 0, NONE}, false},
	{"free_sized", HEAP_KIND_FREE, {NONE, NONE, 0, NONE}, false},
	{"malloc", HEAP_KIND_ALLOC, {0, NONE, NONE, NONE}, false},
	{"mallocx", HEAP_KIND_ALLOC, {0, NONE, NONE, NONE}, false},
	{"memalign", HEAP_KIND_ALLOC, {1, NONE, NONE, NONE}, false},
	{"mi_aligned_alloc", HEAP_KIND_ALLOC, {1, NONE, NONE, NONE}, false},
	{"mi_aligned_offset_recalloc", HEAP_KIND_REALLOC, {2, 1, 0, NONE}, false},
	{"mi_aligned_recalloc", HEAP_KIND_REALLOC, {2, 1, 0, NONE}, false},
	{"mi_calloc", HEAP_KIND_ALLOC, {1, 0, NONE, NONE}, false},
	{"mi_calloc_aligned", HEAP_KIND_ALLOC, {1, 0, NONE, NONE}, false},
	{"mi_calloc_aligned_at", HEAP_KIND_ALLOC, {1, 0, NONE, NONE}, false},
	{"mi_cfree", HEAP_KIND_FREE, {NONE, NONE, 0, NONE}, false},
	{"mi_free", HEAP_KIND_FREE, {NONE, NONE, 0, NONE}, false},
	{"mi_free_aligned", HEAP_KIND_FREE, {NONE, NONE, 0, NONE}, false},
	{"mi_free_size", HEAP_KIND_FREE, {NONE, NONE, 0, NONE}, false},
	{"mi_free_size_aligned", HEAP_KIND_FREE, {NONE, NONE, 0, NONE}, false},
	{"mi_heap_alloc_new", HEAP_KIND_ALLOC, {1, NONE, NONE, NONE}, false},
	{"mi_heap_alloc_new_n", HEAP_KIND_ALLOC, {2, 1, NONE, NONE}, false},
	{"mi_heap_calloc", HEAP_KIND_ALLOC, {2, 1, NONE, NONE}, false},
	{"mi_heap_calloc_aligned", HEAP_KIND_ALLOC, {2, 1, NONE, NONE}, false},
	{"mi_heap_calloc_aligned_at", HEAP_KIND_ALLOC, {2, 1, NONE, NONE}, false},
	{"mi_heap_malloc", HEAP_KIND_ALLOC, {1, NONE, NONE, NONE}, false},
	{"mi_heap_malloc_aligned", HEAP_KIND_ALLOC, {1, NONE, NONE, NONE}, false},
	{"mi_heap_malloc_aligned_at", HEAP_KIND_ALLOC, {1, NONE, NONE, NONE}, false},
	{"mi_heap_malloc_small", HEAP_KIND_ALLOC, {1, NONE, NONE, NONE}, false},
	{"mi_heap_mallocn", HEAP_KIND_ALLOC, {2, 1, NONE, NONE}, false},
	{"mi_heap_realloc", HEAP_KIND_REALLOC, {2, NONE, 1, NONE}, false},
	{"mi_heap_realloc_aligned", HEAP_KIND_REALLOC, {2, NONE, 1, NONE}, false},
	{"mi_heap_realloc_aligned_at", HEAP_KIND_REALLOC, {2, NONE, 1, NONE}, false},
	{"mi_heap_reallocf", HEAP_KIND_REALLOC_FREES, {2, NONE, 1, NONE}, false},
	{"mi_heap_reallocn", HEAP_KIND_REALLOC, {3, 2, 1, NONE}, false},
	{"mi_heap_recalloc", HEAP_KIND_REALLOC, {3, 2, 1, NONE}, false},
	{"mi_heap_recalloc_aligned", HEAP_KIND_REALLOC, {3, 2, 1, NONE}, false},
	{"mi_heap_recalloc_aligned_at", HEAP_KIND_REALLOC, {3, 2, 1, NONE}, false},
	{"mi_heap_rezalloc", HEAP_KIND_REALLOC, {2, NONE, 1, NONE}, false},
	{"mi_heap_rezalloc_aligned", HEAP_KIND_REALLOC, {2, NONE, 1, NONE}, false},
	{"mi_heap_rezalloc_aligned_at", HEAP_KIND_REALLOC, {2, NONE, 1, NONE}, false},
	{"mi_heap_zalloc", HEAP_KIND_ALLOC, {1, NONE, NONE, NONE}, false},
	{"mi_heap_zalloc_aligned", HEAP_KIND_ALLOC, {1, NONE, NONE, NONE}, false},
	{"mi_heap_zalloc_aligned_at", HEAP_KIND_ALLOC, {1, NONE, NONE, NONE}, false},
	{"mi_malloc", HEAP_KIND_ALLOC, {0, NONE, NONE, NONE}, false},
	{"mi_malloc_aligned", HEAP_KIND_ALLOC, {0, NONE, NONE, NONE}, false},
	{"mi_malloc_aligned_at", HEAP_KIND_ALLOC, {0, NONE, NONE, NONE}, false},
	{"mi_malloc_small", HEAP_KIND_ALLOC, {0, NONE, NONE, NONE}, false},
	{"mi_mallocn", HEAP_KIND_ALLOC, {1, 0, NONE, NONE}, false},
	{"mi_memalign", HEAP_KIND_ALLOC, {1, NONE, NONE, NONE}, false},
	{"mi_new", HEAP_KIND_ALLOC, {0, NONE, NONE, NONE}, false},
	{"mi_new_aligned", HEAP_KIND_ALLOC, {0, NONE, NONE, NONE}, false},
	{"mi_new_aligned_nothrow", HEAP_KIND_ALLOC, {0, NONE, NONE, NONE}, false},
	{"mi_new_n", HEAP_KIND_ALLOC, {1, 0, NONE, NONE}, false},
	{"mi_new_nothrow", HEAP_KIND_ALLOC, {0, NONE, NONE, NONE}, false},
	{"mi_new_realloc", HEAP_KIND_REALLOC, {1, NONE, 0, NONE}, false},
	{"mi_new_reallocn", HEAP_KIND_REALLOC, {2, 1, 0, NONE}, false},
	{"mi_posix_memalign", HEAP_KIND_ALLOC_OUT, {2, NONE, NONE, 0}, false},
	{"mi_pvalloc", HEAP_KIND_ALLOC, {0, NONE, NONE, NONE}, false},
	{"mi_realloc", HEAP_KIND_REALLOC, {1, NONE, 0, NONE}, false},
	{"mi_realloc_aligned", HEAP_KIND_REALLOC, {1, NONE, 0, NONE}, false},
	{"mi_realloc_aligned_at", HEAP_KIND_REALLOC, {1, NONE, 0, NONE}, false},
	{"mi_reallocarr", HEAP_KIND_REALLOC_OUT, {2, 1, NONE, 0}, false},
	{"mi_reallocarray", HEAP_KIND_REALLOC, {2, 1, 0, NONE}, false},
	{"mi_reallocf", HEAP_KIND_REALLOC_FREES, {1, NONE, 0, NONE}, false},
	{"mi_reallocn", HEAP_KIND_REALLOC, {2, 1, 0, NONE}, false},
	{"mi_recalloc", HEAP_KIND_REALLOC, {2, 1, 0, NONE}, false},
	{"mi_recalloc_aligned", HEAP_KIND_REALLOC, {2, 1, 0, NONE}, false},
	{"mi_recalloc_aligned_at", HEAP_KIND_REALLOC, {2, 1, 0, NONE}, false},
	{"mi_rezalloc", HEAP_KIND_REALLOC, {1, NONE, 0, NONE}, false},
	{"mi_rezalloc_aligned", HEAP_KIND_REALLOC, {1, NONE, 0, NONE}, false},
	{"mi_rezalloc_aligned_at", HEAP_KIND_REALLOC, {1, NONE, 0, NONE}, false},
	{"mi_valloc", HEAP_KIND_ALLOC, {0, NONE, NONE, NONE}, false},
	{"mi_zalloc", HEAP_KIND_ALLOC, {0, NONE, NONE, NONE}, false},
	{"mi_zalloc_aligned", HEAP_KIND_ALLOC, {0, NONE, NONE, NONE}, false},
	{"mi_zalloc_aligned_at", HEAP_KIND_ALLOC, {0, NONE, NONE, NONE}, false},
	{"mi_zalloc_small", HEAP_KIND_ALLOC, {0, NONE, NONE, NONE}, false},
	{"posix_memalign", HEAP_KIND_ALLOC_OUT, {2, NONE, NONE, 0}, false},
	{"pvalloc", HEAP_KIND_ALLOC, {0, NONE, NONE, NONE}, false},
	{"rallocx", HEAP_KIND_REALLOC, {1, NONE, 0, NONE}, false},
	{"realloc", HEAP_KIND_REALLOC, {1, NONE, 0, NONE}, false},
	{"reallocarr", HEAP_KIND_REALLOC_OUT, {2, 1, NONE, 0}, false},
	{"reallocarray", HEAP_KIND_REALLOC, {2, 1, 0, NONE}, false},
	{"reallocf", HEAP_KIND_REALLOC_FREES, {1, NONE, 0, NONE}, false},
	{"sdallocx", HEAP_KIND_FREE, {NONE, NONE, 0, NONE}, false},
	{"tc_calloc", HEAP_KIND_ALLOC, {1, 0, NONE, NONE}, false},
	{"tc_cfree", HEAP_KIND_FREE, {NONE, NONE, 0, NONE}, false},
	{"tc_delete", HEAP_KIND_FREE, {NONE, NONE, 0, NONE}, false},
	{"tc_delete_aligned", HEAP_KIND_FREE, {NONE, NONE, 0, NONE}, false},
	{"tc_delete_aligned_nothrow", HEAP_KIND_FREE, {NONE, NONE, 0, NONE}, false},
	{"tc_delete_nothrow", HEAP_KIND_FREE, {NONE, NONE, 0, NONE}, false},
	{"tc_delete_sized", HEAP_KIND_FREE, {NONE, NONE, 0, NONE}, false},
	{"tc_delete_sized_aligned", HEAP_KIND_FREE, {NONE, NONE, 0, NONE}, false},
	{"tc_deletearray", HEAP_KIND_FREE, {NONE, NONE, 0, NONE}, false},
	{"tc_deletearray_aligned", HEAP_KIND_FREE, {NONE, NONE, 0, NONE}, false},
	{"tc_deletearray_aligned_nothrow", HEAP_KIND_FREE, {NONE, NONE, 0, NONE}, false},
	{"tc_deletearray_nothrow", HEAP_KIND_FREE, {NONE, NONE, 0, NONE}, false},
	{"tc_deletearray_sized", HEAP_KIND_FREE, {NONE, NONE, 0, NONE}, false},
	{"tc_deletearray_sized_aligned", HEAP_KIND_FREE, {NONE, NONE, 0, NONE}, false},
	{"tc_free", HEAP_KIND_FREE, {NONE, NONE, 0, NONE}, false},
	{"tc_free_sized", HEAP_KIND_FREE, {NONE, NONE, 0, NONE}, false},
	{"tc_malloc", HEAP_KIND_ALLOC, {0, NONE, NONE, NONE}, false},
	{"tc_malloc_skip_new_handler", HEAP_KIND_ALLOC, {0, NONE, NONE, NONE}, false},
	{"tc_memalign", HEAP_KIND_ALLOC, {1, NONE, NONE, NONE}, false},
	{"tc_new", HEAP_KIND_ALLOC, {0, NONE, NONE, NONE}, false},
	{"tc_new_aligned", HEAP_KIND_ALLOC, {0, NONE, NONE, NONE}, false},
	{"tc_new_aligned_nothrow", HEAP_KIND_ALLOC, {0, NONE, NONE, NONE}, false},
	{"tc_new_nothrow", HEAP_KIND_ALLOC, {0, NONE, NONE, NONE}, false},
	{"tc_newarray", HEAP_KIND_ALLOC, {0, NONE, NONE, NONE}, false},
	{"tc_newarray_aligned", HEAP_KIND_ALLOC, {0, NONE, NONE, NONE}, false},
	{"tc_newarray_aligned_nothrow", HEAP_KIND_ALLOC, {0, NONE, NONE, NONE}, false},
	{"tc_newarray_nothrow", HEAP_KIND_ALLOC, {0, NONE, NONE, NONE}, false},
	{"tc_posix_memalign", HEAP_KIND_ALLOC_OUT, {2, NONE, NONE, 0}, false},
	{"tc_pvalloc", HEAP_KIND_ALLOC, {0, NONE, NONE, NONE}, false},
	{"tc_realloc", HEAP_KIND_REALLOC, {1, NONE, 0, NONE}, false},
	{"tc_valloc", HEAP_KIND_ALLOC, {0, NONE, NONE, NONE}, false},
	{"valloc", HEAP_KIND_ALLOC, {0, NONE, NONE, NONE}, false},
	{"vfree", HEAP_KIND_FREE, {NONE, NONE, 0, NONE}, false},
	{"xallocx", HEAP_KIND_RESIZE, {NONE, NONE, 0, NONE}, false},
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

	return function && !function->is_operator ? function : find(name);
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
