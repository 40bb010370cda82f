// SPDX-License-Identifier: GPL-2.0-only
/* What stacks say, by stacks of libraries that have nothing but names. */
#include "tests/unit/support.h"

#include "tests/unit/programs.h"
#include "user/stack/allocators.h"
#include "user/stack/frames.h"

#define MODULES_MAX 32

static struct stacks *stacks;
static struct symbols *symbols;
static struct {
	char name[64];
	uint32_t number;
} modules[MODULES_MAX];
static size_t module_count;

/* A library of functions that do nothing, 16 bytes each; after them is code without a name. */
static void make_library(const char *name, const char *const *functions)
{
	FILE *file = fopen(in_work("library.s"), "we");

	assert_non_null(file);
	fputs(".text\n", file);
	for (; *functions; functions++)
		fprintf(file,
			".globl \"%s\"\n.type \"%s\",@function\n\"%s\": .skip 16,0x90\n"
			".size \"%s\",16\n",
			*functions, *functions, *functions, *functions);
	fputs(".skip 16,0x90\n.section .note.GNU-stack,\"\"\n", file);
	assert_int_equal(fclose(file), 0);
	run("gcc -shared -nostdlib -Wl,--build-id -o '%s' library.s", name);
}

#define LIBRARY(name, ...) make_library(name, (const char *const[]){__VA_ARGS__, NULL})

static const char handler[] =
	"static inline __attribute__((always_inline)) int slot(int x)\n"
	"{\n"
	"	volatile int y = x * 3;\n"
	"	return y + 1;\n"
	"}\n"
	"__attribute__((noinline)) int cache_insert(int x)\n"
	"{\n"
	"	return slot(x) + x;\n"
	"}\n"
	"__attribute__((noinline)) int parse(int x) { return cache_insert(x) + 1; }\n"
	"int main(int argc, char **argv) { return argv ? parse(argc) : 0; }\n";

static const char shop[] =
	"#include <vector>\n"
	"namespace shop {\n"
	"struct Order { std::vector<int> counts; void add(int count); bool operator()(int) const; "
	"};\n"
	"__attribute__((noinline)) void Order::add(int count)\n"
	"{\n"
	"	counts.push_back(count);\n"
	"}\n"
	"bool Order::operator()(int x) const { return counts[x]; }\n"
	"namespace { __attribute__((noinline)) int quiet(int x) { return x * 3; } }\n"
	"int loud(int x) { return quiet(x) + quiet(x + 1); }\n"
	"}\n"
	"int main(int argc, char **argv)\n"
	"{\n"
	"	shop::Order order;\n"
	"	for (int i = 0; i < argc; i++)\n"
	"		order.add(shop::loud(i));\n"
	"	return order(0) + (argv != 0);\n"
	"}\n";

static void make_libraries(void)
{
	LIBRARY("libc.so.6", "mmap", "mmap64_gap", "brk", "sbrk", "mremap", "syscall", "madvise",
		"malloc", "calloc", "realloc", "posix_memalign", "free", "sysmalloc", "_int_malloc",
		"arena_get2.part.0", "alloc_new_heap", "__libc_start_main",
		"__libc_start_call_main", "start_thread", "clone3", "pthread_create", "fopen",
		"qsort", "strdup", "memset", "posix_spawn", "dlopen");
	LIBRARY("stripped/libc.so.6", "mmap", "brk", "sbrk", "malloc", "qsort", "fopen",
		"pthread_create", "__libc_start_main");
	LIBRARY("ld-linux-x86-64.so.2", "_start", "_dl_start", "_dl_map_segments", "mmap", "malloc",
		"_dl_catch_exception");
	LIBRARY("ld-musl-x86_64.so.1", "mmap", "malloc", "alloc_group", "__libc_malloc_impl",
		"pthread_create", "strdup", "fopen");
	LIBRARY("libjemalloc.so.2", "malloc", "je_extent_alloc", "os_pages_map");
	LIBRARY("libmimalloc.so.2", "malloc", "mi_malloc", "_mi_os_alloc");
	LIBRARY("libtcmalloc_minimal.so.4", "malloc", "tc_malloc");
	LIBRARY("libsnmallocshim.so", "malloc");
	LIBRARY("libstdc++.so.6", "_Znwm", "_ZnamSt11align_val_t",
		"_ZNSt6thread15_M_start_threadEv", "_ZNSs4_Rep9_S_createEmmRKSaIcE");
	LIBRARY("libfoo.so.1", "foo_make", "foo_read", "_ZN3foo4makeEi");
	LIBRARY("libjvm.so", "_ZN2os14reserve_memoryEm", "JVM_NewArray");
	LIBRARY("addon.node", "addon_run");
	LIBRARY("node", "_ZN2v84base2OS8AllocateEPvmmNS1_16MemoryPermissionE", "uv_run",
		"_ZN2v88internal4Heap8AllocateEv", "_ZN4node5StartEv", "_start", "main");
	LIBRARY("python3.11", "PyObject_Malloc", "PyList_New", "_PyEval_EvalFrameDefault", "main",
		"_PyObject_ArenaMmap", "PyMem_RawMalloc", "_start");
	LIBRARY("mmap.cpython-311-x86_64-linux-gnu.so", "new_mmap_object");
	LIBRARY("program", "_start", "main", "work", "more", "malloc", "pool_grow", "runtime_init",
		"mi_open", "new_heap", "start_threads");
	LIBRARY("static-glibc", "_start", "main", "work", "mmap", "brk", "sysmalloc", "_int_malloc",
		"malloc", "realloc", "mremap", "__libc_setup_tls", "pthread_create",
		"_dl_map_object", "__libc_start_main");
	LIBRARY("static-jemalloc", "_start", "main", "work", "malloc", "pages_map", "extent_grow",
		"je_arena_malloc_hard", "mallctl");
	LIBRARY("rust-program", "main", "_rjem_je_pages_map", "os_pages_map",
		"_ZN5alloc7raw_vec19RawVec$LT$T$C$A$GT$8grow_one17h0123456789abcdefE",
		"_ZN4core3ptr13drop_in_place17h0123456789abcdefE",
		"_ZN7mycrate5cache6insert17h0123456789abcdefE",
		"_ZN98_$LT$alloc..vec..Vec$LT$T$GT$$u20$as$u20$core..iter..Extend$GT$"
		"6extend17h0123456789abcdefE",
		"_RNvNtCs1234_5alloc5alloc17handle_alloc_error",
		"_RNvNtCs1234_7mycrate5cache6insert",
		"_RINvCs1234_7mycrate4growINtNtCs9_5alloc3vec3VechEE",
		"_RINvXsC_NtNtCs12_5alloc3vec14spec_from_elemhNtB4_12SpecFromElem9from_elemE",
		"_RNvMs_Cs1234_7mycrateNtB2_5Cache4make", "_RNvYhNtCs_5alloc3vec1f", "_RN",
		"_RNvCs99_7___rustc12___rust_alloc", "__rust_realloc", "__rdl_alloc");
	LIBRARY("go-program", "runtime.sysMmap.abi0", "runtime.sysReserve", "runtime.(*mheap).grow",
		"runtime.mallocgc", "runtime.newobject", "runtime.goexit.abi0", "runtime.main",
		"main.main", "main.(*T).grow", "runtime/internal/syscall.Syscall6",
		"syscall.RawSyscall6", "syscall.Mmap", "x_cgo_mmap", "runtime.systemstack.abi0");
	LIBRARY("[vdso]", "clock_gettime");
}

static uint32_t module_number(const char *name)
{
	for (size_t i = 0; i < module_count; i++)
		if (!strcmp(modules[i].name, name))
			return modules[i].number;
	assert_true(module_count < MODULES_MAX);
	snprintf(modules[module_count].name, sizeof(modules[0].name), "%s", name);
	modules[module_count].number = !strcmp(name, "[jit]")
					       ? add_module(stacks, name, MODULE_NO_FILE)
					       : add_module(stacks, in_work(name), 0);
	return modules[module_count++].number;
}

static int begin(void **state)
{
	if (work_begin(state))
		return -1;
	run("mkdir stripped");
	make_libraries();
	write_text("handler.c", handler);
	write_text("shop.cc", shop);
	run("gcc -O1 -g -o handler handler.c && g++ -O2 -g -o shop shop.cc");
	stacks = stacks_new(NULL, NULL);
	symbols = symbols_new(stacks, true);
	return stacks && symbols ? 0 : -1;
}

static int end(void **state)
{
	symbols_free(symbols);
	stacks_free(stacks);
	return work_end(state);
}

/* "MODULE!FUNCTION", "MODULE!FUNCTION+OFFSET"; without a function code that has no name. */
static struct event_frame frame_of(const char *text)
{
	struct event_frame frame = {0};
	char module[64], function[256] = "";
	const char *mark = strchr(text, '!');
	char *plus;

	if (!mark)
		return (struct event_frame){.address = 0x1234};
	snprintf(module, sizeof(module), "%.*s", (int)(mark - text), text);
	snprintf(function, sizeof(function), "%s", mark + 1);
	frame.module = module_number(module);
	if (!function[0]) {
		/* in the page before the code */
		frame.address = 0x10;
		return frame;
	}
	plus = strchr(function, '+');
	if (plus) {
		*plus = '\0';
		frame.address = strtoull(plus + 1, NULL, 0);
	}
	frame.address += address_of(module, function);
	return frame;
}

static const struct stack *stack_of(enum stack_end end, const char *const *frames)
{
	const struct event_header at = {.pid = 1, .tid = 1, .time_ns = 1};
	struct event_frame chain[16];
	size_t count = 0;
	uint32_t number;

	for (; frames[count]; count++)
		chain[count] = frame_of(frames[count]);
	number = stacks_add(stacks, chain, count, end, &at);
	assert_int_not_equal(number, 0);
	return stacks_get(stacks, number);
}

#define STACK(...) stack_of(STACK_END_COMPLETE, (const char *const[]){__VA_ARGS__, NULL})
#define CUT_STACK(...) stack_of(STACK_END_CUT, (const char *const[]){__VA_ARGS__, NULL})

static void assert_role(const char *text, enum frame_role role)
{
	const struct event_frame frame = frame_of(text);

	if (frame_role(symbols, &frame) != role)
		fail_msg("%s is %d instead of %d", text, frame_role(symbols, &frame), role);
}

static void every_frame_has_a_role(void **state)
{
	static const char *const users[] = {
		"program!main", "program!work", "program!", "libfoo.so.1!foo_make", "libfoo.so.1!",
		"[jit]!", "0x1234", "go-program!main.main", "go-program!main.(*T).grow",
		"rust-program!_ZN7mycrate5cache6insert17h0123456789abcdefE",
		"rust-program!_RNvNtCs1234_7mycrate5cache6insert",
		"rust-program!_RNvMs_Cs1234_7mycrateNtB2_5Cache4make",
		"rust-program!_RNvYhNtCs_5alloc3vec1f", "rust-program!_RN",
		/* of the user's, though it is about a vector */
		"rust-program!_RINvCs1234_7mycrate4growINtNtCs9_5alloc3vec3VechEE",
		"python3.11!_PyEval_EvalFrameDefault", "node!_ZN4node5StartEv",
		"addon.node!addon_run",
		/* names that only look like others */
		"program!runtime_init", "program!mi_open", "program!new_heap",
		"program!start_threads"};
	static const char *const allocators[] = {
		"libc.so.6!malloc",
		"libc.so.6!sysmalloc",
		"libc.so.6!arena_get2.part.0",
		"libc.so.6!posix_memalign",
		"libjemalloc.so.2!malloc",
		"libjemalloc.so.2!",
		"libmimalloc.so.2!_mi_os_alloc",
		"libtcmalloc_minimal.so.4!tc_malloc",
		"libsnmallocshim.so!",
		"libstdc++.so.6!_Znwm",
		"libstdc++.so.6!_ZnamSt11align_val_t",
		"program!malloc",
		"static-glibc!_int_malloc",
		"static-jemalloc!je_arena_malloc_hard",
		"rust-program!_rjem_je_pages_map",
		"rust-program!__rust_realloc",
		"rust-program!__rdl_alloc",
		"rust-program!_RNvCs99_7___rustc12___rust_alloc",
		"rust-program!_RNvNtCs1234_5alloc5alloc17handle_alloc_error",
		"rust-program!_ZN5alloc7raw_vec19RawVec$LT$T$C$A$GT$8grow_one17h0123456789abcdefE",
		"rust-program!_ZN98_$LT$alloc..vec..Vec$LT$T$GT$$u20$as$u20$core..iter..Extend$GT$"
		"6extend17h0123456789abcdefE",
		"rust-program!_RINvXsC_NtNtCs12_5alloc3vec14spec_from_elemhNtB4_"
		"12SpecFromElem9from_elemE",
		"go-program!runtime.mallocgc",
		"go-program!runtime.sysMmap.abi0",
		"go-program!runtime.(*mheap).grow",
		"python3.11!PyObject_Malloc"};
	static const char *const runtimes[] = {
		"libc.so.6!memset",
		"libc.so.6!fopen",
		"libc.so.6!",
		"libc.so.6!mmap",
		"stripped/libc.so.6!",
		"ld-linux-x86-64.so.2!_dl_map_segments",
		"ld-linux-x86-64.so.2!",
		"ld-musl-x86_64.so.1!fopen",
		"ld-musl-x86_64.so.1!",
		"[vdso]!clock_gettime",
		"libstdc++.so.6!_ZNSt6thread15_M_start_threadEv",
		"libstdc++.so.6!",
		"program!_start",
		"static-glibc!mmap",
		"static-glibc!__libc_start_main",
		"go-program!runtime.main",
		"go-program!syscall.Mmap",
		"libjvm.so!JVM_NewArray",
		"node!_ZN2v88internal4Heap8AllocateEv",
		"rust-program!_ZN4core3ptr13drop_in_place17h0123456789abcdefE"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(users); i++)
		assert_role(users[i], FRAME_USER);
	for (size_t i = 0; i < ARRAY_SIZE(allocators); i++)
		assert_role(allocators[i], FRAME_ALLOCATOR);
	for (size_t i = 0; i < ARRAY_SIZE(runtimes); i++)
		assert_role(runtimes[i], FRAME_RUNTIME);
}

/* A file that was replaced while in use is still what it was. */
static void replaced_files_keep_their_role(void **state)
{
	static const char *const names[] = {"/usr/lib/libc.so.6 (deleted)",
					    "/opt/libjemalloc.so.2 (deleted)"};
	static const enum frame_role expected[] = {FRAME_RUNTIME, FRAME_ALLOCATOR};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		const struct event_frame frame = {.module = add_module(stacks, names[i], 0),
						  .address = 0x10};

		assert_int_equal(frame_role(symbols, &frame), expected[i]);
	}
}

static void leading_frames_are_folded(void **state)
{
	const struct stack empty = {0};

	(void)state;
	assert_int_equal(stack_folded(symbols, STACK("libc.so.6!mmap", "libc.so.6!sysmalloc",
						     "libc.so.6!malloc", "libstdc++.so.6!_Znwm",
						     "program!work", "libc.so.6!qsort",
						     "program!main", "program!_start")),
			 4);
	assert_int_equal(stack_folded(symbols, STACK("program!work", "program!main")), 0);
	/* no user: the outermost that says anything */
	assert_int_equal(
		stack_folded(symbols, STACK("libc.so.6!mmap", "libc.so.6!malloc", "libc.so.6!fopen",
					    "libc.so.6!start_thread", "libc.so.6!clone3")),
		2);
	/* of a stripped library the start has no name */
	assert_int_equal(
		stack_folded(symbols, STACK("stripped/libc.so.6!mmap", "stripped/libc.so.6!fopen",
					    "stripped/libc.so.6!", "stripped/libc.so.6!")),
		1);
	assert_int_equal(stack_folded(symbols, STACK("libc.so.6!start_thread", "libc.so.6!clone3")),
			 0);
	assert_int_equal(stack_folded(symbols, STACK("libc.so.6!mmap")), 0);
	assert_int_equal(stack_folded(symbols, &empty), 0);
}

/* ---- titles ---- */

static void assert_title(const struct stack *stack, const char *expected)
{
	char text[256];

	assert_ptr_equal(stack_title(symbols, stack, text, sizeof(text)), text);
	assert_string_equal(text, expected);
}

static void a_title_is_the_users_line(void **state)
{
	(void)state;
	assert_title(STACK("libc.so.6!mmap", "libc.so.6!malloc", "handler!parse+1", "handler!main"),
		     "parse (handler.c:10)");
	assert_title(STACK("libc.so.6!malloc", "program!work", "program!main"), "work");
	assert_title(STACK("libc.so.6!malloc", "program!", "program!main"), "program+0x10");
	assert_title(STACK("0x1234"), "0x1234");
	assert_title(STACK("[jit]!", "program!main"), "[jit]+0x10");
}

static void inlined_functions_come_first(void **state)
{
	struct event_frame frame = frame_of("handler!cache_insert");
	const struct event_header at = {.pid = 1};
	char text[256];
	uint32_t number;

	(void)state;
	while (symbols_of(symbols, &frame).count < 2)
		frame.address++;
	number = stacks_add(stacks, &frame, 1, STACK_END_COMPLETE, &at);
	stack_title(symbols, stacks_get(stacks, number), text, sizeof(text));
	assert_memory_equal(text, "slot (handler.c:", 16);
	/* but not those of the language's own library */
	frame = frame_of("shop!_ZN4shop5Order3addEi");
	while (symbols_of(symbols, &frame).count < 2)
		frame.address++;
	number = stacks_add(stacks, &frame, 1, STACK_END_COMPLETE, &at);
	assert_title(stacks_get(stacks, number), "shop::Order::add (shop.cc:6)");
}

static void names_of_languages_libraries(void **state)
{
	static const char *const library[] = {
		"std::vector<int, std::allocator<int> >::push_back(int&&)",
		"operator new(unsigned long)",
		"__gnu_cxx::new_allocator<int>::allocate(unsigned long)",
		"alloc::vec::from_elem::<u8>",
		"core::ptr::drop_in_place",
		"hashbrown::raw::RawTable<T>::reserve_rehash",
		"<alloc::alloc::Global as core::alloc::Allocator>::allocate",
		"<u8 as alloc::vec::spec_from_elem::SpecFromElem>::from_elem",
		"<&mut alloc::vec::Vec<u8> as core::iter::Extend>::extend",
		"<[u8]>::copy_from_slice",
		"<[T] as alloc::slice::Concat>::concat",
	};
	static const char *const users[] = {
		"shop::Order::add(std::string const&)",
		"mycrate::grow::<alloc::vec::Vec<u8>>",
		"<mycrate::Cache as core::fmt::Display>::fmt",
		"<mycrate::Cache>::insert",
		"<&mycrate::Cache as core::iter::IntoIterator>::into_iter",
		"<u8 as mycrate::Encode>::encode",
		"stdio_read",
		"operators_init",
		"corelib::start",
		"main",
		"",
		"<",
		"<>",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(library); i++)
		if (!is_library_name(library[i]))
			fail_msg("%s is a library's", library[i]);
	for (size_t i = 0; i < ARRAY_SIZE(users); i++)
		if (is_library_name(users[i]))
			fail_msg("%s is the user's", users[i]);
}

static void a_library_says_who_called_it(void **state)
{
	(void)state;
	assert_title(STACK("libc.so.6!malloc", "libfoo.so.1!foo_make", "libfoo.so.1!foo_read",
			   "handler!parse+1", "handler!main"),
		     "foo_make [libfoo.so.1] < parse (handler.c:10)");
	assert_title(STACK("libfoo.so.1!foo_make", "libc.so.6!start_thread"),
		     "foo_make [libfoo.so.1]");
	assert_title(STACK("libfoo.so.1!", "program!work"), "libfoo.so.1+0x10 < work");
	assert_title(STACK("addon.node!addon_run", "node!_ZN2v88internal4Heap8AllocateEv", "[jit]!",
			   "node!main"),
		     "addon_run [addon.node] < [jit]+0x10");
	assert_title(STACK("libfoo.so.1!_ZN3foo4makeEi", "program!main"),
		     "foo::make [libfoo.so.1] < main");
	assert_title(STACK("libc.so.6!mmap", "libc.so.6!fopen", "libc.so.6!start_thread"),
		     "fopen [libc.so.6]");
}

static void arguments_are_left_out(void **state)
{
	(void)state;
	assert_title(STACK("shop!_ZNK4shop5OrderclEi"), "shop::Order::operator() (shop.cc:8)");
	assert_title(STACK("shop!_ZN4shop12_GLOBAL__N_15quietEi"),
		     "shop::(anonymous namespace)::quiet (shop.cc:9)");
	assert_title(STACK("go-program!main.(*T).grow"), "main.(*T).grow");
	assert_title(STACK("rust-program!_RINvCs1234_7mycrate4growINtNtCs9_5alloc3vec3VechEE"),
		     "mycrate::grow::<alloc::vec::Vec<u8>>");
}

static void titles_fit(void **state)
{
	const struct stack *stack = STACK("libfoo.so.1!foo_make", "program!main");
	const struct stack empty = {0};
	char text[64];

	(void)state;
	for (size_t size = 1; size < sizeof(text); size++) {
		memset(text, '#', sizeof(text));
		stack_title(symbols, stack, text, size);
		assert_memory_equal(text, "foo_make [libfoo.so.1] < main", strlen(text));
		assert_int_equal(strlen(text), size - 1 < 29 ? size - 1 : 29);
		assert_int_equal(text[size], '#');
	}
	stack_title(symbols, &empty, text, sizeof(text));
	assert_string_equal(text, "?");
}

/* Cut between characters, not in them. */
static void titles_are_whole_characters(void **state)
{
	char text[16];
	const struct stack *stack;

	(void)state;
	LIBRARY("umlaut", "gr\303\266\303\237er");
	stack = STACK("umlaut!gr\303\266\303\237er");
	stack_title(symbols, stack, text, 4);
	assert_string_equal(text, "gr");
	stack_title(symbols, stack, text, 5);
	assert_string_equal(text, "gr\303\266");
	stack_title(symbols, stack, text, 6);
	assert_string_equal(text, "gr\303\266");
}

/* ---- allocators ---- */

static void assert_allocator(const struct stack *stack, enum event_allocator expected)
{
	/* the second time it is remembered */
	assert_int_equal(stack_allocator(symbols, stack), expected);
	assert_int_equal(stack_allocator(symbols, stack), expected);
}

static void glibc(void **state)
{
	(void)state;
	assert_allocator(STACK("libc.so.6!mmap", "libc.so.6!sysmalloc", "libc.so.6!_int_malloc",
			       "libc.so.6!malloc", "program!work"),
			 ALLOCATOR_GLIBC);
	assert_allocator(STACK("stripped/libc.so.6!mmap", "stripped/libc.so.6!",
			       "stripped/libc.so.6!malloc", "program!work"),
			 ALLOCATOR_GLIBC);
	assert_allocator(STACK("stripped/libc.so.6!brk", "stripped/libc.so.6!sbrk",
			       "stripped/libc.so.6!", "stripped/libc.so.6!malloc",
			       "stripped/libc.so.6!fopen", "program!work"),
			 ALLOCATOR_GLIBC);
	assert_allocator(STACK("libc.so.6!mmap", "libc.so.6!alloc_new_heap",
			       "libc.so.6!arena_get2.part.0", "libc.so.6!malloc",
			       "libstdc++.so.6!_Znwm", "program!work"),
			 ALLOCATOR_GLIBC);
	assert_allocator(STACK("libc.so.6!mremap", "libc.so.6!realloc", "libfoo.so.1!foo_make"),
			 ALLOCATOR_GLIBC);
	/* cut short, but not too early to tell */
	assert_allocator(CUT_STACK("libc.so.6!mmap", "libc.so.6!sysmalloc"), ALLOCATOR_GLIBC);
	/* other runtimes' use of malloc is malloc's */
	assert_allocator(STACK("libc.so.6!mmap", "libc.so.6!malloc", "python3.11!PyMem_RawMalloc",
			       "python3.11!main"),
			 ALLOCATOR_GLIBC);
	assert_allocator(STACK("libc.so.6!mmap", "libc.so.6!malloc", "libjvm.so!JVM_NewArray"),
			 ALLOCATOR_GLIBC);
	assert_allocator(
		STACK("libc.so.6!mmap", "libc.so.6!calloc", "ld-linux-x86-64.so.2!_dl_start"),
		ALLOCATOR_GLIBC);
}

static void allocators_in_libraries(void **state)
{
	(void)state;
	assert_allocator(STACK("libc.so.6!mmap", "libjemalloc.so.2!", "libjemalloc.so.2!malloc",
			       "program!work"),
			 ALLOCATOR_JEMALLOC);
	assert_allocator(
		STACK("libc.so.6!syscall", "libmimalloc.so.2!_mi_os_alloc", "program!work"),
		ALLOCATOR_MIMALLOC);
	assert_allocator(STACK("libc.so.6!sbrk", "libtcmalloc_minimal.so.4!", "program!work"),
			 ALLOCATOR_TCMALLOC);
	assert_allocator(STACK("libc.so.6!mmap", "libsnmallocshim.so!", "program!work"),
			 ALLOCATOR_SNMALLOC);
	assert_allocator(STACK("libc.so.6!mmap", "libjvm.so!_ZN2os14reserve_memoryEm",
			       "libjvm.so!JVM_NewArray", "[jit]!"),
			 ALLOCATOR_JVM);
	assert_allocator(CUT_STACK("libc.so.6!mmap", "libjemalloc.so.2!"), ALLOCATOR_JEMALLOC);
}

static void musl(void **state)
{
	(void)state;
	assert_allocator(
		STACK("ld-musl-x86_64.so.1!mmap", "ld-musl-x86_64.so.1!malloc", "program!work"),
		ALLOCATOR_MUSL);
	/* stripped: malloc calls its implementation in its last step, and is no frame */
	assert_allocator(STACK("ld-musl-x86_64.so.1!mmap", "ld-musl-x86_64.so.1!", "program!work"),
			 ALLOCATOR_MUSL);
	assert_allocator(STACK("ld-musl-x86_64.so.1!mmap", "ld-musl-x86_64.so.1!alloc_group",
			       "ld-musl-x86_64.so.1!__libc_malloc_impl",
			       "ld-musl-x86_64.so.1!strdup", "program!work"),
			 ALLOCATOR_MUSL);
	assert_allocator(STACK("ld-musl-x86_64.so.1!mmap", "ld-musl-x86_64.so.1!pthread_create",
			       "program!work"),
			 ALLOCATOR_THREADS);
	assert_allocator(STACK("ld-musl-x86_64.so.1!mmap", "program!work"), ALLOCATOR_OTHER);
}

static void statically_linked_ones(void **state)
{
	(void)state;
	assert_allocator(STACK("static-glibc!mmap", "static-glibc!sysmalloc",
			       "static-glibc!_int_malloc", "static-glibc!malloc",
			       "static-glibc!work"),
			 ALLOCATOR_GLIBC);
	/* only malloc itself: what is beside it tells */
	assert_allocator(STACK("static-glibc!mremap", "static-glibc!realloc", "static-glibc!work"),
			 ALLOCATOR_GLIBC);
	assert_allocator(STACK("static-glibc!brk", "static-glibc!__libc_setup_tls"),
			 ALLOCATOR_LOADER);
	assert_allocator(
		STACK("static-glibc!mmap", "static-glibc!pthread_create", "static-glibc!work"),
		ALLOCATOR_THREADS);
	assert_allocator(STACK("static-glibc!mmap", "static-glibc!work", "static-glibc!main"),
			 ALLOCATOR_OTHER);
	assert_allocator(STACK("libc.so.6!mmap", "static-jemalloc!pages_map",
			       "static-jemalloc!extent_grow",
			       "static-jemalloc!je_arena_malloc_hard", "static-jemalloc!work"),
			 ALLOCATOR_JEMALLOC);
	assert_allocator(STACK("libc.so.6!mmap", "static-jemalloc!", "static-jemalloc!malloc",
			       "static-jemalloc!work"),
			 ALLOCATOR_JEMALLOC);
	assert_allocator(STACK("libc.so.6!mmap", "rust-program!os_pages_map",
			       "rust-program!_rjem_je_pages_map",
			       "rust-program!_RNvNtCs1234_7mycrate5cache6insert"),
			 ALLOCATOR_JEMALLOC);
	/* an allocator of its own that nobody knows */
	assert_allocator(STACK("libc.so.6!mmap", "program!pool_grow", "program!malloc",
			       "program!work", "program!main"),
			 ALLOCATOR_UNKNOWN);
}

static void go(void **state)
{
	(void)state;
	assert_allocator(STACK("go-program!runtime.sysMmap.abi0", "go-program!runtime.sysReserve",
			       "go-program!runtime.(*mheap).grow", "go-program!runtime.mallocgc",
			       "go-program!main.main", "go-program!runtime.goexit.abi0"),
			 ALLOCATOR_GO);
	assert_allocator(STACK("go-program!runtime/internal/syscall.Syscall6",
			       "go-program!syscall.RawSyscall6", "go-program!syscall.Mmap",
			       "go-program!main.(*T).grow", "go-program!main.main",
			       "go-program!runtime.main", "go-program!runtime.goexit.abi0"),
			 ALLOCATOR_OTHER);
	assert_allocator(STACK("libc.so.6!mmap", "go-program!x_cgo_mmap",
			       "go-program!runtime.systemstack.abi0"),
			 ALLOCATOR_GO);
	/* C code that Go called */
	assert_allocator(STACK("libc.so.6!mmap", "libfoo.so.1!foo_make",
			       "go-program!runtime.systemstack.abi0"),
			 ALLOCATOR_OTHER);
	assert_allocator(STACK("libc.so.6!mmap", "libc.so.6!malloc", "go-program!main.main"),
			 ALLOCATOR_GLIBC);
}

static void interpreters(void **state)
{
	(void)state;
	assert_allocator(STACK("libc.so.6!mmap",
			       "node!_ZN2v84base2OS8AllocateEPvmmNS1_16MemoryPermissionE",
			       "node!_ZN2v88internal4Heap8AllocateEv", "[jit]!", "node!main"),
			 ALLOCATOR_V8);
	assert_allocator(STACK("libc.so.6!mmap", "addon.node!addon_run",
			       "node!_ZN2v88internal4Heap8AllocateEv", "node!main"),
			 ALLOCATOR_OTHER);
	/* called by a program that V8 has called */
	assert_allocator(STACK("libc.so.6!mmap", "node!uv_run",
			       "node!_ZN2v88internal4Heap8AllocateEv", "node!main"),
			 ALLOCATOR_OTHER);
	assert_allocator(STACK("libc.so.6!mmap", "python3.11!_PyObject_ArenaMmap",
			       "python3.11!PyObject_Malloc", "python3.11!main"),
			 ALLOCATOR_PYTHON);
	/* stripped, as distributions have it */
	assert_allocator(STACK("libc.so.6!mmap", "python3.11!", "python3.11!",
			       "python3.11!PyList_New", "python3.11!main"),
			 ALLOCATOR_PYTHON);
	assert_allocator(STACK("libc.so.6!mmap",
			       "mmap.cpython-311-x86_64-linux-gnu.so!new_mmap_object",
			       "python3.11!", "python3.11!main"),
			 ALLOCATOR_OTHER);
}

static void threads_and_the_loader(void **state)
{
	(void)state;
	assert_allocator(STACK("libc.so.6!mmap", "libc.so.6!pthread_create",
			       "libstdc++.so.6!_ZNSt6thread15_M_start_threadEv", "program!work"),
			 ALLOCATOR_THREADS);
	assert_allocator(STACK("ld-linux-x86-64.so.2!mmap", "ld-linux-x86-64.so.2!_dl_map_segments",
			       "ld-linux-x86-64.so.2!_dl_start", "ld-linux-x86-64.so.2!_start"),
			 ALLOCATOR_LOADER);
	assert_allocator(STACK("ld-linux-x86-64.so.2!mmap", "ld-linux-x86-64.so.2!_dl_map_segments",
			       "ld-linux-x86-64.so.2!_dl_catch_exception", "libc.so.6!dlopen",
			       "program!work"),
			 ALLOCATOR_LOADER);
	assert_allocator(STACK("ld-linux-x86-64.so.2!mmap", "ld-linux-x86-64.so.2!malloc",
			       "ld-linux-x86-64.so.2!_dl_start"),
			 ALLOCATOR_LOADER);
}

static void the_programs_own(void **state)
{
	(void)state;
	assert_allocator(STACK("libc.so.6!mmap", "program!pool_grow", "program!work",
			       "program!main", "libc.so.6!__libc_start_call_main",
			       "libc.so.6!__libc_start_main", "program!_start"),
			 ALLOCATOR_OTHER);
	assert_allocator(STACK("libc.so.6!brk", "libc.so.6!sbrk", "program!pool_grow"),
			 ALLOCATOR_OTHER);
	assert_allocator(STACK("stripped/libc.so.6!mmap", "libfoo.so.1!", "program!work"),
			 ALLOCATOR_OTHER);
	assert_allocator(STACK("libc.so.6!mmap", "[jit]!", "program!main"), ALLOCATOR_OTHER);
	/* called back by the C library */
	assert_allocator(STACK("libc.so.6!mmap", "program!more", "libc.so.6!qsort", "program!work"),
			 ALLOCATOR_OTHER);
	/* the C library for itself */
	assert_allocator(STACK("libc.so.6!mmap", "libc.so.6!posix_spawn", "program!work"),
			 ALLOCATOR_OTHER);
	assert_allocator(
		STACK("libc.so.6!mmap", "libc.so.6!posix_spawn", "python3.11!", "python3.11!main"),
		ALLOCATOR_OTHER);
	/* an allocator that calls a library which maps for itself */
	assert_allocator(STACK("libc.so.6!mmap", "libfoo.so.1!foo_make", "static-jemalloc!malloc",
			       "static-jemalloc!main"),
			 ALLOCATOR_OTHER);
	/* functions whose names only look like an allocator's */
	assert_allocator(
		STACK("libc.so.6!mmap", "program!mi_open", "program!new_heap", "program!main"),
		ALLOCATOR_OTHER);
}

static void what_cannot_be_told_is_not(void **state)
{
	const struct stack empty = {0};

	(void)state;
	assert_int_equal(stack_allocator(symbols, NULL), ALLOCATOR_UNKNOWN);
	assert_int_equal(stack_allocator(symbols, &empty), ALLOCATOR_UNKNOWN);
	assert_allocator(CUT_STACK("libc.so.6!mmap"), ALLOCATOR_UNKNOWN);
	assert_allocator(STACK("libc.so.6!mmap"), ALLOCATOR_UNKNOWN);
	assert_allocator(CUT_STACK("stripped/libc.so.6!mmap", "stripped/libc.so.6!"),
			 ALLOCATOR_UNKNOWN);
	assert_allocator(CUT_STACK("libc.so.6!mmap", "program!pool_grow"), ALLOCATOR_UNKNOWN);
	/* all in one file, without a name in it */
	assert_allocator(STACK("program!", "program!"), ALLOCATOR_UNKNOWN);
	assert_allocator(STACK("0x1234"), ALLOCATOR_UNKNOWN);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_frame_has_a_role),
		cmocka_unit_test(replaced_files_keep_their_role),
		cmocka_unit_test(leading_frames_are_folded),
		cmocka_unit_test(a_title_is_the_users_line),
		cmocka_unit_test(inlined_functions_come_first),
		cmocka_unit_test(names_of_languages_libraries),
		cmocka_unit_test(a_library_says_who_called_it),
		cmocka_unit_test(arguments_are_left_out),
		cmocka_unit_test(titles_fit),
		cmocka_unit_test(titles_are_whole_characters),
		cmocka_unit_test(glibc),
		cmocka_unit_test(allocators_in_libraries),
		cmocka_unit_test(musl),
		cmocka_unit_test(statically_linked_ones),
		cmocka_unit_test(go),
		cmocka_unit_test(interpreters),
		cmocka_unit_test(threads_and_the_loader),
		cmocka_unit_test(the_programs_own),
		cmocka_unit_test(what_cannot_be_told_is_not),
	};

	return cmocka_run_group_tests_name("frames", tests, begin, end);
}
