/* The USDT probes of the programs as they are built, by what binutils reads in them. */
#include "tests/handler/fake_api.h"

static const char *const programs[] = {"handler-glibc", "handler-jemalloc", "handler-mimalloc"};

static char *notes_read(const char *program)
{
	char path[4096], command[4200];
	char *notes = NULL;
	size_t size = 0;
	FILE *readelf;

	handler_path(path, sizeof(path), program);
	assert_null(strchr(path, '\''));
	snprintf(command, sizeof(command), "readelf -n '%s'", path);
	readelf = popen(command, "r");
	assert_non_null(readelf);
	assert_true(getdelim(&notes, &size, '\0', readelf) > 0);
	assert_int_equal(pclose(readelf), 0);
	return notes;
}

/* The probe is there once, and its arguments have that form: the sizes are of a pointer and an int.
 */
static void probe_check(const char *notes, const char *name, const char *format, int count)
{
	char text[128], first[32], second[32];
	const char *at;

	snprintf(text, sizeof(text), "Provider: order_handler\n    Name: %s\n", name);
	at = strstr(notes, text);
	assert_non_null(at);
	assert_null(strstr(at + 1, text));
	at = strstr(at, "Arguments: ");
	assert_non_null(at);
	assert_int_equal(sscanf(at, format, first, second), count);
}

static void test_probes(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(programs); i++) {
		char *notes = notes_read(programs[i]);

		probe_check(notes, "invocation_start", "Arguments: 8@%%%31[a-z0-9]\n", 1);
		probe_check(notes, "invocation_end",
			    "Arguments: 8@%%%31[a-z0-9] -4@%%%31[a-z0-9]\n", 2);
		free(notes);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_probes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
