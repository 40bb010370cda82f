#include "tests/handler/support.h"

#include <dirent.h>
#include <pthread.h>
#include <sys/mman.h>

#include "handler/emf.h"
#include "tests/handler/emf_check.h"

#define THREADS 4
#define LINES_PER_THREAD 500

static struct emf emf_make(FILE *out)
{
	struct emf emf = {.out = out,
			  .function = "orders",
			  .allocator = "glibc",
			  .cache = "lru",
			  .capacity = 1000};

	assert_non_null(out);
	assert_int_equal(emf_open(&emf), 0);
	return emf;
}

static json_t *line_read(FILE *file)
{
	char *text = NULL;
	size_t size = 0;
	ssize_t length = getline(&text, &size, file);
	json_t *line;

	assert_true(length > 1);
	assert_int_equal(text[length - 1], '\n');
	text[length - 1] = '\0';
	line = emf_parse(text);
	free(text);
	return line;
}

static json_t *line_make(struct emf *emf, const char *id, uint64_t entries)
{
	rewind(emf->out);
	assert_int_equal(emf_write(emf, id, entries), 0);
	rewind(emf->out);
	return line_read(emf->out);
}

static double line_number(const json_t *line, const char *name)
{
	return json_number_value(json_object_get(line, name));
}

static void test_line(void **state)
{
	struct emf emf = emf_make(tmpfile());
	json_t *line = line_make(&emf, "id-1", 250);
	const json_t *aws = json_object_get(line, "_aws");
	json_t *expected =
		json_pack("[{ss s[[sss]] s[{ssss} {ssss} {ssss}]}]", "Namespace", "OrderHandler",
			  "Dimensions", "FunctionName", "Allocator", "Cache", "Metrics", "Name",
			  "CacheUtilization", "Unit", "Percent", "Name", "CacheEntries", "Unit",
			  "Count", "Name", "ResidentSetSize", "Unit", "Bytes");

	(void)state;
	assert_true(json_equal(json_object_get(aws, "CloudWatchMetrics"), expected));
	assert_int_equal(json_object_size(line), 8);
	assert_string_equal(json_string_value(json_object_get(line, "FunctionName")), "orders");
	assert_string_equal(json_string_value(json_object_get(line, "Allocator")), "glibc");
	assert_string_equal(json_string_value(json_object_get(line, "Cache")), "lru");
	assert_string_equal(json_string_value(json_object_get(line, "requestId")), "id-1");
	assert_true(line_number(line, "CacheUtilization") == 25);
	assert_true(line_number(line, "CacheEntries") == 250);
	json_decref(line);
	json_decref(expected);

	line = line_make(&emf, "id-2", 0);
	assert_true(line_number(line, "CacheUtilization") == 0);
	json_decref(line);
	/* A cache without a limit goes beyond its measure. */
	line = line_make(&emf, "id-3", 19786);
	assert_true(line_number(line, "CacheUtilization") > 1978.59);
	assert_true(line_number(line, "CacheUtilization") < 1978.61);
	json_decref(line);
	fclose(emf.out);
	emf_close(&emf);
}

/* What the kernel says elsewhere; smaps counts page by page, statm by counters that may lag. */
static size_t rss_read(void)
{
	FILE *file = fopen("/proc/self/smaps_rollup", "r");
	char *line = NULL;
	size_t size = 0, kib = 0;

	assert_non_null(file);
	while (getline(&line, &size, file) > 0 && sscanf(line, "Rss: %zu kB", &kib) != 1)
		continue;
	fclose(file);
	free(line);
	assert_true(kib > 0);
	return kib << 10;
}

static void test_resident_set(void **state)
{
	const size_t size = 64 << 20, slack = 4 << 20;
	struct emf emf = emf_make(tmpfile());
	json_t *line = line_make(&emf, "id", 1);
	double before = line_number(line, "ResidentSetSize");
	char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)state;
	json_decref(line);
	assert_ptr_not_equal(memory, MAP_FAILED);
	memset(memory, 1, size);
	line = line_make(&emf, "id", 1);
	assert_in_range((size_t)(line_number(line, "ResidentSetSize") - before), size - slack,
			size + slack);
	assert_in_range((size_t)line_number(line, "ResidentSetSize"), rss_read() - slack,
			rss_read() + slack);
	json_decref(line);
	munmap(memory, size);
	fclose(emf.out);
	emf_close(&emf);
}

static void test_function_names(void **state)
{
	static const char *const bad[] = {"", "a b", "x\n", "\xff", "a\"b", "a/b"};
	char longest[142];

	(void)state;
	assert_string_equal(emf_function_name(NULL), "order-handler");
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_string_equal(emf_function_name(bad[i]), "order-handler");
	assert_string_equal(emf_function_name("My_function-2"), "My_function-2");
	memset(longest, 'n', sizeof(longest));
	longest[141] = '\0';
	assert_string_equal(emf_function_name(longest), "order-handler");
	longest[140] = '\0';
	assert_string_equal(emf_function_name(longest), longest);
}

static void *lines_write(void *context)
{
	for (int i = 0; i < LINES_PER_THREAD; i++)
		assert_int_equal(emf_write(context, "8476a536-e9f4-11e8-9739-2dfe598c3fcd", 5), 0);
	return NULL;
}

static void test_threads_do_not_mix_lines(void **state)
{
	struct emf emf = emf_make(tmpfile());
	pthread_t threads[THREADS];

	(void)state;
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, lines_write, &emf), 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	rewind(emf.out);
	for (int i = 0; i < THREADS * LINES_PER_THREAD; i++)
		json_decref(line_read(emf.out));
	assert_int_equal(fgetc(emf.out), EOF);
	fclose(emf.out);
	emf_close(&emf);
}

static size_t descriptors_count(void)
{
	DIR *directory = opendir("/proc/self/fd");
	size_t count = 0;

	assert_non_null(directory);
	while (readdir(directory))
		count++;
	closedir(directory);
	return count;
}

static void test_one_descriptor(void **state)
{
	FILE *out = fopen("/dev/null", "w");
	size_t before = descriptors_count();
	struct emf emf = emf_make(out);

	(void)state;
	for (int i = 0; i < 100; i++)
		assert_int_equal(emf_write(&emf, "id", 1), 0);
	assert_int_equal(descriptors_count(), before + 1);
	emf_close(&emf);
	assert_int_equal(descriptors_count(), before);
	fclose(out);
}

static void test_write_error(void **state)
{
	FILE *full = fopen("/dev/full", "w");
	struct emf emf = emf_make(full);

	(void)state;
	assert_int_equal(emf_write(&emf, "id", 1), -ENOSPC);
	assert_true(atomic_load(&emf.broken));
	emf_close(&emf);
	fclose(full);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_line),
		cmocka_unit_test(test_resident_set),
		cmocka_unit_test(test_function_names),
		cmocka_unit_test(test_threads_do_not_mix_lines),
		cmocka_unit_test(test_one_descriptor),
		cmocka_unit_test(test_write_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
