// SPDX-License-Identifier: GPL-2.0-only
#include "user/stack/symbols.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "user/stack/debug_file.h"
#include "user/stack/symbols_internal.h"

#define SLOTS_MIN 256

/*
 * DWARF that is packed must be unpacked as a whole; that is all of a large program's. The rest
 * is for what libdw makes of it: 45 MiB for a unit of 3.5 MB.
 */
#define UNPACKED_BYTES ((uint64_t)384 << 20)
#define READER_BYTES (UNPACKED_BYTES + ((uint64_t)128 << 20))

/* Of all tables together: those not asked of last are built again when needed. */
#define TABLE_BYTES ((uint64_t)256 << 20)

/* A name with a module's, an offset, and no more. */
#define FALLBACK_MAX (EVENT_PATH_LEN + 32)

static const struct symbol nothing = {.name = "?", .file = ""};

/* ---- answers ---- */

static size_t hash_of(uint32_t module, uint64_t address)
{
	uint64_t hash = (address ^ (uint64_t)module << 40) * 0x9e3779b97f4a7c15ULL;

	return (size_t)(hash ^ hash >> 29);
}

static struct answer **find_slot(const struct symbols *symbols, uint32_t module, uint64_t address)
{
	size_t at = hash_of(module, address) & (symbols->slot_count - 1);

	while (symbols->slots[at] &&
	       (symbols->slots[at]->module != module || symbols->slots[at]->address != address))
		at = (at + 1) & (symbols->slot_count - 1);
	return &symbols->slots[at];
}

static int grow_slots(struct symbols *symbols)
{
	size_t before = symbols->slot_count, count = before ? before * 2 : SLOTS_MIN;
	struct answer **slots = calloc(count, sizeof(*slots)), **old = symbols->slots;

	if (!slots)
		return -ENOMEM;
	symbols->slots = slots;
	symbols->slot_count = count;
	for (size_t i = 0; i < before; i++)
		if (old[i])
			*find_slot(symbols, old[i]->module, old[i]->address) = old[i];
	free(old);
	return 0;
}

/* The answer about a frame, empty if it is new. NULL without memory. */
static struct answer *answer_of(struct symbols *symbols, const struct event_frame *frame)
{
	struct answer **slot;

	/* at most 3/4 full */
	if (symbols->answer_count >= symbols->slot_count / 4 * 3 && grow_slots(symbols))
		return NULL;
	slot = find_slot(symbols, frame->module, frame->address);
	if (*slot)
		return *slot;
	*slot = calloc(1, sizeof(**slot));
	if (!*slot)
		return NULL;
	(*slot)->module = frame->module;
	(*slot)->address = frame->address;
	symbols->answer_count++;
	return *slot;
}

/* ---- sources ---- */

static int grow_sources(struct symbols *symbols, uint32_t number)
{
	size_t count = symbols->source_count ? symbols->source_count : 16;
	struct symbol_source *sources;

	while (count <= number)
		count *= 2;
	if (count == symbols->source_count)
		return 0;
	sources = reallocarray(symbols->sources, count, sizeof(*sources));
	if (!sources)
		return -ENOMEM;
	memset(sources + symbols->source_count, 0,
	       (count - symbols->source_count) * sizeof(*sources));
	symbols->sources = sources;
	symbols->source_count = count;
	return 0;
}

static void close_source(struct symbols *symbols, struct symbol_source *source)
{
	symbols->readers -= source->reader != NULL;
	symbol_source_close(source);
}

/* Closes all other sources where the tables have become too large together. */
static void bound_tables(struct symbols *symbols, const struct symbol_source *newest)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < symbols->source_count; i++)
		if (symbols->sources[i].opened)
			bytes += symbol_source_memory(&symbols->sources[i]);
	if (bytes <= symbols->settings.table_bytes)
		return;
	for (size_t i = 0; i < symbols->source_count; i++) {
		struct symbol_source *source = &symbols->sources[i];

		if (source != newest && symbol_source_memory(source))
			close_source(symbols, source);
	}
}

struct symbol_source *symbols_source(struct symbols *symbols, uint32_t number,
				     const struct stack_module **module)
{
	struct symbol_source *source;
	bool counted;

	*module = number ? stacks_module(symbols->stacks, number) : NULL;
	if (!*module || grow_sources(symbols, number))
		return NULL;
	source = &symbols->sources[number];
	/* a file that nobody could open may have been opened since */
	if (source->opened && source->of != (*module)->module)
		close_source(symbols, source);
	if (source->opened)
		return source;
	counted = source->too_large;
	if (symbol_source_open(source, *module, &symbols->settings))
		return NULL;
	symbols->skipped += source->too_large && !counted;
	bound_tables(symbols, source);
	return source;
}

/* ---- names ---- */

static void find_raw(struct symbols *symbols, struct answer *answer)
{
	const struct stack_module *module;
	struct symbol_source *source = symbols_source(symbols, answer->module, &module);
	char name[SYMBOL_NAME_MAX];
	bool found = false;

	answer->has_raw = true;
	answer->raw = 0;
	if (!source)
		return;
	answer->version = symbol_source_version(source);
	if (module->flags & MODULE_NO_FILE)
		found = perf_map_name(&source->map, answer->address, name, sizeof(name));
	else
		found = symbol_table_name(&source->table, answer->address, name);
	if (found)
		answer->raw = intern_string(&symbols->strings, name);
}

/* Could a name be found now that was not before? */
static bool is_outdated(struct symbols *symbols, const struct answer *answer)
{
	const struct stack_module *module;
	struct symbol_source *source;

	if (answer->raw)
		return false;
	source = symbols_source(symbols, answer->module, &module);
	if (!source)
		return false;
	if (module->flags & MODULE_NO_FILE)
		perf_map_update(&source->map, module->pid, symbols_now_ns());
	return answer->version != symbol_source_version(source);
}

static struct answer *answer_with_raw(struct symbols *symbols, const struct event_frame *frame)
{
	struct answer *answer = answer_of(symbols, frame);

	if (!answer)
		return NULL;
	if (is_outdated(symbols, answer))
		answer->has_raw = answer->has_lines = false;
	if (!answer->has_raw)
		find_raw(symbols, answer);
	return answer;
}

const char *symbols_raw_name(struct symbols *symbols, const struct event_frame *frame)
{
	const struct answer *answer = answer_with_raw(symbols, frame);

	return answer && answer->raw ? intern_get(&symbols->strings, answer->raw) : NULL;
}

/* ---- lines ---- */

static int grow_demangled(struct symbols *symbols, uint32_t number)
{
	size_t count = symbols->demangled_count ? symbols->demangled_count : 256;
	uint32_t *demangled;

	while (count <= number)
		count *= 2;
	if (count == symbols->demangled_count)
		return 0;
	demangled = reallocarray(symbols->demangled, count, sizeof(*demangled));
	if (!demangled)
		return -ENOMEM;
	memset(demangled + symbols->demangled_count, 0,
	       (count - symbols->demangled_count) * sizeof(*demangled));
	symbols->demangled = demangled;
	symbols->demangled_count = count;
	return 0;
}

/* A name for people: demangled and cut. */
static const char *shown_name(struct symbols *symbols, uint32_t raw, struct answer *answer)
{
	char text[READER_NAME_MAX];
	const char *name;
	uint32_t shown;

	if (grow_demangled(symbols, raw))
		return nothing.name;
	if (symbols->demangled[raw])
		return intern_get(&symbols->strings, symbols->demangled[raw]);
	name = intern_get(&symbols->strings, symbols_demangle(symbols, raw, answer));
	if (strlen(name) < sizeof(text))
		snprintf(text, sizeof(text), "%s", name);
	else
		snprintf(text, sizeof(text), "%.*s...", (int)sizeof(text) - 4, name);
	shown = intern_string(&symbols->strings, text);
	if (!answer->cut_short)
		symbols->demangled[raw] = shown;
	return shown ? intern_get(&symbols->strings, shown) : nothing.name;
}

/* "NAME+0xOFFSET" */
static const char *fallback_name(struct symbols *symbols, const struct answer *answer)
{
	const struct stack_module *module =
		answer->module ? stacks_module(symbols->stacks, answer->module) : NULL;
	char text[FALLBACK_MAX];
	uint32_t number;

	if (module)
		snprintf(text, sizeof(text), "%s+0x%" PRIx64, module->name, answer->address);
	else
		snprintf(text, sizeof(text), "0x%" PRIx64, answer->address);
	number = intern_string(&symbols->strings, text);
	return number ? intern_get(&symbols->strings, number) : nothing.name;
}

static void fill_line(struct symbols *symbols, struct answer *answer, const struct known_line *from,
		      bool inlined, struct symbol *line)
{
	/* the table knows the name that callers use: malloc, not __libc_malloc */
	uint32_t raw = inlined || !answer->raw ? from->name : answer->raw;

	*line = (struct symbol){
		.name = raw ? shown_name(symbols, raw, answer) : fallback_name(symbols, answer),
		.file = intern_get(&symbols->strings, from->file),
		.line = from->file ? from->line : 0,
		.known = raw != 0,
		.inlined = inlined,
	};
}

static void find_lines(struct symbols *symbols, struct answer *answer)
{
	struct known_line found[DEBUG_LINES_MAX] = {0};
	struct line_block *block;
	size_t count, bytes;

	answer->cut_short = false;
	answer->batch = symbols->batch;
	count = symbols_ask_lines(symbols, answer, found);
	if (!count)
		count = 1; /* the function itself: found[0] knows nothing of it */
	bytes = sizeof(*block) + count * sizeof(block->lines[0]);
	block = malloc(bytes);
	if (!block) {
		answer->lines = (struct symbol_lines){.lines = &nothing, .count = 1};
		return;
	}
	for (size_t i = 0; i < count; i++)
		fill_line(symbols, answer, &found[i], i + 1 < count, &block->lines[i]);
	block->next = symbols->blocks;
	symbols->blocks = block;
	symbols->block_bytes += bytes;
	answer->lines = (struct symbol_lines){.lines = block->lines, .count = count};
	answer->has_lines = true;
}

struct symbol_lines symbols_of(struct symbols *symbols, const struct event_frame *frame)
{
	struct answer *answer = answer_with_raw(symbols, frame);

	if (!answer)
		return (struct symbol_lines){.lines = &nothing, .count = 1};
	if (!answer->has_lines || (answer->cut_short && answer->batch != symbols->batch))
		find_lines(symbols, answer);
	return answer->lines;
}

/* ---- upkeep ---- */

struct symbols *symbols_new(const struct stacks *stacks, bool lines)
{
	struct symbols *symbols = calloc(1, sizeof(*symbols));

	if (!symbols)
		return NULL;
	symbols->stacks = stacks;
	symbols->settings = (struct symbol_settings){
		.debug_directory = DEBUG_DIRECTORY,
		.lines = lines,
		.unpacked_bytes = UNPACKED_BYTES,
		.reader_bytes = READER_BYTES,
		.table_bytes = TABLE_BYTES,
	};
	symbols_start_host(symbols);
	return symbols;
}

void symbols_free(struct symbols *symbols)
{
	struct line_block *next;

	if (!symbols)
		return;
	symbols_stop_host(symbols);
	for (size_t i = 0; i < symbols->source_count; i++)
		if (symbols->sources[i].opened)
			symbol_source_close(&symbols->sources[i]);
	for (size_t i = 0; i < symbols->slot_count; i++)
		free(symbols->slots[i]);
	for (struct line_block *block = symbols->blocks; block; block = next) {
		next = block->next;
		free(block);
	}
	free(symbols->sources);
	free(symbols->slots);
	free(symbols->demangled);
	free(symbols->allocators);
	intern_free(&symbols->strings);
	free(symbols);
}

uint64_t symbols_skipped(const struct symbols *symbols)
{
	return symbols->skipped;
}

uint64_t symbols_memory(const struct symbols *symbols)
{
	uint64_t bytes = sizeof(*symbols) + symbols->strings.bytes + symbols->block_bytes;

	for (size_t i = 0; i < symbols->source_count; i++)
		bytes += symbol_source_memory(&symbols->sources[i]);
	return bytes + symbols->source_count * sizeof(*symbols->sources) +
	       symbols->slot_count * sizeof(struct answer *) +
	       symbols->answer_count * sizeof(struct answer) +
	       symbols->demangled_count * sizeof(*symbols->demangled) + symbols->allocator_count;
}
