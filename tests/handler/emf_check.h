/*
 * A line of metrics held against the JSON schema in CloudWatch's specification of the Embedded
 * Metric Format, and against what it says of the members that are referred to.
 */
#ifndef TESTS_HANDLER_EMF_CHECK_H
#define TESTS_HANDLER_EMF_CHECK_H

#include "tests/handler/support.h"

#include <jansson.h>

static inline void emf_check_text(const json_t *text, size_t max)
{
	assert_true(json_is_string(text));
	assert_in_range(json_string_length(text), 1, max);
}

/* The metadata may hold nothing else. */
static inline void emf_check_members(const json_t *object, const char *const *names, size_t count)
{
	assert_int_equal(json_object_size(object), count);
	for (size_t i = 0; i < count; i++)
		assert_non_null(json_object_get(object, names[i]));
}

static inline void emf_check_metric(const json_t *root, const json_t *metric)
{
	static const char *const members[] = {"Name", "Unit"};
	static const char *const units[] = {"Percent", "Count", "Bytes"};
	const char *unit = json_string_value(json_object_get(metric, "Unit"));
	const json_t *name = json_object_get(metric, "Name");
	bool known = false;

	emf_check_members(metric, members, ARRAY_SIZE(members));
	emf_check_text(name, 1024);
	for (size_t i = 0; i < ARRAY_SIZE(units); i++)
		known |= strcmp(unit, units[i]) == 0;
	assert_true(known);
	assert_true(json_is_number(json_object_get(root, json_string_value(name))));
}

static inline void emf_check_dimensions(const json_t *root, const json_t *sets)
{
	size_t i, j;
	json_t *set, *name;

	assert_true(json_is_array(sets));
	assert_true(json_array_size(sets) >= 1);
	json_array_foreach(sets, i, set)
	{
		assert_true(json_is_array(set));
		assert_in_range(json_array_size(set), 1, 30);
		json_array_foreach(set, j, name)
		{
			emf_check_text(name, 250);
			emf_check_text(json_object_get(root, json_string_value(name)), 1024);
		}
	}
}

static inline void emf_check(const json_t *root)
{
	static const char *const metadata[] = {"Timestamp", "CloudWatchMetrics"};
	static const char *const directive[] = {"Namespace", "Dimensions", "Metrics"};
	const json_t *aws = json_object_get(root, "_aws");
	const json_t *directives = json_object_get(aws, "CloudWatchMetrics");
	json_t *one, *metric;
	size_t i, j;

	assert_true(json_is_object(root));
	emf_check_members(aws, metadata, ARRAY_SIZE(metadata));
	assert_true(json_is_integer(json_object_get(aws, "Timestamp")));
	/* Milliseconds: in seconds it would be before 2001, in microseconds after 2286. */
	assert_in_range(json_integer_value(json_object_get(aws, "Timestamp")), 1000000000000,
			9999999999999);
	assert_true(json_is_array(directives));
	json_array_foreach(directives, i, one)
	{
		emf_check_members(one, directive, ARRAY_SIZE(directive));
		emf_check_text(json_object_get(one, "Namespace"), 1024);
		emf_check_dimensions(root, json_object_get(one, "Dimensions"));
		assert_in_range(json_array_size(json_object_get(one, "Metrics")), 1, 100);
		json_array_foreach(json_object_get(one, "Metrics"), j, metric)
		{
			emf_check_metric(root, metric);
		}
	}
}

/* Parses a line, without its '\n', checks it, and returns it for the caller to release. */
static inline json_t *emf_parse(const char *line)
{
	json_t *root = json_loads(line, JSON_REJECT_DUPLICATES, NULL);

	assert_non_null(root);
	emf_check(root);
	return root;
}

#endif
