/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Stacks unwound by libdwfl, elfutils' own unwinder for live processes and
 * cores: from the same snapshots as the collector's, by other code.
 */
#ifndef TESTS_BPF_ORACLE_H
#define TESTS_BPF_ORACLE_H

#include <elfutils/libdwfl.h>
#include <gelf.h>

#include "tests/bpf/chains.h"

#define ORACLE_FRAMES 300

struct oracle_frame {
	uint64_t address; /* in the module's own numbering */
	const char *name; /* base name of the module's file; "" where there is none */
	Elf *elf;
};

/* One stack as the oracle sees it. */
struct oracle_stack {
	bool complete; /* it ends where the thread or the program starts */
	size_t count;
	struct oracle_frame frames[ORACLE_FRAMES];
};

/* A mapping with code, and the file that is there. */
struct oracle_map {
	uint64_t start;
	uint64_t end;
	uint64_t offset;
	char path[256];
	Elf *elf; /* NULL: not a file, or not read */
	int fd;
};

#define ORACLE_MAPS 512

struct oracle {
	Dwfl *dwfl;
	struct oracle_map maps[ORACLE_MAPS];
	size_t map_count;
	pid_t pid;
	const struct event_snapshot *snapshot; /* the one at hand */
	struct oracle_stack *stack;
	bool missing; /* it asked for a word that is not in the snapshot */
};

/* ---- what lies where ---- */

static inline void oracle_map_open(struct oracle_map *map, pid_t pid)
{
	char path[128];

	map->fd = open(map->path, O_RDONLY | O_CLOEXEC);
	/* deleted, or in another namespace */
	snprintf(path, sizeof(path), "/proc/%d/map_files/%" PRIx64 "-%" PRIx64, pid, map->start,
		 map->end);
	if (map->fd < 0)
		map->fd = open(path, O_RDONLY | O_CLOEXEC);
	if (map->fd >= 0)
		map->elf = elf_begin(map->fd, ELF_C_READ, NULL);
}

static inline void oracle_read_maps(struct oracle *oracle, FILE *maps)
{
	char line[4352], prot[8];

	elf_version(EV_CURRENT);
	rewind(maps);
	while (fgets(line, sizeof(line), maps)) {
		struct oracle_map *map = &oracle->maps[oracle->map_count];

		*map = (struct oracle_map){.fd = -1};
		assert_true(sscanf(line,
				   "%" SCNx64 "-%" SCNx64 " %7s %" SCNx64 " %*s %*s %255[^\n]",
				   &map->start, &map->end, prot, &map->offset, map->path) >= 4);
		if (!strchr(prot, 'x'))
			continue;
		assert_true(oracle->map_count < ORACLE_MAPS - 1);
		oracle->map_count++;
		if (map->path[0] == '/')
			oracle_map_open(map, oracle->pid);
	}
}

/* The file's own numbering; where there is none, the address in memory. */
static inline uint64_t oracle_address(const struct oracle_map *map, uint64_t pc)
{
	uint64_t offset = pc - map->start + map->offset;
	GElf_Phdr segment;

	for (int i = 0; map->elf && gelf_getphdr(map->elf, i, &segment); i++)
		if (segment.p_type == PT_LOAD && offset - segment.p_offset < segment.p_filesz &&
		    segment.p_flags & PF_X)
			return offset - segment.p_offset + segment.p_vaddr;
	return map->path[0] == '[' ? pc - map->start : pc;
}

static inline void oracle_place(const struct oracle *oracle, uint64_t pc,
				struct oracle_frame *frame)
{
	*frame = (struct oracle_frame){.address = pc, .name = ""};
	for (size_t i = 0; i < oracle->map_count; i++) {
		const struct oracle_map *map = &oracle->maps[i];

		if (pc < map->start || pc >= map->end)
			continue;
		frame->address = oracle_address(map, pc);
		frame->name = name_of(map->path);
		frame->elf = map->elf;
	}
}

/* ---- libdwfl's questions ---- */

static inline int oracle_no_debug_info(Dwfl_Module *module, void **data, const char *name,
				       Dwarf_Addr base, const char *file, const char *link,
				       GElf_Word crc, char **found)
{
	(void)module, (void)data, (void)name, (void)base, (void)file, (void)link, (void)crc,
		(void)found;
	return -1;
}

static inline uint64_t snapshot_sp(const struct event_snapshot *snapshot)
{
	return snapshot->registers[snapshot->machine == EM_X86_64 ? 7 : 31];
}

static inline pid_t oracle_next_thread(Dwfl *dwfl, void *arg, void **thread_arg)
{
	struct oracle *oracle = arg;

	(void)dwfl;
	if (*thread_arg)
		return 0;
	*thread_arg = oracle;
	return oracle->pid;
}

static inline bool oracle_memory(Dwfl *dwfl, Dwarf_Addr addr, Dwarf_Word *result, void *arg)
{
	struct oracle *oracle = arg;
	const struct event_snapshot *snapshot = oracle->snapshot;
	uint64_t offset = addr - snapshot_sp(snapshot);

	(void)dwfl;
	if (offset > snapshot->bytes || snapshot->bytes - offset < sizeof(uint64_t)) {
		oracle->missing = true;
		return false;
	}
	memcpy(result, (const char *)snapshot->stack + offset, sizeof(uint64_t));
	return true;
}

static inline bool oracle_registers(Dwfl_Thread *thread, void *arg)
{
	const struct event_snapshot *snapshot = ((struct oracle *)arg)->snapshot;
	Dwarf_Word words[EVENT_REGISTERS_MAX];
	unsigned int count = snapshot->register_count;

	for (unsigned int i = 0; i < count; i++)
		words[i] = snapshot->registers[i];
	/* x86_64: the pc is one of DWARF's registers, the last; arm64: it is not */
	if (snapshot->machine == EM_X86_64)
		return dwfl_thread_state_registers(thread, 0, count, words);
	dwfl_thread_state_register_pc(thread, words[count - 1]);
	return dwfl_thread_state_registers(thread, 0, count - 1, words);
}

static inline int oracle_frame(Dwfl_Frame *state, void *arg)
{
	struct oracle *oracle = arg;
	bool exact;
	Dwarf_Addr pc;

	if (!dwfl_frame_pc(state, &pc, &exact) || oracle->stack->count == ORACLE_FRAMES)
		return DWARF_CB_ABORT;
	/* what a signal handler returns to has not called it */
	if (exact && oracle->stack->count)
		oracle->stack->frames[oracle->stack->count - 1].address++;
	oracle_place(oracle, exact ? pc : pc - 1, &oracle->stack->frames[oracle->stack->count++]);
	return DWARF_CB_OK;
}

/* ---- the oracle ---- */

/*
 * maps: what /proc/PID/maps said, and addresses are all that is asked for. NULL:
 * what it says now. The oracle must not move: libdwfl keeps its address.
 */
static inline void oracle_open(struct oracle *oracle, pid_t pid, FILE *maps)
{
	static const Dwfl_Callbacks callbacks = {
		.find_elf = dwfl_linux_proc_find_elf,
		.find_debuginfo = oracle_no_debug_info,
	};
	static const Dwfl_Thread_Callbacks threads = {
		.next_thread = oracle_next_thread,
		.memory_read = oracle_memory,
		.set_initial_registers = oracle_registers,
	};

	char path[64];

	*oracle = (struct oracle){.pid = pid};
	if (maps) {
		oracle_read_maps(oracle, maps);
		return;
	}
	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	maps = fopen(path, "r");
	assert_non_null(maps);
	oracle_read_maps(oracle, maps);
	fclose(maps);
	oracle->dwfl = dwfl_begin(&callbacks);
	assert_non_null(oracle->dwfl);
	assert_int_equal(dwfl_linux_proc_report(oracle->dwfl, pid), 0);
	assert_int_equal(dwfl_report_end(oracle->dwfl, NULL, NULL), 0);
	if (!dwfl_attach_state(oracle->dwfl, NULL, pid, &threads, oracle))
		fail_msg("libdwfl: %s", dwfl_errmsg(-1));
}

static inline void oracle_close(struct oracle *oracle)
{
	for (size_t i = 0; i < oracle->map_count; i++) {
		elf_end(oracle->maps[i].elf);
		if (oracle->maps[i].fd >= 0)
			close(oracle->maps[i].fd);
	}
	dwfl_end(oracle->dwfl);
}

/* The dynamic linker's first instructions have no unwind information, and no caller. */
static inline bool oracle_at_linker_start(const struct oracle_frame *frame)
{
	GElf_Ehdr header;

	return !strncmp(frame->name, "ld-linux", 8) && frame->elf &&
	       gelf_getehdr(frame->elf, &header) && frame->address - header.e_entry < 0x60;
}

static inline void oracle_unwind(struct oracle *oracle, const struct event_snapshot *snapshot,
				 struct oracle_stack *stack)
{
	int rc;

	stack->count = 0;
	oracle->snapshot = snapshot;
	oracle->stack = stack;
	oracle->missing = false;
	rc = dwfl_getthread_frames(oracle->dwfl, oracle->pid, oracle_frame, oracle);
	stack->complete =
		stack->count && ((!rc && !oracle->missing) ||
				 oracle_at_linker_start(&stack->frames[stack->count - 1]));
}

/* The collector's stack is this one, frame by frame. */
static inline bool oracle_agrees(const struct oracle_stack *truth, const struct stacks *stacks,
				 const struct stack *stack)
{
	if (truth->count != stack->frame_count)
		return false;
	for (size_t i = 0; i < truth->count; i++) {
		const struct stack_module *module = stacks_module(stacks, stack->frames[i].module);
		const char *name = module ? module->name : "";

		if (truth->frames[i].address != stack->frames[i].address ||
		    strncmp(truth->frames[i].name, name, strlen(truth->frames[i].name)))
			return false;
	}
	return true;
}

#endif
