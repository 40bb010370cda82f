// SPDX-License-Identifier: GPL-2.0-only
/* What the fuzz targets begin with, made from the recordings in tests/golden: seeds TARGET DIR */
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sys/stat.h>

#include "user/base/units.h"
#include "user/pipeline.h"
#include "user/source/record_code.h"
#include "user/source/recording.h"

#define SEED_BYTES 16384

static const char *dir;
static unsigned int written;

static void write_seed(const uint8_t *data, size_t size)
{
	char path[256];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%03u", dir, written++);
	file = fopen(path, "we");
	if (!file || fwrite(data, 1, size, file) != size || fclose(file))
		exit(1);
}

/* One seed of each record as it is in memory. */
static size_t put_event(uint8_t *into, const struct event_header *event)
{
	memcpy(into, &event->size, 2);
	memcpy(into + 2, event, event->size);
	return (size_t)event->size + 2;
}

static void make_events(const char *path)
{
	static uint8_t seed[SEED_BYTES + EVENT_SIZE_MAX + 2];
	const struct event_header *event;
	struct recording_reader *reader;
	unsigned int kinds[EVENT_KIND_COUNT] = {0};
	size_t used = 0;

	if (recording_open(path, &reader))
		exit(1);
	while (recording_read(reader, &event)) {
		if (kinds[event->kind]++ > 40 && event->kind != EVENT_INTERVAL)
			continue;
		used += put_event(seed + used, event);
		if (used < SEED_BYTES)
			continue;
		write_seed(seed, used);
		used = 0;
	}
	write_seed(seed, used);
	recording_reader_free(reader);
}

/* What a recording begins with that let go of more. */
struct kept {
	uint8_t seed[SEED_BYTES + EVENT_SIZE_MAX + 2];
	size_t used;
};

static void keep_event(void *ctx, const struct event_header *event)
{
	struct kept *kept = ctx;

	if (kept->used < SEED_BYTES)
		kept->used += put_event(kept->seed + kept->used, event);
}

static void make_kept(const char *path)
{
	struct recording_options options = {0};
	const struct pipeline_options policy = {.replayed = true};
	struct kept kept = {.used = 0};
	struct recording_reader *reader;
	struct pipeline *pipeline;
	struct source *source;
	int rc = 0;

	if (recording_open(path, &reader))
		exit(1);
	/* not to its end: what has ended is not kept */
	options.until_ns = recording_header(reader)->start_ns + NSEC_PER_SEC;
	source = recording_source(reader, &options);
	pipeline = source ? pipeline_new(source, &policy) : NULL;
	while (pipeline && !rc)
		rc = pipeline_run(pipeline);
	if (rc != 1)
		exit(1);
	pipeline_keep(pipeline, keep_event, &kept);
	write_seed(kept.seed, kept.used);
	pipeline_free(pipeline);
	source->ops->close(source);
}

static void make_chunks(const char *path)
{
	static uint8_t seed[1 + SEED_BYTES + RECORD_CODE_MAX];
	const struct event_header *event;
	struct recording_reader *reader;
	struct record_code code = {0};
	size_t used = 1;

	seed[0] = 1;
	if (recording_open(path, &reader))
		exit(1);
	while (recording_read(reader, &event) && used < SEED_BYTES)
		used += record_encode(&code, event, seed + used);
	write_seed(seed, used);
	recording_reader_free(reader);
}

static void make_file(const char *path)
{
	static uint8_t seed[4096];
	FILE *file = fopen(path, "re");
	size_t got;

	if (!file)
		exit(1);
	seed[0] = 0;
	got = fread(seed + 1, 1, sizeof(seed) - 1, file);
	fclose(file);
	write_seed(seed, got + 1);
}

int main(int argc, char **argv)
{
	glob_t found;

	if (argc != 3)
		return 64;
	dir = argv[2];
	mkdir(dir, 0755);
	if (glob("tests/golden/*.tdm", 0, NULL, &found))
		return 1;
	for (size_t i = 0; i < found.gl_pathc; i++) {
		if (!strcmp(argv[1], "event")) {
			make_events(found.gl_pathv[i]);
			make_kept(found.gl_pathv[i]);
		} else {
			make_chunks(found.gl_pathv[i]);
			make_file(found.gl_pathv[i]);
		}
	}
	globfree(&found);
	return 0;
}
