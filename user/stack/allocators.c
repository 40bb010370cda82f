// SPDX-License-Identifier: GPL-2.0-only
#include "user/stack/allocators.h"

#include <stdlib.h>
#include <string.h>

#include "bpf/event.h"

/*
 * One row an allocator. Only names that nobody else would choose: a function of
 * the user's is not to be taken for an allocator's.
 */
static const struct allocator_row rows[] = {
	{
		.allocator = ALLOCATOR_JEMALLOC,
		.role = FRAME_ALLOCATOR,
		.has_malloc = true,
		.modules = "libjemalloc*",
		/* with the prefix of Rust's tikv-jemallocator, too */
		.functions = "je_* _rjem_* mallctl* mallocx rallocx xallocx dallocx sdallocx "
			     "os_pages_map*",
	},
	{
		.allocator = ALLOCATOR_MIMALLOC,
		.role = FRAME_ALLOCATOR,
		.has_malloc = true,
		.modules = "libmimalloc*",
		.functions =
			"_mi_* mi_malloc* mi_calloc* mi_realloc* mi_zalloc* mi_free* mi_new* "
			"mi_heap_* mi_page_* mi_segment_* mi_os_* mi_arena_* mi_aligned_alloc* "
			"mi_posix_memalign* mi_memalign*",
	},
	{
		.allocator = ALLOCATOR_TCMALLOC,
		.role = FRAME_ALLOCATOR,
		.has_malloc = true,
		.modules = "libtcmalloc*",
		.functions = "tc_malloc* tc_calloc* tc_realloc* tc_new tc_newarray tc_memalign* "
			     "tc_posix_memalign* tc_valloc* tc_pvalloc* tcmalloc* _ZN8tcmalloc* "
			     "_ZNK8tcmalloc* TCMalloc_* _ZN16MmapSysAllocator* "
			     "_ZN16SbrkSysAllocator* _ZN19DefaultSysAllocator*",
	},
	{
		.allocator = ALLOCATOR_SNMALLOC,
		.role = FRAME_ALLOCATOR,
		.has_malloc = true,
		.modules = "libsnmalloc*",
		.functions = "_ZN8snmalloc* _ZNK8snmalloc* sn_malloc* sn_calloc* sn_realloc* "
			     "sn_memalign* sn_aligned_alloc*",
	},
	{
		/* glibc/malloc/malloc.c and arena.c, where the symbols of static functions are */
		.allocator = ALLOCATOR_GLIBC,
		.role = FRAME_ALLOCATOR,
		.has_malloc = true,
		.functions = "_int_malloc* _int_realloc* _int_memalign* _int_free* _mid_memalign* "
			     "sysmalloc* arena_get2* arena_get_retry* _int_new_arena* tcache_init* "
			     "ptmalloc_init* malloc_consolidate* malloc_hook_ini* __libc_memalign "
			     "__libc_valloc __libc_pvalloc __glibc_morecore __default_morecore "
			     "__malloc_arena_thread_freeres",
	},
	{
		/* musl/src/malloc: mallocng and the one before it */
		.allocator = ALLOCATOR_MUSL,
		.role = FRAME_ALLOCATOR,
		.has_malloc = true,
		.functions =
			"__libc_malloc_impl __malloc_alloc_meta __malloc_allzerop __expand_heap "
			"__simple_malloc __malloc_donate __bin_chunk",
	},
	{
		.allocator = ALLOCATOR_THREADS,
		.role = FRAME_RUNTIME,
		.functions = "pthread_create* __pthread_create* allocate_stack* thrd_create*",
	},
	{
		.allocator = ALLOCATOR_LOADER,
		.role = FRAME_RUNTIME,
		.modules = "ld-linux* ld-2.* ld64.so*",
		.functions =
			"_dl_* __libc_setup_tls __dls2 __dls2b __dls3 load_library map_library",
	},
	{
		/* its mmap goes through C if the program has any */
		.allocator = ALLOCATOR_GO,
		.role = FRAME_RUNTIME,
		.nearest_only = true,
		.functions = "runtime.* runtime/* internal/runtime/* x_cgo_mmap",
	},
	{
		.allocator = ALLOCATOR_JVM,
		.role = FRAME_RUNTIME,
		.modules = "libjvm.so*",
	},
	{
		.allocator = ALLOCATOR_V8,
		.role = FRAME_RUNTIME,
		.nearest_only = true,
		.functions = "_ZN2v8* _ZNK2v8*",
	},
	{
		/* cpython/Objects/obmalloc.c; the mmap module of Python is a library of its own */
		.allocator = ALLOCATOR_PYTHON,
		.role = FRAME_ALLOCATOR,
		.nearest_only = true,
		.functions = "_PyObject_Arena* _PyMem_Arena* _PyObject_Malloc* _PyObject_Calloc* "
			     "_PyObject_Realloc* PyObject_Malloc PyObject_Calloc PyObject_Realloc "
			     "PyMem_Malloc PyMem_Calloc PyMem_Realloc PyMem_RawMalloc "
			     "PyMem_RawCalloc PyMem_RawRealloc _PyMem_Raw* pymalloc_alloc* "
			     "allocate_from_new_pool*",
		.unnamed = "python python2* python3* libpython*",
	},
};

/* What is folded away because it is not the user's own. */
static const struct {
	enum frame_role role;
	const char *modules;
	const char *functions;
} roles[] = {
	/* operator new and delete (Itanium C++ ABI, 5.1.3) */
	{FRAME_ALLOCATOR, NULL, "_Znw* _Zna* _Zdl* _Zda*"},
	/* names before they became mangled ones */
	{FRAME_ALLOCATOR, NULL, "__rust_alloc* __rust_realloc* __rust_dealloc* __rdl_* __rg_*"},
	{FRAME_ALLOCATOR, NULL,
	 "runtime.mallocgc* runtime.sys* runtime.newobject* runtime.makeslice* runtime.growslice* "
	 "runtime.persistentalloc* runtime.(*mheap)* runtime.(*mcache)* runtime.(*mcentral)*"},
	{FRAME_RUNTIME, NULL, "internal/* syscall.*"},
	{FRAME_RUNTIME, NULL, "_ZSt* _ZNSt* _ZNKSt* _ZN9__gnu_cxx* _ZNK9__gnu_cxx*"},
	{FRAME_RUNTIME,
	 "libpthread.so* libpthread-2.* libm.so* libm-2.* libdl.so* libdl-2.* librt.so* librt-2.* "
	 "libstdc++.so* libgcc_s.so* libgcc_s-* libc++.so* libc++abi.so* [vdso]",
	 NULL},
};

/* One name against patterns with spaces between. */
static bool matches(const char *patterns, const char *name)
{
	size_t length = strlen(name);

	while (patterns && *patterns) {
		size_t size = strcspn(patterns, " ");

		if (patterns[size - 1] == '*'
			    ? size - 1 <= length && !memcmp(patterns, name, size - 1)
			    : size == length && !memcmp(patterns, name, size))
			return true;
		patterns += size;
		patterns += *patterns == ' ';
	}
	return false;
}

const struct allocator_row *allocator_of_module(const char *module)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (matches(rows[i].modules, module))
			return &rows[i];
	return NULL;
}

const struct allocator_row *allocator_of_unnamed(const char *module)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (matches(rows[i].unnamed, module))
			return &rows[i];
	return NULL;
}

const struct allocator_row *allocator_of_function(const char *function)
{
	for (size_t i = 0; function && i < sizeof(rows) / sizeof(*rows); i++)
		if (matches(rows[i].functions, function))
			return &rows[i];
	return NULL;
}

bool is_c_library(const char *module, uint32_t *allocator)
{
	if (matches("ld-musl-* libc.musl-*", module)) {
		*allocator = ALLOCATOR_MUSL;
		return true;
	}
	*allocator = ALLOCATOR_GLIBC;
	return matches("libc.so.6 libc-2.* libpthread.so* libpthread-2.*", module);
}

bool is_malloc(const char *function)
{
	/* statically linked, the public name may be the longer alias of the other */
	return function &&
	       matches("__libc_malloc __libc_calloc __libc_realloc __libc_free malloc calloc "
		       "realloc reallocarray free cfree memalign aligned_alloc "
		       "posix_memalign valloc pvalloc malloc_trim mallopt malloc_usable_size",
		       function);
}

bool is_system_call(const char *function)
{
	return function &&
	       matches("mmap mmap64 __mmap __mmap64 munmap __munmap mremap __mremap brk __brk "
		       "sbrk __sbrk madvise __madvise mprotect __mprotect mlock mlock2 mlockall "
		       "process_madvise syscall __syscall syscall.* internal/runtime/syscall.* "
		       "runtime/internal/syscall.* golang.org/x/sys/unix.*",
		       function);
}

bool is_start(const char *function)
{
	return function &&
	       matches("_start __libc_start_main* __libc_start_call_main* generic_start_main* "
		       "clone clone3 __clone __clone3 start_thread _dl_start_user _dl_start "
		       "runtime.goexit* runtime.rt0_go* runtime.mstart* "
		       "runtime.main runtime.systemstack* runtime.mcall* _rt0_*",
		       function);
}

/* ---- Rust ---- */

/* A decimal number and what is behind it. */
static size_t take_length(const char **at)
{
	char *end;
	unsigned long length = **at >= '1' && **at <= '9' ? strtoul(*at, &end, 10) : 0;

	if (length)
		*at = end;
	return length;
}

static bool copy_crate(const char *from, size_t length, char *crate, size_t size)
{
	if (!length || length >= size || strnlen(from, length) < length)
		return false;
	memcpy(crate, from, length);
	crate[length] = '\0';
	return true;
}

/* s...._, which tells one of several from another. */
static const char *skip_disambiguator(const char *at)
{
	const char *end = *at == 's' ? strchr(at, '_') : NULL;

	return end ? end + 1 : at;
}

/* v0, RFC 2603: down the path to its root, a crate. NULL: it begins with a type. */
static const char *root_of_v0(const char *at)
{
	for (;;) {
		switch (*at) {
		case 'N': /* a name, in a namespace that is one letter */
			at += at[1] ? 2 : 1;
			break;
		case 'I': /* with generic arguments behind it */
			at++;
			break;
		case 'M': /* in an impl, where that is */
		case 'X':
			at = skip_disambiguator(at + 1);
			break;
		case 'C':
			return skip_disambiguator(at + 1);
		default:
			return NULL;
		}
	}
}

static bool crate_of_v0(const char *function, char *crate, size_t size)
{
	const char *at = root_of_v0(function + 2);
	size_t length;

	if (!at)
		return false;
	length = take_length(&at);
	/* a _ divides the number from a name that begins with a digit or another _ */
	if (*at == '_')
		at++;
	return copy_crate(at, length, crate, size);
}

/* Legacy: _ZN, then as in C++, and 17h with 16 digits of a hash at the end. */
static bool crate_of_legacy(const char *function, char *crate, size_t size)
{
	static const char mark[] = "_$LT$";
	size_t total = strlen(function), length;
	const char *at = function + 3;

	if (total < 24 || strncmp(function + total - 20, "17h", 3) || function[total - 1] != 'E')
		return false;
	length = take_length(&at);
	if (!length)
		return false;
	/* _$LT$alloc..vec..Vec$LT$T$GT$$u20$as$u20$...: the type comes first */
	if (strncmp(at, mark, strlen(mark)))
		return copy_crate(at, length, crate, size);
	at += strlen(mark);
	return copy_crate(at, strcspn(at, ".$"), crate, size);
}

static bool crate_of(const char *function, char *crate, size_t size)
{
	if (function[0] != '_')
		return false;
	if (function[1] == 'R')
		return crate_of_v0(function, crate, size);
	return function[1] == 'Z' && function[2] == 'N' && crate_of_legacy(function, crate, size);
}

static enum frame_role rust_role(const char *function)
{
	char crate[16];

	if (!crate_of(function, crate, sizeof(crate)))
		return FRAME_USER;
	/* __rustc: where __rust_alloc is since 1.87 */
	if (matches("alloc __rustc", crate))
		return FRAME_ALLOCATOR;
	return matches("core std hashbrown", crate) ? FRAME_RUNTIME : FRAME_USER;
}

/* ---- roles ---- */

enum frame_role name_role(const char *module, const char *function)
{
	const struct allocator_row *row = allocator_of_function(function);
	uint32_t allocator;

	if (is_malloc(function))
		return FRAME_ALLOCATOR;
	for (size_t i = 0; i < sizeof(roles) / sizeof(*roles); i++)
		if ((function && matches(roles[i].functions, function)) ||
		    matches(roles[i].modules, module))
			return roles[i].role;
	if (row)
		return row->role;
	row = allocator_of_module(module);
	if (row)
		return row->role;
	if (is_c_library(module, &allocator) || is_start(function) || is_system_call(function))
		return FRAME_RUNTIME;
	return function ? rust_role(function) : FRAME_USER;
}

#define LIBRARIES "std::* core::* alloc::* __gnu_cxx::* hashbrown::*"

/* Rust's "<TYPE as TRAIT>::function" and "<TYPE>::function", from its type on. */
static bool is_library_impl(const char *type)
{
	const char *trait = strstr(type, " as "), *path = strstr(type, "::");

	if (matches(LIBRARIES, type) || !path)
		return path;
	/* a type without a path is the language's: u8, [T]; what is done for it may be the user's
	 */
	if (trait && trait < path)
		return matches(LIBRARIES, trait + strlen(" as "));
	return path > type && path[-1] == '>' && !memchr(type, '<', (size_t)(path - type));
}

bool is_library_name(const char *name)
{
	const char *type = name + strspn(name, "<&[");

	if (!strncmp(name, "operator new", 12) || !strncmp(name, "operator delete", 15))
		return true;
	if (name[0] != '<')
		return matches(LIBRARIES, name);
	return is_library_impl(strncmp(type, "mut ", 4) ? type : type + 4);
}
