// SPDX-License-Identifier: GPL-2.0-only
/*
 * A protobuf message is the concatenation of its fields in any order, so the
 * profile is packed and compressed piece by piece: the samples, then what they
 * refer to. Each table of numbers below grows while the tables before it are
 * written: samples name locations, which name functions and mappings, and all
 * of them name strings.
 */
#include "user/view/pprof.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sys/mman.h>
#include <zlib.h>

#include "proto/profile.pb-c.h"
#include "user/base/clean_text.h"
#include "user/base/cleanup.h"
#include "user/base/intern.h"
#include "user/base/units.h"
#include "user/stack/frames.h"
#include "user/view/site_text.h"
#include "user/view/unwind_text.h"

typedef Perftools__Profiles__Profile Profile;
typedef Perftools__Profiles__ValueType ValueType;
typedef Perftools__Profiles__Sample Sample;
typedef Perftools__Profiles__Label Label;
typedef Perftools__Profiles__Mapping Mapping;
typedef Perftools__Profiles__Location Location;
typedef Perftools__Profiles__Line Line;
typedef Perftools__Profiles__Function Function;

#define PROFILE_INIT PERFTOOLS__PROFILES__PROFILE__INIT

/* Lines of one location: deeper inlining keeps its innermost and its outermost ones. */
#define LINES_MAX 256

/* Of a sample: what is retained and resident; and what is live, where allocations were followed. */
#define VALUES_PAGES 3
#define VALUES_MAX 5

/* Module of a location without a frame; its address is the reason. */
#define NO_FRAME UINT32_MAX

struct function_key {
	uint32_t name; /* all three are strings */
	uint32_t system_name;
	uint32_t file;
};

struct writer {
	const struct process *process;
	const struct export_context *context;
	gzFile out;
	struct intern strings;
	struct intern locations; /* struct event_frame */
	struct intern functions; /* struct function_key */
	struct intern mappings;	 /* uint32_t, number of the module */
	uint8_t *packed;
	size_t capacity;
	size_t values; /* of each sample */
	int error;     /* the first; nothing is written after it */
};

static void fail(struct writer *writer, int error)
{
	if (!writer->error)
		writer->error = error;
}

/* Adds what the message holds to the profile. */
static void put(struct writer *writer, const Profile *message)
{
	size_t size = perftools__profiles__profile__get_packed_size(message);

	if (writer->error)
		return;
	if (size > writer->capacity) {
		uint8_t *packed = realloc(writer->packed, size);

		if (!packed)
			return fail(writer, -ENOMEM);
		writer->packed = packed;
		writer->capacity = size;
	}
	perftools__profiles__profile__pack(message, writer->packed);
	errno = 0;
	if (size && gzwrite(writer->out, writer->packed, (unsigned int)size) <= 0)
		fail(writer, errno ? -errno : -EIO);
}

/* ---- numbers ---- */

static uint32_t number_of(struct writer *writer, struct intern *table, const void *key, size_t size)
{
	uint32_t number = intern_add(table, key, (uint32_t)size);

	if (!number)
		fail(writer, -ENOMEM);
	return number;
}

/* 0 is the empty string. */
static uint32_t string_of(struct writer *writer, const char *text)
{
	char clean[CLEAN_TEXT_MAX];

	clean_text(text, clean);
	return *clean ? number_of(writer, &writer->strings, clean, strlen(clean)) : 0;
}

static uint32_t mapping_of(struct writer *writer, uint32_t module)
{
	return number_of(writer, &writer->mappings, &module, sizeof(module));
}

static uint32_t location_of(struct writer *writer, uint64_t address, uint32_t module)
{
	struct event_frame key = {.address = address, .module = module};

	return number_of(writer, &writer->locations, &key, sizeof(key));
}

static uint32_t function_of(struct writer *writer, const char *name, const char *system_name,
			    const char *file)
{
	struct function_key key = {
		.name = string_of(writer, name),
		.system_name = string_of(writer, system_name),
		.file = string_of(writer, file),
	};

	return number_of(writer, &writer->functions, &key, sizeof(key));
}

/* ---- samples ---- */

static size_t locations_fill(struct writer *writer, const struct stack *stack, uint32_t reason,
			     uint64_t locations[EVENT_FRAMES_MAX])
{
	if (!stack) {
		locations[0] = location_of(writer, reason, NO_FRAME);
		return 1;
	}
	for (size_t i = 0; i < stack->frame_count; i++)
		locations[i] =
			location_of(writer, stack->frames[i].address, stack->frames[i].module);
	return stack->frame_count;
}

/* The pages of a site in one state. */
struct part {
	const char *state;
	uint64_t retained;
	uint64_t resident;
};

static void put_part(struct writer *writer, Sample *sample, Label *state, const struct part *part)
{
	int64_t values[VALUES_MAX] = {(int64_t)part->retained,
				      (int64_t)(part->retained << PAGE_SHIFT),
				      (int64_t)(part->resident << PAGE_SHIFT)};
	Profile profile = PROFILE_INIT;

	if (!part->resident)
		return;
	state->str = string_of(writer, part->state);
	sample->value = values;
	sample->n_value = writer->values;
	profile.sample = &sample;
	profile.n_sample = 1;
	put(writer, &profile);
}

/*
 * How many of the lazily freed pages are retained is not known of a site. Most
 * are: pages are freed after they were used.
 */
static void put_parts(struct writer *writer, Sample *sample, Label *state, const struct site *site)
{
	uint64_t lazy_retained = site->lazy < site->retained ? site->lazy : site->retained;
	uint64_t retained = site->retained - lazy_retained;
	struct part parts[] = {
		{"retained", retained, retained},
		{"young", 0, site->resident - site->lazy - retained},
		{"lazyfree", lazy_retained, site->lazy},
	};

	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++)
		put_part(writer, sample, state, &parts[i]);
}

static void put_site(struct writer *writer, const struct site *site)
{
	const struct stack *stack = site_text_stack(writer->process, site);
	uint64_t locations[EVENT_FRAMES_MAX];
	Label labels[3] = {PERFTOOLS__PROFILES__LABEL__INIT, PERFTOOLS__PROFILES__LABEL__INIT,
			   PERFTOOLS__PROFILES__LABEL__INIT};
	Label *label_list[] = {&labels[0], &labels[1], &labels[2]};
	Sample sample = PERFTOOLS__PROFILES__SAMPLE__INIT;

	sample.location_id = locations;
	sample.n_location_id = locations_fill(writer, stack, site->reason, locations);
	labels[0].key = string_of(writer, "state");
	labels[1].key = string_of(writer, "allocator");
	labels[1].str =
		string_of(writer, allocator_name(site_text_allocator(writer->process, site)));
	labels[2].key = string_of(writer, "end");
	labels[2].str = string_of(writer, stack ? stack_end_name(stack->end) : "");
	sample.label = label_list;
	sample.n_label = stack ? 3 : 2;
	put_parts(writer, &sample, &labels[0], site);
}

/* What is live of the allocations made under a stack: an estimate, by samples. */
static void put_allocations(struct writer *writer, const struct heap_site *site)
{
	const struct stack *stack = process_stack(writer->process, site->stack);
	int64_t values[VALUES_MAX] = {0, 0, 0, (int64_t)site->live_count,
				      (int64_t)site->live_bytes};
	uint64_t locations[EVENT_FRAMES_MAX];
	Label labels[2] = {PERFTOOLS__PROFILES__LABEL__INIT, PERFTOOLS__PROFILES__LABEL__INIT};
	Label *label_list[] = {&labels[0], &labels[1]};
	Sample sample = PERFTOOLS__PROFILES__SAMPLE__INIT, *samples = &sample;
	Profile profile = PROFILE_INIT;

	if (!site->live_bytes)
		return;
	sample.location_id = locations;
	sample.n_location_id = locations_fill(writer, stack, SITE_UNTAKEN, locations);
	labels[0].key = string_of(writer, "state");
	labels[0].str = string_of(writer, "live");
	labels[1].key = string_of(writer, "end");
	labels[1].str = string_of(writer, stack ? stack_end_name(stack->end) : "");
	sample.label = label_list;
	sample.n_label = stack ? 2 : 1;
	sample.value = values;
	sample.n_value = writer->values;
	profile.sample = &samples;
	profile.n_sample = 1;
	put(writer, &profile);
}

static void put_heap(struct writer *writer)
{
	AUTO_FREE struct heap_site *sites = NULL;
	size_t count;

	if (writer->values == VALUES_PAGES)
		return;
	if (heap_sites(writer->process->ledger->heap, false, &sites, &count))
		return fail(writer, -ENOMEM);
	for (size_t i = 0; i < count && !writer->error; i++)
		put_allocations(writer, &sites[i]);
}

/* ---- what the samples refer to ---- */

static void put_location(struct writer *writer, Location *location, size_t line_count,
			 const uint64_t *functions, const uint32_t *numbers)
{
	Line lines[LINES_MAX], *line_list[LINES_MAX];
	Profile profile = PROFILE_INIT;

	for (size_t i = 0; i < line_count; i++) {
		perftools__profiles__line__init(&lines[i]);
		lines[i].function_id = functions[i];
		lines[i].line = numbers[i];
		line_list[i] = &lines[i];
	}
	location->line = line_list;
	location->n_line = line_count;
	profile.location = &location;
	profile.n_location = 1;
	put(writer, &profile);
}

static void put_frame(struct writer *writer, uint32_t id, const struct event_frame *frame)
{
	struct symbols *symbols = writer->process->symbols;
	struct symbol_lines shown = symbols_of(symbols, frame);
	const char *raw = symbols_raw_name(symbols, frame);
	Location location = PERFTOOLS__PROFILES__LOCATION__INIT;
	uint64_t functions[LINES_MAX];
	uint32_t numbers[LINES_MAX];
	size_t count = shown.count < LINES_MAX ? shown.count : LINES_MAX;

	for (size_t i = 0; i < count; i++) {
		bool outermost = i + 1 == count;
		const struct symbol *line = &shown.lines[outermost ? shown.count - 1 : i];

		functions[i] = function_of(writer, line->name, outermost && raw ? raw : line->name,
					   line->file);
		numbers[i] = line->line;
	}
	location.id = id;
	location.address = frame->address;
	location.mapping_id = frame->module ? mapping_of(writer, frame->module) : 0;
	put_location(writer, &location, count, functions, numbers);
}

static void put_placeholder(struct writer *writer, uint32_t id, uint32_t reason)
{
	const char *name = site_text_placeholder(&(struct site){.reason = reason});
	Location location = PERFTOOLS__PROFILES__LOCATION__INIT;
	uint64_t function = function_of(writer, name, name, "");
	uint32_t line = 0;

	location.id = id;
	put_location(writer, &location, 1, &function, &line);
}

static void put_locations(struct writer *writer)
{
	for (uint32_t id = 1; id <= writer->locations.count && !writer->error; id++) {
		const struct event_frame *frame = intern_get(&writer->locations, id);

		if (frame->module == NO_FRAME)
			put_placeholder(writer, id, (uint32_t)frame->address);
		else
			put_frame(writer, id, frame);
	}
}

static void put_functions(struct writer *writer)
{
	for (uint32_t id = 1; id <= writer->functions.count && !writer->error; id++) {
		const struct function_key *key = intern_get(&writer->functions, id);
		Function function = PERFTOOLS__PROFILES__FUNCTION__INIT, *list = &function;
		Profile profile = PROFILE_INIT;

		function.id = id;
		function.name = key->name;
		function.system_name = key->system_name;
		function.filename = key->file;
		profile.function = &list;
		profile.n_function = 1;
		put(writer, &profile);
	}
}

static uint32_t build_id_of(struct writer *writer, const struct stack_module *module)
{
	char hex[2 * EVENT_BUILD_ID_LEN + 1] = "";

	for (size_t i = 0; i < module->build_id_len && i < EVENT_BUILD_ID_LEN; i++)
		snprintf(hex + 2 * i, 3, "%02x", module->build_id[i]);
	return string_of(writer, hex);
}

/*
 * Addresses are in the module's own numbering, so each is mapped at 0. All names
 * there are have been given: the flags keep pprof from looking for others.
 */
static void put_mapping(struct writer *writer, uint32_t id, const struct stack_module *module)
{
	Mapping mapping = PERFTOOLS__PROFILES__MAPPING__INIT, *list = &mapping;
	Profile profile = PROFILE_INIT;

	mapping.id = id;
	mapping.memory_limit = EVENT_ADDRESS_LIMIT;
	mapping.filename = string_of(writer, module ? module->path : "?");
	mapping.build_id = module ? build_id_of(writer, module) : 0;
	mapping.has_functions = true;
	mapping.has_filenames = true;
	mapping.has_line_numbers = true;
	mapping.has_inline_frames = true;
	profile.mapping = &list;
	profile.n_mapping = 1;
	put(writer, &profile);
}

static void put_mappings(struct writer *writer)
{
	for (uint32_t id = 1; id <= writer->mappings.count && !writer->error; id++) {
		const uint32_t *number = intern_get(&writer->mappings, id);

		put_mapping(writer, id, stacks_module(writer->process->stacks, *number));
	}
}

/*
 * The first mapping gives the profile its name, and is to be the program: the
 * kernel maps it below all libraries.
 */
static void number_program(struct writer *writer)
{
	const struct process *process = writer->process;
	const struct mapping *mapping = mapping_at_or_after(&process->ledger->mappings, 0);
	const struct mapping_file *file;

	while (mapping && !(mapping->attr.kind == MAPPING_FILE && mapping->attr.prot & PROT_EXEC &&
			    mapping->attr.file))
		mapping = mapping_next(mapping);
	if (!mapping || !process->stacks || !process->symbols)
		return;
	file = intern_get(&process->ledger->files, mapping->attr.file);
	for (uint32_t i = 1; i <= stacks_module_count(process->stacks); i++) {
		const struct stack_module *module = stacks_module(process->stacks, i);

		if (module->ino == file->ino && module->dev == file->dev &&
		    !(module->flags & (MODULE_NO_FILE | MODULE_VDSO))) {
			mapping_of(writer, i);
			return;
		}
	}
}

/* ---- the profile itself ---- */

static ValueType value_type(struct writer *writer, const char *type, const char *unit)
{
	ValueType value = PERFTOOLS__PROFILES__VALUE_TYPE__INIT;

	value.type = string_of(writer, type);
	value.unit = string_of(writer, unit);
	return value;
}

static void put_comments(struct writer *writer)
{
	const struct process *process = writer->process;
	char text[512], comm[EVENT_COMM_LEN + 1] = "";
	Profile profile = PROFILE_INIT;
	int64_t comments[3];

	snprintf(text, sizeof(text), "tidemark %s", writer->context->version);
	comments[0] = string_of(writer, text);
	memcpy(comm, process->ledger->comm, EVENT_COMM_LEN);
	snprintf(text, sizeof(text), "process %u %s", process->ledger->pid, comm);
	comments[1] = string_of(writer, text);
	memcpy(text, "stacks: ", sizeof("stacks: "));
	if (process->unwinder)
		unwind_text(unwinder_totals(process->unwinder), text + strlen(text),
			    sizeof(text) - strlen(text));
	comments[2] = string_of(writer, text);
	profile.comment = comments;
	profile.n_comment = process->unwinder ? 3 : 2;
	put(writer, &profile);
}

static void put_head(struct writer *writer)
{
	const struct ledger *ledger = writer->process->ledger;
	ValueType types[] = {
		value_type(writer, "retained_pages", "count"),
		value_type(writer, "retained_space", "bytes"),
		value_type(writer, "resident_space", "bytes"),
		value_type(writer, "inuse_objects", "count"),
		value_type(writer, "inuse_space", "bytes"),
	};
	ValueType *type_list[] = {&types[0], &types[1], &types[2], &types[3], &types[4]};
	ValueType period = value_type(writer, "page", "bytes");
	Profile profile = PROFILE_INIT;

	profile.sample_type = type_list;
	profile.n_sample_type = writer->values;
	profile.default_sample_type = types[2].type;
	profile.period_type = &period;
	profile.period = PAGE_BYTES;
	profile.time_nanos = (int64_t)ledger->now_ns + writer->context->wall_offset_ns;
	profile.duration_nanos = (int64_t)(ledger->now_ns - ledger->attach_ns);
	put(writer, &profile);
	put_comments(writer);
}

static void put_strings(struct writer *writer)
{
	for (uint32_t i = 0; i <= writer->strings.count && !writer->error; i++) {
		char *text = (char *)intern_get(&writer->strings, i);
		Profile profile = PROFILE_INIT;

		profile.string_table = &text;
		profile.n_string_table = 1;
		put(writer, &profile);
	}
}

static void put_profile(struct writer *writer)
{
	const struct site_list *list = &writer->process->sites;

	put_head(writer);
	number_program(writer);
	for (size_t i = 0; i < list->count && !writer->error; i++)
		put_site(writer, &list->sites[i]);
	put_heap(writer);
	put_locations(writer);
	put_functions(writer);
	put_mappings(writer);
	put_strings(writer);
}

int pprof_write(FILE *file, const struct process *process, const struct export_context *context)
{
	struct writer writer = {
		.process = process,
		.context = context,
		.values = process->ledger->heap ? VALUES_MAX : VALUES_PAGES,
	};
	int fd = dup(fileno(file)), rc;

	if (fd < 0)
		return -errno;
	writer.out = gzdopen(fd, "wb");
	if (!writer.out) {
		close(fd);
		return -ENOMEM;
	}
	put_profile(&writer);
	errno = 0;
	rc = gzclose(writer.out);
	if (rc != Z_OK)
		fail(&writer, errno ? -errno : -EIO);
	intern_free(&writer.strings);
	intern_free(&writer.locations);
	intern_free(&writer.functions);
	intern_free(&writer.mappings);
	free(writer.packed);
	return writer.error;
}
