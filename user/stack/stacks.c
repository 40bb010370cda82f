// SPDX-License-Identifier: GPL-2.0-only
#include "user/stack/stacks.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sys/resource.h>

#include "user/base/cleanup.h"
#include "user/base/intern.h"
#include "user/base/units.h"
#include "user/base/word.h"

/* What makes a module one: the file, or the process whose code has none. */
struct module_key {
	uint64_t ino;
	uint32_t dev;
	uint32_t flags;
	uint64_t serial; /* without a file: tells one from the next */
};

/* Of a chain, as it is interned. */
struct chain {
	uint16_t frame_count;
	uint16_t end;
	uint32_t pad;
	struct event_frame frames[EVENT_FRAMES_MAX];
};

#define CHUNK 1024

/* A file that could not be opened is tried again after this, twice this, ... a minute. */
#define RETRY_NS (10 * NSEC_PER_MSEC)
#define RETRY_DOUBLINGS 13

struct stacks {
	stacks_sink sink;
	void *ctx;
	struct intern keys;	       /* of modules: its numbers are theirs */
	struct stack_module **modules; /* [number - 1] */
	size_t module_count;
	size_t module_capacity;
	struct intern chains;  /* its numbers are the stacks' */
	struct stack **chunks; /* of CHUNK stacks each: pointers to them stay valid */
	size_t stack_count;
	size_t chunk_count;
	uint64_t refused;
	uint64_t serial;
	size_t open_count; /* modules with an open file */
	struct chain scratch;
};

static const struct word ends[STACK_END_COUNT] = {
#define X(name, word, text) [STACK_END_##name] = {(word), (text)},
	STACK_ENDS(X)
#undef X
};

const char *stack_end_name(unsigned int end)
{
	return word_name(ends, STACK_END_COUNT, end);
}

const char *stack_end_help(unsigned int end)
{
	return word_help(ends, STACK_END_COUNT, end);
}

struct stacks *stacks_new(stacks_sink sink, void *ctx)
{
	struct stacks *stacks = calloc(1, sizeof(*stacks));

	if (!stacks)
		return NULL;
	stacks->sink = sink;
	stacks->ctx = ctx;
	return stacks;
}

void stacks_free(struct stacks *stacks)
{
	if (!stacks)
		return;
	for (size_t i = 0; i < stacks->module_count; i++) {
		module_close(stacks->modules[i]->module);
		free(stacks->modules[i]);
	}
	for (size_t i = 0; i < stacks->chunk_count; i++)
		free(stacks->chunks[i]);
	free(stacks->modules);
	free(stacks->chunks);
	intern_free(&stacks->keys);
	intern_free(&stacks->chains);
	free(stacks);
}

/* ---- modules ---- */

static int modules_reserve(struct stacks *stacks)
{
	size_t capacity = stacks->module_capacity ? stacks->module_capacity * 2 : 32;
	struct stack_module **modules;

	if (stacks->module_count == STACK_MODULES_MAX)
		return -ENFILE;
	if (stacks->module_count < stacks->module_capacity)
		return 0;
	modules = reallocarray(stacks->modules, capacity, sizeof(struct stack_module *));
	if (!modules)
		return -ENOMEM;
	stacks->modules = modules;
	stacks->module_capacity = capacity;
	return 0;
}

/* "/usr/lib/libc.so.6 (deleted)" is libc.so.6, too. */
static void module_set_name(struct stack_module *module)
{
	char *slash = strrchr(module->path, '/');

	module->name = slash && slash[1] ? slash + 1 : module->path;
}

static void module_tell(const struct stacks *stacks, const struct stack_module *module,
			const struct event_header *at)
{
	struct event_module event = {
		.h = {.size = sizeof(event),
		      .kind = EVENT_MODULE,
		      .pid = at->pid,
		      .tid = at->tid,
		      .time_ns = at->time_ns},
		.number = module->number,
		.flags = module->flags,
		.ino = module->ino,
		.dev = module->dev,
		.build_id_len = module->build_id_len,
	};

	memcpy(event.build_id, module->build_id, sizeof(event.build_id));
	memcpy(event.path, module->path, sizeof(event.path));
	if (stacks->sink)
		stacks->sink(stacks->ctx, &event.h);
}

/* open may be NULL. */
static void module_take(struct stack_module *module, struct module *open)
{
	const uint8_t *id = NULL;
	size_t length = open ? module_build_id(open, &id) : 0;

	module->module = open;
	if (!length || length > sizeof(module->build_id))
		return;
	module->build_id_len = (uint8_t)length;
	memcpy(module->build_id, id, length);
}

/* Takes `open`, which may be NULL. */
static struct stack_module *module_add(struct stacks *stacks, const struct module_key *key,
				       const struct event_header *at, struct module *open,
				       const char *path)
{
	struct stack_module *module = calloc(1, sizeof(*module));

	if (!module || modules_reserve(stacks) ||
	    intern_add(&stacks->keys, key, sizeof(*key)) != stacks->module_count + 1) {
		module_close(open);
		free(module);
		return NULL;
	}
	stacks->modules[stacks->module_count++] = module;
	module->number = (uint32_t)stacks->module_count;
	module->flags = key->flags;
	module->dev = key->dev;
	module->ino = key->ino;
	module->pid = at->pid;
	module_take(module, open);
	module->unreadable = !open && !(key->flags & MODULE_NO_FILE);
	snprintf(module->path, sizeof(module->path), "%s", path);
	module_set_name(module);
	module_tell(stacks, module, at);
	return module;
}

static struct stack_module *module_find(const struct stacks *stacks, const struct module_key *key)
{
	uint32_t number = intern_find(&stacks->keys, key, sizeof(*key));

	return number ? stacks->modules[number - 1] : NULL;
}

/* Opens the file; its path is told even if it is no ELF file. NULL: it cannot be read. */
static struct module *file_open(struct stacks *stacks, const struct event_header *at, uint32_t dev,
				uint64_t ino, uint64_t address, module_opener opener, void *ctx,
				char *path)
{
	struct module *open = NULL;
	struct rlimit limit;
	int fd;

	/* the rest is for the processes' own files, without which there is no ledger */
	if (!opener || getrlimit(RLIMIT_NOFILE, &limit) || stacks->open_count >= limit.rlim_cur / 2)
		return NULL;
	fd = opener(ctx, at->pid, address, dev, ino, path);
	if (fd < 0 || module_open(fd, &open)) /* takes fd in any case */
		return NULL;
	stacks->open_count++;
	return open;
}

/* A record of a new mapping is as good a moment as any; not for ever, if someone makes many. */
static bool retry_at_once(const struct stack_module *module, const struct event_header *at)
{
	return module->tries < RETRY_DOUBLINGS &&
	       (at->kind == EVENT_MMAP_FILE || at->kind == EVENT_EXEC || at->kind == EVENT_ATTACH);
}

static bool retry_due(const struct stack_module *module, const struct event_header *at)
{
	uint32_t doublings = module->tries < RETRY_DOUBLINGS ? module->tries : RETRY_DOUBLINGS;

	return at->time_ns >= module->tried_ns + (RETRY_NS << doublings);
}

const struct stack_module *stacks_file(struct stacks *stacks, const struct event_header *at,
				       uint32_t dev, uint64_t ino, uint64_t address,
				       module_opener opener, void *ctx)
{
	struct module_key key = {.ino = ino, .dev = dev};
	struct stack_module *module = module_find(stacks, &key);
	char path[EVENT_PATH_LEN] = "";
	struct module *open;

	if (!module && stacks->module_count == STACK_MODULES_MAX)
		return NULL;
	if (module &&
	    (!module->unreadable || !(retry_at_once(module, at) || retry_due(module, at))))
		return module;
	open = file_open(stacks, at, dev, ino, address, opener, ctx, path);
	if (!module)
		module = module_add(stacks, &key, at, open, path[0] ? path : "?");
	if (!module)
		return NULL;
	module->tries += !open;
	module->tried_ns = at->time_ns;
	if (!open || module->module)
		return module;
	module_take(module, open);
	module->unreadable = false;
	snprintf(module->path, sizeof(module->path), "%s", path);
	module_set_name(module);
	module_tell(stacks, module, at);
	return module;
}

const struct stack_module *stacks_jit(struct stacks *stacks, const struct event_header *at)
{
	struct module_key key = {.flags = MODULE_NO_FILE, .serial = ++stacks->serial};

	return module_add(stacks, &key, at, NULL, "[jit]");
}

const struct stack_module *stacks_vdso(struct stacks *stacks, const struct event_header *at)
{
	struct module_key key = {.flags = MODULE_VDSO};
	struct stack_module *module = module_find(stacks, &key);
	struct module *open = NULL;

	if (module)
		return module;
	return module_add(stacks, &key, at, module_open_vdso(&open) ? NULL : open, "[vdso]");
}

const struct stack_module *stacks_module(const struct stacks *stacks, uint32_t number)
{
	return number && number <= stacks->module_count ? stacks->modules[number - 1] : NULL;
}

size_t stacks_module_count(const struct stacks *stacks)
{
	return stacks->module_count;
}

/* ---- stacks ---- */

static struct stack *stack_slot(const struct stacks *stacks, uint32_t number)
{
	return &stacks->chunks[(number - 1) / CHUNK][(number - 1) % CHUNK];
}

static int chunks_reserve(struct stacks *stacks)
{
	struct stack **chunks;

	if (stacks->stack_count < stacks->chunk_count * CHUNK)
		return 0;
	chunks = reallocarray(stacks->chunks, stacks->chunk_count + 1, sizeof(struct stack *));
	if (!chunks)
		return -ENOMEM;
	stacks->chunks = chunks;
	chunks[stacks->chunk_count] = calloc(CHUNK, sizeof(**chunks));
	if (!chunks[stacks->chunk_count])
		return -ENOMEM;
	stacks->chunk_count++;
	return 0;
}

static void stack_tell(const struct stacks *stacks, const struct stack *stack,
		       const struct event_header *at)
{
	union {
		struct event_stack stack;
		unsigned char room[sizeof(struct event_stack) +
				   EVENT_FRAMES_MAX * sizeof(struct event_frame)];
	} event = {0};
	size_t size = stack->frame_count * sizeof(struct event_frame);

	event.stack.h = (struct event_header){
		.size = (uint16_t)(sizeof(event.stack) + size),
		.kind = EVENT_STACK,
		.pid = at->pid,
		.tid = at->tid,
		.time_ns = at->time_ns,
	};
	event.stack.number = stack->number;
	event.stack.frame_count = stack->frame_count;
	event.stack.end = stack->end;
	memcpy(event.stack.frames, stack->frames, size);
	if (stacks->sink)
		stacks->sink(stacks->ctx, &event.stack.h);
}

static const struct chain *chain_of(const struct stacks *stacks, uint32_t number)
{
	return intern_get(&stacks->chains, number);
}

uint32_t stacks_add(struct stacks *stacks, const struct event_frame *frames, size_t count,
		    enum stack_end end, const struct event_header *at)
{
	struct chain *chain = &stacks->scratch;
	struct stack *stack;
	uint32_t size, number;

	if (!count || count > EVENT_FRAMES_MAX)
		return 0;
	chain->frame_count = (uint16_t)count;
	chain->end = (uint16_t)end;
	memcpy(chain->frames, frames, count * sizeof(*frames));
	size = (uint32_t)(offsetof(struct chain, frames) + count * sizeof(*frames));
	number = intern_find(&stacks->chains, chain, size);
	if (number)
		return number;
	if (stacks->stack_count < STACKS_MAX && !chunks_reserve(stacks))
		number = intern_add(&stacks->chains, chain, size);
	if (!number) {
		stacks->refused++;
		return 0;
	}
	stacks->stack_count++;
	stack = stack_slot(stacks, number);
	stack->number = number;
	stack->frame_count = (uint16_t)count;
	stack->end = (uint16_t)end;
	stack->frames = chain_of(stacks, number)->frames;
	stack_tell(stacks, stack, at);
	return number;
}

const struct stack *stacks_get(const struct stacks *stacks, uint32_t number)
{
	return number && number <= stacks->stack_count ? stack_slot(stacks, number) : NULL;
}

size_t stacks_count(const struct stacks *stacks)
{
	return stacks->stack_count;
}

uint64_t stacks_refused(const struct stacks *stacks)
{
	return stacks->refused;
}

/* ---- a recording ---- */

void stacks_tell_all(struct stacks *stacks, const struct event_header *at, stacks_sink sink,
		     void *ctx)
{
	stacks_sink own = stacks->sink;
	void *own_ctx = stacks->ctx;

	stacks->sink = sink;
	stacks->ctx = ctx;
	for (size_t i = 0; i < stacks->module_count; i++)
		module_tell(stacks, stacks->modules[i], at);
	for (uint32_t number = 1; number <= stacks->stack_count; number++)
		stack_tell(stacks, stack_slot(stacks, number), at);
	stacks->sink = own;
	stacks->ctx = own_ctx;
}

/* The vdso has no file to find: where it is that of this machine, its names are known. */
static void open_same_vdso(struct stack_module *module)
{
	const uint8_t *id = NULL;
	struct module *open;

	if (!(module->flags & MODULE_VDSO) || module->module || module_open_vdso(&open))
		return;
	if (!module->build_id_len || module_build_id(open, &id) != module->build_id_len ||
	    memcmp(id, module->build_id, module->build_id_len))
		module_close(open);
	else
		module->module = open;
}

static int apply_module(struct stacks *stacks, const struct event_module *event)
{
	struct module_key key = {
		.ino = event->ino,
		.dev = event->dev,
		.flags = event->flags,
		.serial = event->flags & MODULE_NO_FILE ? ++stacks->serial : 0,
	};
	struct stack_module *module;

	if (event->number != stacks->module_count + 1) {
		/* told again: it became readable */
		module = event->number <= stacks->module_count ? stacks->modules[event->number - 1]
							       : NULL;
		if (!module || module->ino != event->ino || module->dev != event->dev)
			return -EBADMSG;
	} else {
		module = module_add(stacks, &key, &event->h, NULL, event->path);
		if (!module) /* or one of the same file twice */
			return -EBADMSG;
	}
	module->build_id_len = event->build_id_len;
	memcpy(module->build_id, event->build_id, sizeof(module->build_id));
	snprintf(module->path, sizeof(module->path), "%s", event->path);
	module_set_name(module);
	open_same_vdso(module);
	return 0;
}

static int apply_stack(struct stacks *stacks, const struct event_stack *event)
{
	if (event->number != stacks->stack_count + 1)
		return -EBADMSG;
	for (uint32_t i = 0; i < event->frame_count; i++)
		if (event->frames[i].module > stacks->module_count)
			return -EBADMSG;
	if (stacks_add(stacks, event->frames, event->frame_count, event->end, &event->h) !=
	    event->number)
		return -EBADMSG;
	return 0;
}

int stacks_apply(struct stacks *stacks, const struct event_header *event)
{
	if (event->kind == EVENT_MODULE)
		return apply_module(stacks, (const struct event_module *)event);
	return apply_stack(stacks, (const struct event_stack *)event);
}

uint64_t stacks_memory(const struct stacks *stacks)
{
	uint64_t bytes = sizeof(*stacks) + stacks->keys.bytes + stacks->chains.bytes +
			 stacks->chunk_count * CHUNK * sizeof(struct stack);

	for (size_t i = 0; i < stacks->module_count; i++) {
		bytes += sizeof(struct stack_module);
		if (stacks->modules[i]->module)
			bytes += module_memory(stacks->modules[i]->module);
	}
	return bytes;
}
