// SPDX-License-Identifier: GPL-2.0-only
/* Lines and inlined functions of programs that mean no harm, against the tools of others. */
#include "tests/unit/support.h"

#include <limits.h>

#include "tests/unit/programs.h"
#include "user/stack/debug_info.h"

static const char plain[] = "#include <stdio.h>\n"
			    "#include <stdlib.h>\n"
			    "#include \"inlined.h\"\n"
			    "struct node { struct node *next; int value; };\n"
			    "static struct node *head;\n"
			    "__attribute__((noinline)) int insert(int value)\n"
			    "{\n"
			    "	struct node *node = malloc(sizeof(*node));\n"
			    "	if (!node)\n"
			    "		abort();\n"
			    "	node->value = middle(value) + inner(3);\n"
			    "	node->next = head;\n"
			    "	head = node;\n"
			    "	return node->value;\n"
			    "}\n"
			    "int main(int argc, char **argv)\n"
			    "{\n"
			    "	int sum = 0;\n"
			    "	for (int i = 0; i < argc; i++)\n"
			    "		sum += insert(i) + middle(sum);\n"
			    "	printf(\"%s %d\\n\", argv[0], sum);\n"
			    "	return 0;\n"
			    "}\n";

static const char header[] = "static inline __attribute__((always_inline)) int inner(int x)\n"
			     "{\n"
			     "	volatile int y = x * 3;\n"
			     "	return y + 1;\n"
			     "}\n"
			     "static inline __attribute__((always_inline)) int middle(int x)\n"
			     "{\n"
			     "	return inner(x) +\n"
			     "	       inner(x + 1);\n"
			     "}\n";

static const char classes[] =
	"#include <map>\n"
	"#include <string>\n"
	"#include <vector>\n"
	"namespace shop {\n"
	"struct Order {\n"
	"	std::map<std::string, int> items;\n"
	"	void add(const std::string &name, int count);\n"
	"	template <class T> int total(T scale) const;\n"
	"};\n"
	"void Order::add(const std::string &name, int count) { items[name] += count; }\n"
	"template <class T> __attribute__((noinline)) int Order::total(T scale) const\n"
	"{\n"
	"	int sum = 0;\n"
	"	for (const auto &item : items)\n"
	"		sum += item.second * scale;\n"
	"	return sum;\n"
	"}\n"
	"}\n"
	"int main(int argc, char **argv)\n"
	"{\n"
	"	shop::Order order;\n"
	"	std::vector<int> counts;\n"
	"	for (int i = 0; i < argc; i++) {\n"
	"		order.add(argv[i], i);\n"
	"		counts.push_back(i);\n"
	"	}\n"
	"	return order.total(2) + order.total(2.5) + counts.size();\n"
	"}\n";

static int begin(void **state)
{
	if (work_begin(state))
		return -1;
	write_text("plain.c", plain);
	write_text("inlined.h", header);
	write_text("classes.cc", classes);
	return 0;
}

/* ---- what the other tool says ---- */

#define FRAMES_MAX 32

struct expected {
	uint64_t address;
	size_t count;
	struct {
		char name[1024];
		char file[256];
		unsigned int line;
	} frames[FRAMES_MAX];
};

/* "FILE:LINE", with more behind it or not. */
static void take_place(struct expected *expected, char *text, char separator)
{
	char *colon, *end = text + strcspn(text, "\n ");

	*end = '\0';
	/* FILE:LINE:COLUMN */
	if (separator)
		*strrchr(text, separator) = '\0';
	colon = strrchr(text, ':');
	assert_non_null(colon);
	*colon = '\0';
	snprintf(expected->frames[expected->count].file, 256, "%s", text);
	expected->frames[expected->count++].line = (unsigned int)strtoul(colon + 1, NULL, 10);
}

/* addr2line -fia: an address, then two lines a frame, up to the next address. */
static bool next_of_addr2line(FILE *pipe, char *line, size_t size, struct expected *expected)
{
	if (strncmp(line, "0x", 2))
		return false;
	*expected = (struct expected){.address = strtoull(line, NULL, 16)};
	while (fgets(line, (int)size, pipe) && strncmp(line, "0x", 2)) {
		assert_true(expected->count < FRAMES_MAX);
		line[strcspn(line, "\n")] = '\0';
		snprintf(expected->frames[expected->count].name, 1024, "%s", line);
		assert_non_null(fgets(line, (int)size, pipe));
		take_place(expected, line, '\0');
	}
	return true;
}

/* llvm-symbolizer: an address, two lines a frame, an empty line. */
static bool next_of_llvm(FILE *pipe, char *line, size_t size, struct expected *expected)
{
	if (strncmp(line, "0x", 2))
		return false;
	*expected = (struct expected){.address = strtoull(line, NULL, 16)};
	while (fgets(line, (int)size, pipe) && line[0] != '\n') {
		assert_true(expected->count < FRAMES_MAX);
		line[strcspn(line, "\n")] = '\0';
		snprintf(expected->frames[expected->count].name, 1024, "%s", line);
		assert_non_null(fgets(line, (int)size, pipe));
		take_place(expected, line, ':');
	}
	if (!fgets(line, (int)size, pipe))
		line[0] = '\0';
	return true;
}

/* ---- the comparison ---- */

struct score {
	size_t compared;
	size_t inlined;
};

static bool same_file(const struct debug_line *line, const char *theirs)
{
	char path[PATH_MAX], left[PATH_MAX], right[PATH_MAX];

	if (!line->file)
		return false;
	snprintf(path, sizeof(path), "%s%s%s", line->directory ? line->directory : "",
		 line->directory ? "/" : "", line->file);
	if (!strcmp(path, theirs))
		return true;
	return realpath(path, left) && realpath(theirs, right) && !strcmp(left, right);
}

static void compare(const struct expected *expected, const struct debug_line *lines, size_t count,
		    struct score *score)
{
	/* some code has no line, such as what the linker adds */
	if (!expected->frames[0].line)
		return;
	if (count != expected->count)
		fail_msg("%" PRIx64 ": %zu lines instead of %zu", expected->address, count,
			 expected->count);
	for (size_t i = 0; i < count; i++) {
		const char *name = lines[i].name ? lines[i].name : "";

		if (!same_file(&lines[i], expected->frames[i].file) ||
		    lines[i].line != expected->frames[i].line)
			fail_msg("%" PRIx64 ": %s:%u instead of %s:%u", expected->address,
				 lines[i].file, lines[i].line, expected->frames[i].file,
				 expected->frames[i].line);
		/* of the function itself they take the symbol's name, "add.cold" */
		if (i + 1 < count)
			assert_string_equal(name, expected->frames[i].name);
	}
	score->compared++;
	score->inlined += count > 1;
}

static void write_addresses(const char *file)
{
	static struct nm_symbol symbols[NM_MAX];
	size_t count = nm_functions("", file, symbols);
	FILE *addresses = fopen(in_work("addresses"), "we");

	assert_non_null(addresses);
	for (size_t i = 0; i < count; i++)
		for (uint64_t at = 0; at < symbols[i].size; at += 3)
			fprintf(addresses, "0x%" PRIx64 "\n", symbols[i].address + at);
	assert_int_equal(fclose(addresses), 0);
}

static struct score check(const char *file, bool llvm)
{
	struct score score = {0};
	struct debug_info *info;
	struct expected *expected = malloc(sizeof(*expected));
	char line[4096] = "";
	FILE *pipe;
	int fd = open(in_work(file), O_RDONLY | O_CLOEXEC);

	assert_non_null(expected);
	assert_int_equal(debug_info_open(fd, &info), 0);
	write_addresses(file);
	pipe = llvm ? output_of("llvm-symbolizer --obj=%s --inlines --no-demangle "
				"--functions=linkage --print-address <addresses",
				file)
		    : output_of("addr2line -fia -e %s <addresses", file);
	if (!fgets(line, sizeof(line), pipe))
		line[0] = '\0';
	while (llvm ? next_of_llvm(pipe, line, sizeof(line), expected)
		    : next_of_addr2line(pipe, line, sizeof(line), expected)) {
		struct debug_line lines[DEBUG_LINES_MAX] = {0};
		size_t count = debug_info_lines(info, expected->address, lines);

		compare(expected, lines, count, &score);
	}
	assert_int_equal(pclose(pipe), 0);
	debug_info_close(info);
	close(fd);
	free(expected);
	return score;
}

static void check_build(const char *command, bool llvm)
{
	struct score score;

	run("%s", command);
	score = check("built", llvm);
	if (score.compared < 20 || score.inlined < 10)
		fail_msg("%s: only %zu compared, %zu inlined", command, score.compared,
			 score.inlined);
}

static void lines_of_c(void **state)
{
	(void)state;
	check_build("gcc -O2 -g -o built plain.c", false);
	check_build("gcc -O0 -g -o built plain.c", false);
	check_build("gcc -O2 -g -gdwarf-4 -o built plain.c", false);
	check_build("gcc -O2 -g3 -o built plain.c", false);
}

static void lines_of_cxx(void **state)
{
	(void)state;
	check_build("g++ -O2 -g -o built classes.cc", true);
	check_build("g++ -O1 -g -gdwarf-4 -o built classes.cc", true);
}

/* No .debug_aranges. */
static void lines_of_clang(void **state)
{
	(void)state;
	check_build("clang -O2 -g -o built plain.c", true);
	check_build("clang -O2 -g -gdwarf-4 -o built plain.c", true);
	check_build("clang++ -O2 -g -o built classes.cc", true);
}

static void packed_sections_are_unpacked(void **state)
{
	(void)state;
	check_build("gcc -O2 -g -gz=zlib -o built plain.c", false);
	/* which binutils' own tools do not read any more */
	run("gcc -O2 -g -o built plain.c && cp built old && "
	    "objcopy --compress-debug-sections=zlib-gnu old");
	{
		struct debug_line lines[DEBUG_LINES_MAX];
		struct debug_info *info;
		int fd = open(in_work("old"), O_RDONLY | O_CLOEXEC);

		assert_int_equal(debug_info_open(fd, &info), 0);
		assert_int_equal(debug_info_lines(info, address_of("old", "insert"), lines), 1);
		assert_string_equal(lines[0].name, "insert");
		assert_int_equal(lines[0].line, 7);
		debug_info_close(info);
		close(fd);
	}
}

static void several_units_of_two_compilers(void **state)
{
	(void)state;
	write_text("more.c", "#include \"inlined.h\"\n"
			     "int more(int x) { return middle(x) * 5; }\n"
			     "int much_more(int x) { return more(x) + middle(x); }\n");
	run("gcc -O2 -g -c -o one.o plain.c && clang -O2 -g -c -o two.o more.c");
	check_build("gcc -o built one.o two.o", true);
	check_build("gcc -o built two.o one.o", true);
}

static void a_separate_debug_file_is_as_good(void **state)
{
	struct debug_line lines[DEBUG_LINES_MAX];
	struct debug_info *info;
	int fd;

	(void)state;
	run("gcc -O2 -g -o built plain.c && objcopy --only-keep-debug built separate");
	fd = open(in_work("separate"), O_RDONLY | O_CLOEXEC);
	assert_int_equal(debug_info_open(fd, &info), 0);
	assert_int_equal(debug_info_lines(info, address_of("built", "insert"), lines), 1);
	assert_string_equal(lines[0].name, "insert");
	assert_int_equal(lines[0].line, 7);
	assert_int_equal(debug_info_lines(info, 0, lines), 0);
	assert_int_equal(debug_info_lines(info, UINT64_MAX, lines), 0);
	debug_info_close(info);
	close(fd);
}

static void what_has_none_is_refused(void **state)
{
	struct debug_info *info;
	int fd;

	(void)state;
	fd = open(in_work("plain.c"), O_RDONLY | O_CLOEXEC);
	assert_int_equal(debug_info_open(fd, &info), -EBADMSG);
	close(fd);
	assert_int_equal(debug_info_open(-1, &info), -EBADMSG);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_of_c),
		cmocka_unit_test(lines_of_cxx),
		cmocka_unit_test(lines_of_clang),
		cmocka_unit_test(packed_sections_are_unpacked),
		cmocka_unit_test(several_units_of_two_compilers),
		cmocka_unit_test(a_separate_debug_file_is_as_good),
		cmocka_unit_test(what_has_none_is_refused),
	};

	return cmocka_run_group_tests_name("debug_info", tests, begin, work_end);
}
