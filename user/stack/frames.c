// SPDX-License-Identifier: GPL-2.0-only
#include "user/stack/frames.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "user/stack/allocators.h"
#include "user/stack/symbols_internal.h"

/* How far out from the system call an allocator is looked for, in the module that made it. */
#define ALLOCATOR_DEPTH 16

/* The kernel's word for files that were replaced while in use. */
#define DELETED " (deleted)"

/* The base name of a frame's module, "" if it has none. */
static const char *module_name(const struct symbols *symbols, const struct event_frame *frame,
			       char name[EVENT_PATH_LEN])
{
	const struct stack_module *module =
		frame->module ? stacks_module(symbols->stacks, frame->module) : NULL;
	size_t mark = strlen(DELETED), length;

	snprintf(name, EVENT_PATH_LEN, "%s", module ? module->name : "");
	length = strlen(name);
	if (length > mark && !strcmp(name + length - mark, DELETED))
		name[length - mark] = '\0';
	return name;
}

enum frame_role frame_role(struct symbols *symbols, const struct event_frame *frame)
{
	char name[EVENT_PATH_LEN];

	return name_role(module_name(symbols, frame, name), symbols_raw_name(symbols, frame));
}

/* The start of a thread or program. In a stripped C library it has no name. */
static bool is_start_frame(struct symbols *symbols, const struct event_frame *frame)
{
	const char *function = symbols_raw_name(symbols, frame);
	char name[EVENT_PATH_LEN];
	uint32_t allocator;

	return function ? is_start(function)
			: is_c_library(module_name(symbols, frame, name), &allocator);
}

size_t stack_folded(struct symbols *symbols, const struct stack *stack)
{
	size_t last = stack->frame_count;

	for (size_t i = 0; i < stack->frame_count; i++)
		if (frame_role(symbols, &stack->frames[i]) == FRAME_USER)
			return i;
	while (last > 1 && is_start_frame(symbols, &stack->frames[last - 1]))
		last--;
	return last ? last - 1 : 0;
}

/* ---- titles ---- */

struct title {
	char *text;
	size_t size;
	size_t used;
	bool full;
};

/* Bytes of a text without the beginning of a UTF-8 character that was cut at its end. */
static size_t whole_characters(const char *text, size_t length)
{
	size_t last = length, wanted;

	while (last && ((unsigned char)text[last - 1] & 0xc0) == 0x80)
		last--;
	if (!last)
		return length;
	wanted = (unsigned char)text[last - 1] >= 0xf0	 ? 4
		 : (unsigned char)text[last - 1] >= 0xe0 ? 3
		 : (unsigned char)text[last - 1] >= 0xc0 ? 2
							 : 1;
	return length - (last - 1) < wanted ? last - 1 : length;
}

__attribute__((format(printf, 2, 3))) static void title_add(struct title *title, const char *format,
							    ...)
{
	va_list args;
	int length;

	if (title->full)
		return;
	va_start(args, format);
	length = vsnprintf(title->text + title->used, title->size - title->used, format, args);
	va_end(args);
	if (length <= 0)
		return;
	title->used += (size_t)length;
	if (title->used < title->size)
		return;
	title->full = true;
	title->used = whole_characters(title->text, title->size - 1);
	title->text[title->used] = '\0';
}

/* Bytes of a name without the arguments that a demangled one ends in: "f(int) const". */
static size_t bare_length(const char *name)
{
	const char *at = strrchr(name, ')');
	int depth = 0;

	/* more behind it: "(anonymous namespace)::f", and Go's "runtime.(*mheap).grow" */
	if (!at || (at[1] && at[1] != ' '))
		return strlen(name);
	for (; at > name; at--) {
		depth += (*at == ')') - (*at == '(');
		if (!depth)
			return (size_t)(at - name);
	}
	return strlen(name);
}

/* Of the functions inlined into one another, the innermost that is not a language's library. */
static const struct symbol *own_line(const struct symbol_lines *lines)
{
	for (size_t i = 0; i < lines->count; i++)
		if (!is_library_name(lines->lines[i].name))
			return &lines->lines[i];
	return &lines->lines[lines->count - 1];
}

/* A library by its name; everything else is of the main program, JIT code too. */
static bool is_library(const char *module)
{
	const char *so = strstr(module, ".so");
	size_t length = strlen(module);

	if (so && (!so[3] || so[3] == '.'))
		return true;
	return length > 5 && !strcmp(module + length - 5, ".node");
}

static void title_frame(struct title *title, struct symbols *symbols,
			const struct event_frame *frame)
{
	struct symbol_lines lines = symbols_of(symbols, frame);
	const struct symbol *line = own_line(&lines);
	char name[EVENT_PATH_LEN];

	module_name(symbols, frame, name);
	title_add(title, "%.*s", (int)bare_length(line->name), line->name);
	if (is_library(name)) {
		if (line->known)
			title_add(title, " [%s]", name);
	} else if (line->file[0]) {
		const char *slash = strrchr(line->file, '/');

		title_add(title, " (%s:%u)", slash ? slash + 1 : line->file, line->line);
	}
}

char *stack_title(struct symbols *symbols, const struct stack *stack, char *text, size_t size)
{
	size_t first = stack->frame_count ? stack_folded(symbols, stack) : 0;
	struct title title = {.text = text, .size = size};
	char name[EVENT_PATH_LEN];

	text[0] = '\0';
	if (!stack->frame_count) {
		title_add(&title, "?");
		return text;
	}
	title_frame(&title, symbols, &stack->frames[first]);
	if (!is_library(module_name(symbols, &stack->frames[first], name)))
		return text;
	for (size_t i = first + 1; i < stack->frame_count; i++) {
		if (is_library(module_name(symbols, &stack->frames[i], name)) ||
		    frame_role(symbols, &stack->frames[i]) != FRAME_USER)
			continue;
		title_add(&title, " < ");
		title_frame(&title, symbols, &stack->frames[i]);
		break;
	}
	return text;
}

/* ---- who mapped it ---- */

/* The way out from the system call. */
struct walk {
	struct symbols *symbols;
	bool called;	 /* through a C library's wrapper */
	bool library;	 /* a function of the C library that maps for itself */
	bool musl;	 /* in a function of musl's that has no name */
	uint32_t module; /* the one that made the call; 0: not out of the C library yet */
	bool named;	 /* a function of it has a name */
	size_t depth;	 /* functions of it, so far */
};

#define GO_ON UINT32_MAX

static bool tells_malloc(void *ctx, const char *name)
{
	const struct allocator_row *row = allocator_of_function(name);

	if (!row || !row->has_malloc)
		return false;
	*(uint32_t *)ctx = row->allocator;
	return true;
}

/* Whose malloc() a program or library has in it, by the functions beside it. */
static uint32_t malloc_of(struct symbols *symbols, uint32_t number)
{
	const struct stack_module *module;
	struct symbol_source *source = symbols_source(symbols, number, &module);
	uint32_t allocator = ALLOCATOR_UNKNOWN;

	if (!source)
		return allocator;
	if (!source->allocator) {
		symbol_table_any(&source->table, tells_malloc, &allocator);
		source->allocator = (uint8_t)(allocator + 1);
	}
	return source->allocator - 1U;
}

/* No allocator was found: the user's own, if it can be told whose code it was. */
static uint32_t walk_end(const struct walk *walk)
{
	return walk->module && (walk->called || walk->named) ? ALLOCATOR_OTHER : ALLOCATOR_UNKNOWN;
}

static uint32_t step_c_library(struct walk *walk, const char *function, uint32_t allocator)
{
	const struct allocator_row *row = allocator_of_function(function);

	/* it called back a function of the user's */
	if (walk->module)
		return walk_end(walk);
	walk->called = true;
	if (is_malloc(function))
		return allocator;
	if (row)
		return row->allocator;
	if (!function)
		walk->musl = walk->musl || allocator == ALLOCATOR_MUSL;
	else if (!is_system_call(function))
		walk->library = true;
	return GO_ON;
}

static uint32_t step_module(struct walk *walk, uint32_t module, const char *name,
			    const char *function)
{
	const struct allocator_row *row = function || walk->module ? allocator_of_function(function)
								   : allocator_of_unnamed(name);

	if (walk->library)
		return ALLOCATOR_OTHER;
	if (walk->musl)
		return ALLOCATOR_MUSL;
	if ((walk->module && walk->module != module) || ++walk->depth > ALLOCATOR_DEPTH)
		return walk_end(walk);
	walk->module = module;
	if (is_system_call(function) || (!function && !row))
		return GO_ON;
	if (row && (!row->nearest_only || !walk->named))
		return row->allocator;
	if (is_malloc(function))
		return malloc_of(walk->symbols, module);
	walk->named = true;
	return GO_ON;
}

static uint32_t step(struct walk *walk, const struct event_frame *frame)
{
	const char *function = symbols_raw_name(walk->symbols, frame);
	const struct allocator_row *row;
	char name[EVENT_PATH_LEN];
	uint32_t allocator;

	module_name(walk->symbols, frame, name);
	if (is_c_library(name, &allocator))
		return step_c_library(walk, function, allocator);
	row = walk->module ? NULL : allocator_of_module(name);
	return row ? row->allocator : step_module(walk, frame->module, name, function);
}

static uint32_t find_allocator(struct symbols *symbols, const struct stack *stack)
{
	struct walk walk = {.symbols = symbols};

	for (size_t i = 0; i < stack->frame_count; i++) {
		uint32_t allocator = step(&walk, &stack->frames[i]);

		if (allocator != GO_ON)
			return allocator;
	}
	return stack->end == STACK_END_COMPLETE ? walk_end(&walk) : ALLOCATOR_UNKNOWN;
}

static int grow_allocators(struct symbols *symbols, uint32_t number)
{
	size_t count = symbols->allocator_count ? symbols->allocator_count : 1024;
	uint8_t *allocators;

	while (count <= number)
		count *= 2;
	if (count == symbols->allocator_count)
		return 0;
	allocators = realloc(symbols->allocators, count);
	if (!allocators)
		return -1;
	memset(allocators + symbols->allocator_count, 0, count - symbols->allocator_count);
	symbols->allocators = allocators;
	symbols->allocator_count = count;
	return 0;
}

uint32_t stack_allocator(struct symbols *symbols, const struct stack *stack)
{
	uint32_t allocator;

	if (!stack)
		return ALLOCATOR_UNKNOWN;
	if (grow_allocators(symbols, stack->number))
		return find_allocator(symbols, stack);
	/* 0 is not asked yet */
	if (symbols->allocators[stack->number])
		return symbols->allocators[stack->number] - 1U;
	allocator = find_allocator(symbols, stack);
	symbols->allocators[stack->number] = (uint8_t)(allocator + 1);
	return allocator;
}
