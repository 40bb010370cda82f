// SPDX-License-Identifier: GPL-2.0-only
#include "tests/unit/support.h"

#include "tests/unit/programs.h"
#include "user/stack/demangle.h"

static const char *const mangled[] = {
	/* C++ */
	"_Z1fv",
	"_ZN4shop5Order3addERKNSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEEi",
	"_ZNSt6vectorIiSaIiEE17_M_realloc_insertIJRKiEEEvN9__gnu_cxx17__normal_iteratorIPiS1_"
	"EEDpOT_",
	"_ZN12_GLOBAL__N_13runEv",
	"_ZNK4shop3BoxIlEclEi",
	"_ZdlPvm",
	"_Z5outeriIiEvv.cold",
	/* Rust, legacy: the hash is not shown */
	"_ZN4core3fmt9Formatter9write_str17h3f1d5c4a9d8b7e60E",
	"_ZN98_$LT$alloc..vec..Vec$LT$T$GT$$u20$as$u20$alloc..vec..spec_extend..SpecExtend$LT$T$C$"
	"I$GT$"
	"$GT$11spec_extend17h0123456789abcdefE",
	/* Rust, v0 */
	"_RNvNtCs1234_7mycrate3foo3bar",
	"_RNvMs_NtCs9ltgdHTiPiY_5alloc7raw_vecINtB4_6RawVechE8grow_oneCs1234_7mycrate",
	"_RINvNtC3std3mem8align_ofNtNtC3std3mem12DiscriminantE",
	"_RNvC6_123foo3bar",
};

static void names_are_as_binutils_has_them(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(mangled); i++) {
		FILE *pipe = output_of("c++filt -i '%s'", mangled[i]);
		char expected[1024], text[1024];

		assert_non_null(fgets(expected, sizeof(expected), pipe));
		assert_int_equal(pclose(pipe), 0);
		expected[strcspn(expected, "\n")] = '\0';
		assert_true(name_is_mangled(mangled[i]));
		if (!demangle(mangled[i], text, sizeof(text)))
			snprintf(text, sizeof(text), "%s", mangled[i]);
		assert_string_equal(text, expected);
	}
}

static void a_rust_hash_is_left_out(void **state)
{
	char text[256];

	(void)state;
	assert_true(demangle("_ZN7mycrate3foo17h0123456789abcdefE", text, sizeof(text)));
	assert_string_equal(text, "mycrate::foo");
}

static void plain_names_are_not_touched(void **state)
{
	static const char *const plain[] = {
		"",    "_", "main",  "_start", "__libc_start_main", "runtime.mallocgc",
		"Zoo", "R", "x_Z1fv"};
	char text[64];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(plain); i++) {
		assert_false(name_is_mangled(plain[i]));
		assert_false(demangle(plain[i], text, sizeof(text)));
	}
}

static void what_only_looks_mangled_is_refused(void **state)
{
	static const char *const wrong[] = {"_Z",    "_R",  "_Zzz", "_ZN", "_Z99999999999f",
					    "_RNvC", "_ZNE"};
	char text[64];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		assert_false(demangle(wrong[i], text, sizeof(text)));
}

static void long_text_is_cut(void **state)
{
	char text[12];

	(void)state;
	memset(text, '#', sizeof(text));
	assert_true(demangle("_ZN4shop5Order3addEi", text, 11));
	assert_string_equal(text, "shop::Orde");
	assert_int_equal(text[11], '#');
}

/* Types that are twice as long as the one before, n times: 2^n bytes of text. */
static void double_name(char *name, size_t size, int doublings)
{
	static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
	size_t used = (size_t)snprintf(name, size, "_Z1f1A1BIS_S_E");

	/* S_ is A, S0_ is B, S1_ is B<A, A> */
	for (int i = 0; i < doublings && i < 33; i++)
		used += (size_t)snprintf(name + used, size - used, "S0_IS%c_S%c_E", digits[i + 1],
					 digits[i + 1]);
}

static void a_name_that_explodes_is_cut(void **state)
{
	char name[1024], text[1024];

	(void)state;
	double_name(name, sizeof(name), 33);
	assert_true(strlen(name) < 512);
	assert_true(demangle(name, text, sizeof(text)));
	assert_int_equal(strlen(text), sizeof(text) - 1);
	assert_memory_equal(text, "f(A, B<A, A>, B<B<A, A>, B<A, A> >, ", 36);
}

/* Whatever the bytes are, the text ends. Names that take too long are the reader's to survive. */
static void garbage_is_survived(void **state)
{
	static const char letters[] = "_ZNKRILSCEvTtDpJXsrcladdr0123456789.$@hM*&";
	uint64_t seed = 3;

	(void)state;
	for (int round = 0; round < 20000; round++) {
		char name[48], text[128];
		size_t length = 3 + random_below(&seed, sizeof(name) - 4);
		const char *from = mangled[random_below(&seed, ARRAY_SIZE(mangled))];

		memset(name, 0, sizeof(name));
		if (round % 2)
			strncpy(name, from, length);
		else
			memcpy(name, round % 4 ? "_Z" : "_R", 2);
		for (size_t i = 2; i < length; i++)
			if (!name[i] || !random_below(&seed, 8))
				name[i] = letters[random_below(&seed, sizeof(letters) - 1)];
		if (demangle(name, text, sizeof(text)))
			assert_in_range(strlen(text), 1, sizeof(text) - 1);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_as_binutils_has_them),
		cmocka_unit_test(a_rust_hash_is_left_out),
		cmocka_unit_test(plain_names_are_not_touched),
		cmocka_unit_test(what_only_looks_mangled_is_refused),
		cmocka_unit_test(long_text_is_cut),
		cmocka_unit_test(a_name_that_explodes_is_cut),
		cmocka_unit_test(garbage_is_survived),
	};

	return cmocka_run_group_tests_name("demangle", tests, work_begin, work_end);
}
