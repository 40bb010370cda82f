// SPDX-License-Identifier: GPL-2.0-only
/*
 * Probes and functions of files, against what readelf and nm say of them, where the running
 * loader put them, and marks that lie in the code.
 */
#include "tests/unit/support.h"

#include <ctype.h>
#include <dlfcn.h>
#include <gnu/libc-version.h>

#include "tests/unit/programs.h"
#include "user/base/cleanup.h"
#include "user/source/probes.h"

/* Functions that begin with a mark of their own, which tells where in the file they are. */
#define MARK(number) (0x6b72616d00000000ULL | (number))

static const char program[] =
	"#include <sys/sdt.h>\n"
	"#define FUNCTION(bind, name, number) \\\n"
	"	__asm__(\".text\\n\" bind \" \" #name \"\\n.type \" #name \",@function\\n\" #name "
	"\\\n"
	"		\":\\n.quad 0x6b72616d000000\" #number \"\\n.skip 8,0x90\\n\" \\\n"
	"		\".size \" #name \",16\\n\");\n"
	"FUNCTION(\".globl\", handle_order, 01)\n"
	"FUNCTION(\".globl\", handle_refund, 02)\n"
	"FUNCTION(\".local\", quiet, 03)\n"
	"FUNCTION(\".local\", both, 04)\n"
	"FUNCTION(\".local\", twice, 05)\n"
	"FUNCTION(\".weak\", faint, 06)\n"
	"__asm__(\".globl alias\\n.set alias,handle_order\\n\");\n"
	"FUNCTION(\".globl\", _Z12ship_parcelsi, 07)\n"
	"__asm__(\".section last,\\\"ax\\\"\\n.skip 4096,0x90\\n\");\n"
	"__asm__(\".globl in_last\\n.type in_last,@function\\nin_last:\\n\"\n"
	"	\".quad 0x6b72616d00000008\\n.size in_last,8\\n\");\n"
	"__asm__(\".data\\n.globl not_code\\n.type not_code,@object\\nnot_code: .quad "
	"9\\n.text\");\n"
	"static void plain(void) {}\n"
	"static void *choose(void) { return plain; }\n"
	"void chosen(void) __attribute__((ifunc(\"choose\")));\n"
	"int main(int argc, char **argv)\n"
	"{\n"
	"	DTRACE_PROBE1(orders, invocation_start, argv[0]);\n"
	"	DTRACE_PROBE2(orders, invocation_end, argv[0], argc);\n"
	"	DTRACE_PROBE(orders, invocation_end);\n"
	"	DTRACE_PROBE(cache, evicted);\n"
	"	chosen();\n"
	"	return 0;\n"
	"}\n";

static const char other[] =
	"#define FUNCTION(bind, name, number) \\\n"
	"	__asm__(\".text\\n\" bind \" \" #name \"\\n.type \" #name \",@function\\n\" #name "
	"\\\n"
	"		\":\\n.quad 0x6b72616d000000\" #number \"\\n.skip 8,0x90\\n\" \\\n"
	"		\".size \" #name \",16\\n\");\n"
	"FUNCTION(\".globl\", both, 11)\n"
	"FUNCTION(\".local\", twice, 12)\n";

/* A library with two versions of one function, and an old one without a successor. */
static const char library[] =
	"#define FUNCTION(name, number, symver) \\\n"
	"	__asm__(\".text\\n.globl \" #name \"\\n.type \" #name \",@function\\n\" #name \\\n"
	"		\":\\n.quad 0x6b72616d000000\" #number \"\\n.skip 8,0x90\\n\" \\\n"
	"		\".size \" #name \",16\\n.symver \" #name \",\" symver \"\\n\");\n"
	"FUNCTION(old_order, 21, \"order@V1\")\n"
	"FUNCTION(new_order, 22, \"order@@V2\")\n"
	"FUNCTION(old_only, 23, \"gone@V1\")\n";

static int begin(void **state)
{
	if (work_begin(state))
		return -1;
	write_text("program.c", program);
	write_text("other.c", other);
	write_text("library.c", library);
	write_text("versions", "V1 { global: order; gone; local: old_*; new_*; };\nV2 {} V1;\n");
	run("gcc -O2 -rdynamic -o program program.c other.c");
	run("gcc -O2 -static -no-pie -Wl,-Ttext-segment=0x10000000 -o fixed program.c other.c");
	run("strip -o stripped program");
	run("gcc -O2 -shared -fPIC -Wl,--version-script=versions -o library library.c");
	run("strip -o library-stripped library");
	return 0;
}

static int open_work(const char *name)
{
	int fd = open(in_work(name), O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

/* What is said of a function of a file of the work directory. */
static int find_function(const char *file, const char *name, uint64_t *offset,
			 struct probes_near *near)
{
	AUTO_FD int fd = open_work(file);

	return probes_find_function(fd, name, offset, near);
}

static int find_usdt(const char *file, const char *provider, const char *name,
		     struct probes_near *near)
{
	AUTO_FD int fd = open_work(file);

	return probes_find_usdt(fd, provider, name, near);
}

/* Where a mark is in a file, which has it once. */
static uint64_t mark_in(const char *file, uint64_t mark)
{
	size_t size;
	AUTO_FREE char *data = read_bytes(file, &size);
	const char *found = memmem(data, size, &mark, sizeof(mark));
	const char *again;

	assert_non_null(found);
	again = found + 1;
	assert_null(memmem(again, size - (size_t)(again - data), &mark, sizeof(mark)));
	return (uint64_t)(found - data);
}

static void assert_at_mark(const char *file, const char *name, unsigned int mark)
{
	uint64_t offset = 0;
	int rc = find_function(file, name, &offset, NULL);

	if (rc || offset != mark_in(file, MARK(mark)))
		fail_msg("%s in %s: %d, at %" PRIx64, name, file, rc, offset);
}

static void assert_no_function(const char *file, const char *name, int expected)
{
	struct probes_near near, before;
	uint64_t offset = 77;
	int rc;

	memset(&near, 0x5a, sizeof(near));
	before = near;
	rc = find_function(file, name, &offset, &near);
	if (rc != expected)
		fail_msg("%s in %s: %d", name, file, rc);
	assert_int_equal(offset, 77);
	if (rc != -ENOENT)
		assert_memory_equal(&near, &before, sizeof(near));
	assert_int_equal(find_function(file, name, &offset, NULL), expected);
}

/* ---- functions ---- */

static const struct {
	const char *name;
	unsigned int mark;
} exported[] = {
	{"handle_order", 0x01},
	{"alias", 0x01},
	{"handle_refund", 0x02},
	{"faint", 0x06},
	{"_Z12ship_parcelsi", 0x07},
	{"in_last", 0x08},
	/* and not the local one, wherever that comes in the table */
	{"both", 0x11},
};

static void assert_near(const struct probes_near *near, const char *expected)
{
	char text[1024];

	assert_string_equal(probes_near_text(near, text, sizeof(text)), expected);
}

static void functions_are_where_their_code_is(void **state)
{
	static const char *const files[] = {"program", "fixed"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		for (size_t j = 0; j < ARRAY_SIZE(exported); j++)
			assert_at_mark(files[i], exported[j].name, exported[j].mark);
		assert_at_mark(files[i], "quiet", 0x03);
		assert_no_function(files[i], "twice", -ENOTUNIQ);
		assert_no_function(files[i], "chosen", -EOPNOTSUPP);
		assert_no_function(files[i], "not_code", -ENOENT);
		assert_no_function(files[i], "handle", -ENOENT);
		assert_no_function(files[i], "", -ENOENT);
	}
	/* not in the file, but in a library */
	assert_no_function("program", "__libc_start_main", -ENOENT);
}

static void a_stripped_file_has_what_it_exports(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(exported); i++)
		assert_at_mark("stripped", exported[i].name, exported[i].mark);
	assert_no_function("stripped", "chosen", -EOPNOTSUPP);
	assert_no_function("stripped", "quiet", -ENOENT);
	run("strip -o bare fixed");
	assert_no_function("bare", "handle_order", -ENOENT);
}

static void versions(void **state)
{
	static const char *const files[] = {"library", "library-stripped"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		assert_at_mark(files[i], "order", 0x22);
		assert_at_mark(files[i], "gone", 0x23);
		assert_no_function(files[i], "ord", -ENOENT);
	}
	/* linkers write them into the names of .symtab */
	assert_at_mark("library", "order@V1", 0x21);
	assert_at_mark("library", "order@@V2", 0x22);
}

/* The path of the C library that runs this. */
static const char *libc_path(void)
{
	static char path[256];
	Dl_info info;

	assert_true(dladdr((void *)(uintptr_t)gnu_get_libc_version, &info));
	snprintf(path, sizeof(path), "%s", info.dli_fname);
	return path;
}

/* The offset in its file of a place in memory. */
static uint64_t mapped_offset(uint64_t address)
{
	AUTO_FILE FILE *maps = fopen("/proc/self/maps", "re");
	uint64_t start, end, offset;
	char line[512];

	assert_non_null(maps);
	while (fgets(line, sizeof(line), maps))
		if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %*s %" SCNx64, &start, &end, &offset) ==
			    3 &&
		    address >= start && address < end)
			return address - start + offset;
	fail_msg("%" PRIx64 " is not mapped", address);
	return 0;
}

/* Refused by name; _setjmp, swapcontext and dlsym were seen to break under a uretprobe. */
static const char *const libc_refused[] = {"_setjmp",	  "__sigsetjmp", "getcontext",
					   "swapcontext", "dlopen",	 "dlmopen",
					   "dlsym",	  "dlvsym",	 "setjmp"};

static bool needs_its_return(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(libc_refused); i++)
		if (!strcmp(name, libc_refused[i]))
			return true;
	return false;
}

static void what_needs_its_return_address_is_refused(void **state)
{
	AUTO_FD int fd = open(libc_path(), O_RDONLY | O_CLOEXEC);
	struct probes_near near = {0};
	uint64_t offset;

	(void)state;
	assert_true(fd >= 0);
	for (size_t i = 0; i < ARRAY_SIZE(libc_refused); i++)
		assert_int_equal(probes_find_function(fd, libc_refused[i], &offset, NULL),
				 -EOPNOTSUPP);
	/* argc lies where others have their return address */
	assert_no_function("program", "_start", -EOPNOTSUPP);
	run("objcopy --redefine-sym quiet=handle_order.cold program cold");
	assert_no_function("cold", "handle_order.cold", -EOPNOTSUPP);
	/* nor are they proposed */
	assert_int_equal(find_function("cold", "handle_orde", &offset, &near), -ENOENT);
	assert_near(&near, "did you mean handle_order?");
}

/* One of some: all would be read 3,000 times. */
#define LIBC_STEP 5

static void the_c_library_is_as_it_is_loaded(void **state)
{
	static struct nm_symbol symbols[NM_MAX];
	const char *path = libc_path();
	size_t count = nm_functions("-D --with-symbol-versions", path, symbols), found = 0;
	void *library = dlopen(path, RTLD_LAZY);
	AUTO_FD int fd = open(path, O_RDONLY | O_CLOEXEC);
	uint64_t offset;

	(void)state;
	assert_true(fd >= 0 && count > 1000);
	assert_non_null(library);
	for (size_t i = 0; i < count; i += LIBC_STEP) {
		char *version = strstr(symbols[i].name, "@@");
		void *place;
		int rc;

		if (!version)
			continue;
		*version = '\0';
		rc = probes_find_function(fd, symbols[i].name, &offset, NULL);
		if (symbols[i].type == 'i') {
			assert_int_equal(rc, -EOPNOTSUPP);
			continue;
		}
		if (rc == -EOPNOTSUPP && needs_its_return(symbols[i].name))
			continue;
		place = dlsym(library, symbols[i].name);
		assert_non_null(place);
		if (rc || offset != mapped_offset((uintptr_t)place))
			fail_msg("%s: %d, at %" PRIx64, symbols[i].name, rc, offset);
		found++;
	}
	print_message("    %zu functions\n", found);
	assert_true(found > 1000 / LIBC_STEP);
	dlclose(library);
}

static void go_is_refused(void **state)
{
	static const char *const sections[] = {".gopclntab", ".data.rel.ro.gopclntab",
					       ".go.buildinfo", ".note.go.buildid"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(sections); i++) {
		run("objcopy --add-section %s=program.c program go 2>warnings", sections[i]);
		assert_no_function("go", "handle_order", -EOPNOTSUPP);
		assert_no_function("go", "not_there", -ENOENT);
		/* a USDT probe changes no return address */
		assert_int_equal(find_usdt("go", "orders", "invocation_start", NULL), 0);
	}
}

/* ---- USDT probes ---- */

static void probes_of_a_program(void **state)
{
	static const char *const files[] = {"program", "stripped", "fixed"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		assert_int_equal(find_usdt(files[i], "orders", "invocation_start", NULL), 0);
		assert_int_equal(find_usdt(files[i], "orders", "invocation_end", NULL), 0);
		assert_int_equal(find_usdt(files[i], "cache", "evicted", NULL), 0);
		assert_int_equal(find_usdt(files[i], "cache", "invocation_end", NULL), -ENOENT);
		assert_int_equal(find_usdt(files[i], "orders", "invocation", NULL), -ENOENT);
		assert_int_equal(find_usdt(files[i], "Orders", "invocation_end", NULL), -ENOENT);
		assert_int_equal(find_usdt(files[i], "", "", NULL), -ENOENT);
	}
	run("objcopy --remove-section .note.stapsdt program unmarked");
	assert_int_equal(find_usdt("unmarked", "orders", "invocation_start", NULL), -ENOENT);
}

/* Every probe that readelf lists is found. Returns how many. */
static size_t compare_probes(const char *path)
{
	AUTO_FD int fd = open(path, O_RDONLY | O_CLOEXEC);
	FILE *pipe = output_of("readelf -n %s", path);
	char line[512], provider[64] = "", name[64];
	size_t found = 0;

	assert_true(fd >= 0);
	while (fgets(line, sizeof(line), pipe)) {
		if (sscanf(line, " Provider: %63s", provider) == 1 ||
		    sscanf(line, " Name: %63s", name) != 1)
			continue;
		if (probes_find_usdt(fd, provider, name, NULL))
			fail_msg("%s:%s", provider, name);
		found++;
	}
	assert_int_equal(pclose(pipe), 0);
	return found;
}

/* The C++ library and Python of distributions have some. */
static void probes_of_others(void **state)
{
	FILE *pipe = output_of("gcc -print-file-name=libstdc++.so.6; echo /usr/bin/python3");
	size_t found = compare_probes(in_work("program"));
	char path[512];

	(void)state;
	assert_int_equal(found, 4);
	while (fgets(path, sizeof(path), pipe)) {
		path[strcspn(path, "\n")] = '\0';
		found = compare_probes(path);
		print_message("    %zu probes in %s\n", found, path);
		assert_true(found > 0);
	}
	assert_int_equal(pclose(pipe), 0);
}

/* ---- names like the wanted one ---- */

static void near_functions(void **state)
{
	static const struct {
		const char *wanted, *expected;
	} cases[] = {
		{"handle_ordre", "did you mean handle_order?"},
		{"HANDLE_ORDER", "did you mean handle_order?"},
		{"handle_", "did you mean handle_order or handle_refund?"},
		{"ship_parcels", "did you mean _Z12ship_parcelsi?"},
		{"chosen_", ""},
		{"utterly_different", ""},
	};
	struct probes_near near;
	uint64_t offset;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		memset(&near, 0x5a, sizeof(near));
		assert_int_equal(find_function("program", cases[i].wanted, &offset, &near),
				 -ENOENT);
		assert_near(&near, cases[i].expected);
	}
	/* without their versions */
	assert_int_equal(find_function("library", "rder", &offset, &near), -ENOENT);
	assert_near(&near, "did you mean order, new_order or old_order?");
	assert_int_equal(find_function("library", "oder", &offset, &near), -ENOENT);
	assert_near(&near, "did you mean order?");
	assert_int_equal(find_function("library-stripped", "orders", &offset, &near), -ENOENT);
	assert_near(&near, "did you mean order?");
}

static void near_usdt(void **state)
{
	static const struct {
		const char *provider, *name, *expected;
	} cases[] = {
		{"orders", "start",
		 "did you mean orders:invocation_start or "
		 "orders:invocation_end?"},
		{"order", "invocation_start", "did you mean orders:invocation_start?"},
		{"anybody", "invocation_",
		 "did you mean orders:invocation_end or "
		 "orders:invocation_start?"},
		{"orders", "invocation_ned",
		 "did you mean orders:invocation_end or "
		 "orders:invocation_start?"},
		{"cache", "inserted", "did you mean cache:evicted?"},
		{"python", "function__entry", ""},
	};
	struct probes_near near;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		memset(&near, 0x5a, sizeof(near));
		assert_int_equal(find_usdt("program", cases[i].provider, cases[i].name, &near),
				 -ENOENT);
		assert_near(&near, cases[i].expected);
	}
}

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* The textbook's table. */
static size_t distance(const char *a, const char *b)
{
	size_t table[16][16];

	for (size_t i = 0; i <= strlen(a); i++)
		for (size_t j = 0; j <= strlen(b); j++)
			table[i][j] = !i || !j ? i + j
					       : least(table[i - 1][j - 1] + (tolower(a[i - 1]) !=
									      tolower(b[j - 1])),
						       least(table[i - 1][j], table[i][j - 1]) + 1);
	return table[strlen(a)][strlen(b)];
}

static void random_word(uint64_t *seed, char word[16])
{
	size_t length = random_below(seed, 16);

	for (size_t i = 0; i < length; i++)
		word[i] = "abAB"[random_below(seed, 4)];
	word[length] = '\0';
}

/* What is within the distance is kept, other names are not. */
static void distances(void **state)
{
	unsigned int kept = 0, typing_errors = 0;
	uint64_t seed = 11;

	(void)state;
	for (int i = 0; i < 200000; i++) {
		struct probes_near near = {0};
		char wanted[16], name[16];
		size_t allowed, apart;

		random_word(&seed, wanted);
		random_word(&seed, name);
		if (!wanted[0])
			continue;
		apart = distance(wanted, name);
		allowed = least(4, strlen(wanted) < 6 ? 1 : strlen(wanted) / 3);
		probes_near_add(&near, name, wanted);
		if (!!near.names[0][0] !=
		    (name[0] && (apart <= allowed || strcasestr(name, wanted))))
			fail_msg("'%s' for '%s': %zu apart", name, wanted, apart);
		kept += !!near.names[0][0];
		typing_errors += near.names[0][0] && !strcasestr(name, wanted);
	}
	assert_true(typing_errors > 1000 && kept > typing_errors && kept < 150000);
}

static void add_all(struct probes_near *near, const char *wanted, const char *const *names)
{
	for (; *names; names++)
		probes_near_add(near, *names, wanted);
}

#define ADD_ALL(near, wanted, ...) add_all(near, wanted, (const char *const[]){__VA_ARGS__, NULL})

static void the_nearest_come_first(void **state)
{
	struct probes_near near = {0}, merged = {0}, reversed = {0};
	char text[64];

	(void)state;
	assert_near(&near, "");
	ADD_ALL(&near, "memory", "memory_limit_set", "memoty", "xyz", "memory_x", "memory_x",
		"memor");
	assert_near(&near, "did you mean memory_x, memory_limit_set or memor?");
	ADD_ALL(&merged, "memory", "a_memory", "memoty");
	reversed = near;
	probes_near_merge(&reversed, &merged, "memory");
	probes_near_merge(&merged, &near, "memory");
	assert_near(&merged, "did you mean a_memory, memory_x or memory_limit_set?");
	assert_near(&reversed, "did you mean a_memory, memory_x or memory_limit_set?");
	/* cut to what there is room for */
	memset(text, 'x', sizeof(text));
	assert_string_equal(probes_near_text(&merged, text, 20), "did you mean a_memo");
	assert_int_equal(text[20], 'x');
}

/* Names are shown: what is no plain text is not among them, nor what is longer than a name is. */
static void names_that_nobody_can_read(void **state)
{
	struct probes_near near = {0};
	char name[300];

	(void)state;
	ADD_ALL(&near, "handle", "handle\033[2J", "handle order", "handl\xc3\xa9", "handle\n", "");
	memset(name, 'n', sizeof(name));
	memcpy(name, "handle", 6);
	name[256] = '\0';
	probes_near_add(&near, name, "handle");
	assert_near(&near, "");
	name[255] = '\0';
	probes_near_add(&near, name, "handle");
	assert_string_equal(near.names[0], name);
}

/* ---- files that are none, or that somebody has made ---- */

static void no_program(void **state)
{
	AUTO_FD int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
	AUTO_FD int directory = open(work_dir, O_RDONLY | O_CLOEXEC);
	AUTO_FD int unreadable = open(in_work("program"), O_WRONLY | O_CLOEXEC);
	uint64_t offset;

	(void)state;
	write_text("empty", "");
	run("gcc -c -o object other.c");
	assert_no_function("empty", "main", -EBADMSG);
	assert_no_function("program.c", "main", -EBADMSG);
	assert_no_function("object", "both", -EBADMSG);
	assert_int_equal(find_usdt("empty", "p", "n", NULL), -EBADMSG);
	assert_int_equal(find_usdt("program.c", "p", "n", NULL), -EBADMSG);
	assert_int_equal(probes_find_usdt(nothing, "p", "n", NULL), -EBADMSG);
	assert_int_equal(probes_find_usdt(directory, "p", "n", NULL), -EISDIR);
	assert_int_equal(probes_find_function(unreadable, "main", &offset, NULL), -EBADF);
	assert_int_equal(probes_find_function(-1, "main", &offset, NULL), -EBADF);
}

/* A file in which everything is asked. */
struct victim {
	int fd;
	size_t size;
	char *data; /* as it was */
	uint64_t order;
};

static struct victim victim_open(const char *file)
{
	struct victim victim;

	victim.data = read_bytes(file, &victim.size);
	write_bytes("victim", victim.data, victim.size);
	victim.fd = open(in_work("victim"), O_RDWR | O_CLOEXEC);
	assert_true(victim.fd >= 0);
	victim.order = mark_in(file, MARK(0x01));
	return victim;
}

static void victim_close(struct victim *victim)
{
	close(victim->fd);
	free(victim->data);
}

static bool is_answer(int rc)
{
	return !rc || rc == -ENOENT || rc == -EBADMSG || rc == -ENOTUNIQ || rc == -EOPNOTSUPP;
}

/* Returns how many were found where they are. */
static unsigned int ask_all(const struct victim *victim, size_t size)
{
	struct probes_near near;
	uint64_t offset = 0;
	unsigned int found;
	int rc = probes_find_function(victim->fd, "handle_order", &offset, &near);

	assert_true(is_answer(rc) && (rc || offset < size));
	found = !rc && offset == victim->order;
	rc = probes_find_function(victim->fd, "handle", &offset, &near);
	assert_true(is_answer(rc));
	rc = probes_find_usdt(victim->fd, "orders", "invocation_end", &near);
	assert_true(is_answer(rc));
	found += !rc;
	rc = probes_find_usdt(victim->fd, "order", "start", &near);
	assert_true(is_answer(rc));
	return found;
}

#define CUT_STEP 97

static void cut_short(void **state)
{
	static const char *const files[] = {"program", "stripped"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		struct victim victim = victim_open(files[i]);

		assert_int_equal(ask_all(&victim, victim.size), 2);
		for (size_t size = victim.size - 1; size >= CUT_STEP; size -= CUT_STEP) {
			assert_int_equal(ftruncate(victim.fd, (off_t)size), 0);
			/* the table of sections is at the end of these */
			assert_int_equal(ask_all(&victim, size), 0);
		}
		victim_close(&victim);
	}
}

#define FLIPS 6000

/* Bits turn over anywhere, half of them in the headers and in the table of sections. */
static void bits_turned_over(void **state)
{
	struct victim victim = victim_open("stripped");
	unsigned int found = 0;
	uint64_t seed = 23;

	(void)state;
	for (int i = 0; i < FLIPS; i++) {
		size_t bits = 1 + random_below(&seed, 4), places[4];

		for (size_t j = 0; j < bits; j++) {
			char byte;

			places[j] = random_below(&seed, victim.size);
			if (i % 4 == 1)
				places[j] %= 1024;
			if (i % 4 == 2)
				places[j] = victim.size - 1 - places[j] % 2048;
			byte = (char)(victim.data[places[j]] ^ 1 << random_below(&seed, 8));
			assert_int_equal(pwrite(victim.fd, &byte, 1, (off_t)places[j]), 1);
		}
		found += ask_all(&victim, victim.size);
		for (size_t j = 0; j < bits; j++)
			assert_int_equal(
				pwrite(victim.fd, &victim.data[places[j]], 1, (off_t)places[j]), 1);
	}
	assert_int_equal(ask_all(&victim, victim.size), 2);
	/* most bits are none of those that matter, and some are */
	print_message("    %u of %u found\n", found, 2 * FLIPS);
	assert_true(found > FLIPS && found < 2 * FLIPS);
	victim_close(&victim);
}

/* Changes the header of the section of a type, and writes the file as "changed". */
static void change_section(const char *file, uint32_t type, size_t field, uint64_t value)
{
	size_t size;
	AUTO_FREE char *data = read_bytes(file, &size);
	Elf64_Ehdr header;
	bool changed = false;

	memcpy(&header, data, sizeof(header));
	for (size_t i = 0; i < header.e_shnum; i++) {
		char *place = data + header.e_shoff + i * sizeof(Elf64_Shdr);
		Elf64_Shdr section;

		memcpy(&section, place, sizeof(section));
		if (section.sh_type != type)
			continue;
		memcpy(place + field, &value,
		       field == offsetof(Elf64_Shdr, sh_link) ? sizeof(Elf64_Word) : sizeof(value));
		changed = true;
	}
	assert_true(changed);
	write_bytes("changed", data, size);
}

static void tables_that_lie(void **state)
{
	static const struct {
		size_t field;
		uint64_t value;
	} cases[] = {
		{offsetof(Elf64_Shdr, sh_size), UINT64_MAX},
		{offsetof(Elf64_Shdr, sh_size), (uint64_t)1 << 40},
		{offsetof(Elf64_Shdr, sh_offset), UINT64_MAX - 8},
		{offsetof(Elf64_Shdr, sh_offset), (uint64_t)1 << 40},
	};
	static const uint32_t links[] = {0, 0xffff, UINT32_MAX};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		change_section("stripped", SHT_DYNSYM, cases[i].field, cases[i].value);
		assert_no_function("changed", "nothing_like_it", -EBADMSG);
		change_section("stripped", SHT_NOTE, cases[i].field, cases[i].value);
		assert_int_equal(find_usdt("changed", "orders", "no", NULL), -EBADMSG);
		change_section("stripped", SHT_GNU_versym, cases[i].field, cases[i].value);
		assert_at_mark("changed", "handle_order", 0x01);
	}
	for (size_t i = 0; i < ARRAY_SIZE(links); i++) {
		change_section("stripped", SHT_DYNSYM, offsetof(Elf64_Shdr, sh_link), links[i]);
		assert_no_function("changed", "handle_order", -EBADMSG);
	}
	change_section("stripped", SHT_DYNSYM, offsetof(Elf64_Shdr, sh_entsize), 1);
	assert_no_function("changed", "handle_order", -EBADMSG);
	change_section("stripped", SHT_STRTAB, offsetof(Elf64_Shdr, sh_offset), UINT64_MAX - 8);
	assert_no_function("changed", "handle_order", -EBADMSG);
	/* names that are there, up to the last ones of the file */
	change_section("program", SHT_STRTAB, offsetof(Elf64_Shdr, sh_size), (uint64_t)1 << 40);
	for (size_t i = 0; i < ARRAY_SIZE(exported); i++)
		assert_at_mark("changed", exported[i].name, exported[i].mark);
}

/* More symbols than there are in any program: nothing is read. */
static void more_symbols_than_anyone_has(void **state)
{
	uint64_t bytes = sizeof(Elf64_Sym) * (((uint64_t)8 << 20) + 1);

	(void)state;
	change_section("stripped", SHT_DYNSYM, offsetof(Elf64_Shdr, sh_size), bytes);
	assert_int_equal(truncate(in_work("changed"), (off_t)(2 * bytes)), 0);
	assert_no_function("changed", "handle_order", -EBADMSG);
	change_section("stripped", SHT_DYNSYM, offsetof(Elf64_Shdr, sh_size),
		       bytes - sizeof(Elf64_Sym));
	assert_int_equal(truncate(in_work("changed"), (off_t)(2 * bytes)), 0);
	assert_at_mark("changed", "handle_order", 0x01);
}

/* ---- notes that a test has made ---- */

struct made_note {
	uint32_t type, name_size, desc_size; /* 0: as it is */
	const char *name;
	const char *strings; /* what follows the addresses */
	size_t strings_size;
};

#define STRINGS(text) text, sizeof(text)

/* A file whose notes are these, with something behind them; what is found in it? */
static int find_in_made(const struct made_note *notes, size_t count, const char *behind)
{
	FILE *file = fopen(in_work("notes"), "we");

	assert_non_null(file);
	for (size_t i = 0; i < count; i++) {
		const struct made_note *made = &notes[i];
		const char *name = made->name ? made->name : "stapsdt";
		size_t desc_size = 24 + made->strings_size;
		const Elf64_Nhdr header = {
			.n_namesz = made->name_size ? made->name_size : (uint32_t)strlen(name) + 1,
			.n_descsz = made->desc_size ? made->desc_size : (uint32_t)desc_size,
			.n_type = made->type ? made->type : 3,
		};
		static const uint64_t addresses[3];

		assert_int_equal(strlen(name) + 1, 8);
		fwrite(&header, sizeof(header), 1, file);
		fwrite(name, 8, 1, file);
		fwrite(addresses, sizeof(addresses), 1, file);
		fwrite(made->strings, 1, made->strings_size, file);
		if (i + 1 < count || behind)
			fwrite("\0\0\0", 1, -desc_size % 4, file);
	}
	if (behind)
		fputs(behind, file);
	assert_int_equal(fclose(file), 0);
	run("objcopy --remove-section .note.stapsdt program unmarked && "
	    "objcopy --add-section .note.stapsdt=notes unmarked made");
	return find_usdt("made", "orders", "begin", NULL);
}

static void made_notes(void **state)
{
	static const struct made_note good = {.strings = STRINGS("orders\0begin\0008@%ax")},
				      other = {.strings = STRINGS("orders\0end\0")};
	static const struct {
		struct made_note note;
		int alone, with_good; /* what is said of it, and with a good one behind it */
	} cases[] = {
		{{.strings = STRINGS("orders\0begin\0")}, 0, 0},
		{{.type = 4, .strings = STRINGS("orders\0begin\0")}, -ENOENT, 0},
		{{.name = "stapsdT", .strings = STRINGS("orders\0begin\0")}, -ENOENT, 0},
		{{.name_size = 7, .strings = STRINGS("orders\0begin\0")}, -ENOENT, 0},
		{{.name_size = 80, .strings = STRINGS("orders\0begin\0")}, -EBADMSG, -EBADMSG},
		{{.name_size = UINT32_MAX, .strings = STRINGS("orders\0begin\0")},
		 -EBADMSG,
		 -EBADMSG},
		{{.desc_size = 120, .strings = STRINGS("orders\0begin\0")}, -EBADMSG, -EBADMSG},
		{{.desc_size = UINT32_MAX, .strings = STRINGS("orders\0begin\0")},
		 -EBADMSG,
		 -EBADMSG},
		/* a string without an end, or none at all */
		{{.strings = "orders\0begin\0", .strings_size = 13}, -EBADMSG, 0},
		{{.strings = "orders\0begin", .strings_size = 12}, -EBADMSG, 0},
		{{.strings = "orders", .strings_size = 6}, -EBADMSG, 0},
		{{.strings = "", .strings_size = 0}, -EBADMSG, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct made_note notes[] = {cases[i].note, good};
		int alone = find_in_made(notes, 1, NULL);
		int with_good = find_in_made(notes, 2, NULL);

		if (alone != cases[i].alone || with_good != cases[i].with_good)
			fail_msg("case %zu: %d, %d", i, alone, with_good);
	}
	assert_int_equal(find_in_made(&good, 1, "left over"), 0);
	assert_int_equal(find_in_made(&other, 1, NULL), -ENOENT);
	assert_int_equal(find_in_made(&other, 1, "left over"), -EBADMSG);
	/* too short for the addresses */
	assert_int_equal(find_in_made(&(struct made_note){.desc_size = 8,
							  .strings = STRINGS("orders\0begin\0")},
				      1, NULL),
			 -EBADMSG);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(functions_are_where_their_code_is),
		cmocka_unit_test(a_stripped_file_has_what_it_exports),
		cmocka_unit_test(versions),
		cmocka_unit_test(the_c_library_is_as_it_is_loaded),
		cmocka_unit_test(what_needs_its_return_address_is_refused),
		cmocka_unit_test(go_is_refused),
		cmocka_unit_test(probes_of_a_program),
		cmocka_unit_test(probes_of_others),
		cmocka_unit_test(near_functions),
		cmocka_unit_test(near_usdt),
		cmocka_unit_test(distances),
		cmocka_unit_test(the_nearest_come_first),
		cmocka_unit_test(names_that_nobody_can_read),
		cmocka_unit_test(no_program),
		cmocka_unit_test(cut_short),
		cmocka_unit_test(bits_turned_over),
		cmocka_unit_test(tables_that_lie),
		cmocka_unit_test(more_symbols_than_anyone_has),
		cmocka_unit_test(made_notes),
	};

	return cmocka_run_group_tests_name("probes", tests, begin, work_end);
}
