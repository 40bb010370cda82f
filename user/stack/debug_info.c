// SPDX-License-Identifier: GPL-2.0-only
#include "user/stack/debug_info.h"

#include <dwarf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <elfutils/libdw.h>

#include "user/base/cleanup.h"

/* How many ranges that begin before an address are tried: the inner of nested ones is first. */
#define NESTED_MAX 64

struct range {
	uint64_t start;
	uint64_t end;
	Dwarf_Off offset; /* of the DIE whose code it is */
};

/* Which DIE's code lies where; sorted before it is asked. */
struct ranges {
	struct range *items; /* owned */
	size_t count;
	size_t capacity;
};

/* The functions of a unit. */
struct unit {
	Dwarf_Off offset;
	struct ranges functions;
};

struct debug_info {
	Elf *elf;
	Dwarf *dwarf;
	struct ranges units; /* made when .debug_aranges does not know an address */
	bool has_units;
	struct unit *indexed; /* units that were asked of */
	size_t indexed_count;
};

int debug_info_open(int fd, struct debug_info **info)
{
	struct debug_info *opened = calloc(1, sizeof(*opened));

	if (!opened)
		return -ENOMEM;
	elf_version(EV_CURRENT);
	opened->elf = elf_begin(fd, ELF_C_READ_MMAP, NULL);
	opened->dwarf = opened->elf ? dwarf_begin_elf(opened->elf, DWARF_C_READ, NULL) : NULL;
	if (!opened->dwarf) {
		debug_info_close(opened);
		return -EBADMSG;
	}
	*info = opened;
	return 0;
}

void debug_info_close(struct debug_info *info)
{
	if (!info)
		return;
	dwarf_end(info->dwarf);
	elf_end(info->elf);
	free(info->units.items);
	for (size_t i = 0; i < info->indexed_count; i++)
		free(info->indexed[i].functions.items);
	free(info->indexed);
	free(info);
}

/* ---- ranges ---- */

static int ranges_add(struct ranges *ranges, const struct range *range)
{
	if (ranges->count == ranges->capacity) {
		size_t capacity = ranges->capacity ? ranges->capacity * 2 : 64;
		struct range *items = reallocarray(ranges->items, capacity, sizeof(*items));

		if (!items)
			return -ENOMEM;
		ranges->items = items;
		ranges->capacity = capacity;
	}
	ranges->items[ranges->count++] = *range;
	return 0;
}

/* Adds the code of a DIE. What the linker dropped is at 0. */
static int ranges_add_die(struct ranges *ranges, Dwarf_Die *die)
{
	struct range range = {.offset = dwarf_dieoffset(die)};
	Dwarf_Addr base;
	ptrdiff_t at = 0;

	while ((at = dwarf_ranges(die, at, &base, &range.start, &range.end)) > 0)
		if (range.start && range.start < range.end && ranges_add(ranges, &range))
			return -ENOMEM;
	return 0;
}

static int compare_ranges(const void *left, const void *right)
{
	const struct range *a = left, *b = right;

	return a->start < b->start ? -1 : a->start > b->start;
}

static void ranges_sort(struct ranges *ranges)
{
	if (ranges->count)
		qsort(ranges->items, ranges->count, sizeof(*ranges->items), compare_ranges);
}

static bool ranges_find(const struct ranges *ranges, uint64_t address, Dwarf_Off *offset)
{
	size_t low = 0, high = ranges->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (ranges->items[middle].start <= address)
			low = middle + 1;
		else
			high = middle;
	}
	for (size_t i = low; i-- > 0 && low - i <= NESTED_MAX;) {
		if (address >= ranges->items[i].end)
			continue;
		*offset = ranges->items[i].offset;
		return true;
	}
	return false;
}

/* ---- the unit and the function of an address ---- */

static void index_units(struct debug_info *info)
{
	Dwarf_CU *unit = NULL;
	Dwarf_Die die;
	uint8_t type;

	info->has_units = true;
	while (!dwarf_get_units(info->dwarf, unit, &unit, NULL, &type, &die, NULL))
		if ((type == DW_UT_compile || type == DW_UT_skeleton) &&
		    ranges_add_die(&info->units, &die))
			break;
	ranges_sort(&info->units);
}

/* clang writes no .debug_aranges, and what assemblers make is often not in it. */
static bool find_unit(struct debug_info *info, uint64_t address, Dwarf_Die *unit)
{
	Dwarf_Off offset;

	if (dwarf_addrdie(info->dwarf, address, unit))
		return true;
	if (!info->has_units)
		index_units(info);
	return ranges_find(&info->units, address, &offset) &&
	       dwarf_offdie(info->dwarf, offset, unit);
}

static int add_function(Dwarf_Die *die, void *functions)
{
	return ranges_add_die(functions, die) ? DWARF_CB_ABORT : DWARF_CB_OK;
}

/* The functions of a unit: one pass over all of its DIEs, then kept. */
static const struct ranges *functions_of(struct debug_info *info, Dwarf_Die *unit)
{
	Dwarf_Off offset = dwarf_dieoffset(unit);
	struct unit *indexed;

	for (size_t i = 0; i < info->indexed_count; i++)
		if (info->indexed[i].offset == offset)
			return &info->indexed[i].functions;
	indexed = reallocarray(info->indexed, info->indexed_count + 1, sizeof(*indexed));
	if (!indexed)
		return NULL;
	info->indexed = indexed;
	indexed += info->indexed_count++;
	*indexed = (struct unit){.offset = offset};
	dwarf_getfuncs(unit, add_function, &indexed->functions, 0);
	ranges_sort(&indexed->functions);
	return &indexed->functions;
}

/* The child of a DIE that holds an address, in place of it. False: none. */
static bool descend(Dwarf_Die *die, uint64_t address)
{
	Dwarf_Die child;

	if (dwarf_child(die, &child))
		return false;
	do {
		switch (dwarf_tag(&child)) {
		case DW_TAG_inlined_subroutine:
		case DW_TAG_lexical_block:
		case DW_TAG_try_block:
		case DW_TAG_catch_block:
			if (dwarf_haspc(&child, address) > 0) {
				*die = child;
				return true;
			}
			break;
		default:
			break;
		}
	} while (!dwarf_siblingof(&child, &child));
	return false;
}

/* The function at an address and the functions inlined there, outermost first. */
static size_t find_scopes(struct debug_info *info, Dwarf_Die *unit, uint64_t address,
			  Dwarf_Die scopes[DEBUG_LINES_MAX])
{
	const struct ranges *functions = functions_of(info, unit);
	Dwarf_Off offset;
	size_t count = 0;
	Dwarf_Die die;

	if (!functions || !ranges_find(functions, address, &offset) ||
	    !dwarf_offdie(info->dwarf, offset, &die))
		return 0;
	scopes[count++] = die;
	while (count < DEBUG_LINES_MAX && descend(&die, address))
		if (dwarf_tag(&die) == DW_TAG_inlined_subroutine)
			scopes[count++] = die;
	return count;
}

/* ---- names and lines ---- */

/* The name that tells more: a linkage name has the class and the arguments in it. */
static const char *die_name(Dwarf_Die *die)
{
	static const unsigned int names[] = {DW_AT_linkage_name, DW_AT_MIPS_linkage_name,
					     DW_AT_name};
	Dwarf_Attribute attribute;

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		const char *name =
			dwarf_formstring(dwarf_attr_integrate(die, names[i], &attribute));

		if (name && name[0])
			return name;
	}
	return NULL;
}

static Dwarf_Word number_of(Dwarf_Die *die, unsigned int name)
{
	Dwarf_Attribute attribute;
	Dwarf_Word value;

	return dwarf_formudata(dwarf_attr(die, name, &attribute), &value) ? 0 : value;
}

static const char *call_file(Dwarf_Die *die, Dwarf_Files *files)
{
	Dwarf_Attribute attribute;

	if (!files || !dwarf_attr(die, DW_AT_call_file, &attribute))
		return NULL;
	return dwarf_filesrc(files, number_of(die, DW_AT_call_file), NULL, NULL);
}

/* The row of the line table that holds an address. */
static struct debug_line source_line(Dwarf_Die *unit, uint64_t address)
{
	struct debug_line found = {0};
	Dwarf_Line *row = dwarf_getsrc_die(unit, address);
	int line;

	if (!row)
		return found;
	found.file = dwarf_linesrc(row, NULL, NULL);
	if (!dwarf_lineno(row, &line) && line > 0)
		found.line = (uint32_t)line;
	return found;
}

/* What the files of a unit are relative to. */
static const char *unit_directory(Dwarf_Die *unit)
{
	Dwarf_Attribute attribute;

	return dwarf_formstring(dwarf_attr(unit, DW_AT_comp_dir, &attribute));
}

static void set_directories(struct debug_line *lines, size_t count, const char *directory)
{
	for (size_t i = 0; i < count; i++)
		if (lines[i].file && lines[i].file[0] != '/')
			lines[i].directory = directory;
}

size_t debug_info_lines(struct debug_info *info, uint64_t address,
			struct debug_line lines[DEBUG_LINES_MAX])
{
	Dwarf_Die scopes[DEBUG_LINES_MAX];
	struct debug_line line;
	Dwarf_Files *files;
	size_t count;
	Dwarf_Die unit;

	if (!find_unit(info, address, &unit))
		return 0;
	line = source_line(&unit, address);
	if (dwarf_getsrcfiles(&unit, &files, NULL))
		files = NULL;
	count = find_scopes(info, &unit, address, scopes);
	/* inwards: an inlined function was called at a line of the one that it is in */
	for (size_t i = count; i-- > 0;) {
		line.name = die_name(&scopes[i]);
		lines[count - 1 - i] = line;
		line = (struct debug_line){
			.file = call_file(&scopes[i], files),
			.line = (uint32_t)number_of(&scopes[i], DW_AT_call_line)};
	}
	if (!count && (line.file || line.line))
		lines[count++] = line;
	set_directories(lines, count, unit_directory(&unit));
	return count;
}
