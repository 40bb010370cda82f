// SPDX-License-Identifier: GPL-2.0-only
/* What the README says of the fields is what the table of fields says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "user/options.h"
#include "user/verdict/rules.h"
#include "user/view/fields.h"

static char *readme;

static int readme_read(void **state)
{
	FILE *file = fopen("README.md", "r");
	size_t size = 1 << 20;

	(void)state;
	assert_non_null(file);
	readme = calloc(1, size);
	assert_non_null(readme);
	assert_true(fread(readme, 1, size - 1, file) > 0);
	fclose(file);
	return 0;
}

static int readme_free(void **state)
{
	(void)state;
	free(readme);
	return 0;
}

static void every_field_is_explained(void **state)
{
	(void)state;
	for (size_t i = 0; i < field_count; i++) {
		char row[512];

		snprintf(row, sizeof(row), "| `%s` | %s | %s |", fields[i].name,
			 fields[i].shown & (FIELD_IN_WATCH | FIELD_IN_OVERVIEW) ? fields[i].title
										: "",
			 fields[i].help);
		if (!strstr(readme, row))
			fail_msg("README.md lacks the row:\n%s", row);
	}
}

static void no_field_is_invented(void **state)
{
	char *line, *copy = strdup(readme), *rest;

	(void)state;
	assert_non_null(copy);
	rest = strstr(copy, "### What each column means");
	assert_non_null(rest);
	while ((line = strsep(&rest, "\n"))) {
		char name[64];

		if (sscanf(line, "| `%63[a-z_]`", name) == 1 && !field_find(name))
			fail_msg("README.md explains %s, which is no field", name);
	}
	free(copy);
}

static void verdicts_and_rules_are_explained(void **state)
{
	char row[512];

	(void)state;
	for (unsigned int kind = 0; kind < VERDICT_COUNT; kind++) {
		const char *title = verdict_title(kind);

		snprintf(row, sizeof(row), "| `%s` | %c%s: %s. |\n", verdict_word(kind),
			 toupper((unsigned char)title[0]), title + 1, verdict_text(kind));
		if (!strstr(readme, row))
			fail_msg("README.md lacks the row:\n%s", row);
	}
	for (size_t i = 0; i < verdict_rule_count; i++) {
		snprintf(row, sizeof(row), "| `%s` | `%s` | %s |\n", verdict_rules[i].name,
			 verdict_word(verdict_rules[i].kind), verdict_rules[i].help);
		if (!strstr(readme, row))
			fail_msg("README.md lacks the row:\n%s", row);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_field_is_explained),
		cmocka_unit_test(no_field_is_invented),
		cmocka_unit_test(verdicts_and_rules_are_explained),
	};

	return cmocka_run_group_tests_name("readme", tests, readme_read, readme_free);
}
