// SPDX-License-Identifier: GPL-2.0-only
#include "user/stack/symbol_source.h"

#include <endian.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "user/base/elf_file.h"
#include "user/stack/debug_file.h"

static bool starts_with(const char *text, const char *prefix)
{
	return !strncmp(text, prefix, strlen(prefix));
}

static bool has_dwarf(const struct elf_file *file)
{
	return elf_file_section(file, ".debug_info") || elf_file_section(file, ".zdebug_info");
}

/* What a section takes when unpacked; 0: it is not packed. */
static uint64_t unpacked_size(const struct elf_file *file, const Elf64_Shdr *section)
{
	const char *name = elf_file_name(file, section);
	struct {
		char magic[4];
		char size[8]; /* big-endian */
	} old;
	Elf64_Chdr header;
	uint64_t size;

	if (section->sh_type == SHT_NOBITS)
		return 0;
	if (starts_with(name, ".zdebug_") &&
	    elf_bytes_read(&file->bytes, section->sh_offset, &old, sizeof(old))) {
		memcpy(&size, old.size, sizeof(size));
		return be64toh(size);
	}
	if (starts_with(name, ".debug_") && (section->sh_flags & SHF_COMPRESSED) &&
	    elf_bytes_read(&file->bytes, section->sh_offset, &header, sizeof(header)))
		return header.ch_size;
	return 0;
}

/* What is packed has to be unpacked as a whole; the rest is only mapped. */
static bool unpacks_to_more(const struct elf_file *file, uint64_t limit)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < file->section_count; i++) {
		uint64_t size = unpacked_size(file, &file->sections[i]);

		if (size > limit - sum)
			return true;
		sum += size;
	}
	return false;
}

static void use_dwarf(struct symbol_source *source, const struct elf_file *file,
		      const struct symbol_settings *settings)
{
	/* the vdso has no file */
	if (!settings->lines || source->dwarf_fd >= 0 || file->bytes.fd < 0 || source->too_large ||
	    !has_dwarf(file))
		return;
	if (unpacks_to_more(file, settings->unpacked_bytes))
		source->too_large = true;
	else
		source->dwarf_fd = file->bytes.fd;
}

/* The module's own file: open already, or, of a recording, found by its path. */
static int open_own(struct symbol_source *source, const struct stack_module *module,
		    const struct debug_search *search, struct elf_file *own)
{
	struct elf_bytes bytes = {.fd = -1};
	const void *image = NULL;
	size_t size = 0;
	int fd;

	if (!module->module)
		return debug_file_own(search, &source->own_fd, own);
	fd = module_file(module->module, &image, &size);
	if (fd < 0)
		bytes = (struct elf_bytes){.fd = -1, .image = image, .size = image ? size : 0};
	else if (!elf_bytes_of(fd, &bytes))
		return -ENOENT;
	return elf_file_open(&bytes, own);
}

/* own, debug: NULL where there is none. */
static int read_tables(struct symbol_source *source, const struct elf_file *own,
		       const struct elf_file *debug)
{
	struct symbol_table *table = &source->table;
	int rc = own ? symbol_table_add(table, own) : -ENOENT;

	if (rc == -ENOENT && debug)
		rc = symbol_table_add(table, debug);
	if (rc == -ENOENT && own)
		rc = symbol_table_add_dynamic(table, own);
	if (!rc)
		rc = symbol_table_settle(table);
	if (!rc)
		return 0;
	symbol_table_free(table);
	if (rc == -EFBIG)
		source->too_large = true;
	return rc == -ENOMEM ? rc : 0;
}

static bool needs_debug(const struct elf_file *own, const struct symbol_settings *settings)
{
	return !own || !elf_file_section_of(own, SHT_SYMTAB) ||
	       (settings->lines && !has_dwarf(own));
}

static int open_files(struct symbol_source *source, const struct stack_module *module,
		      const struct symbol_settings *settings)
{
	struct debug_search search = {
		.directory = settings->debug_directory,
		.path = module->path,
		/* who had that pid when it was recorded is not there any more */
		.pid = module->module ? module->pid : 0,
		.build_id = module->build_id,
		.build_id_len = module->build_id_len,
	};
	struct elf_file own, debug, *own_file = NULL, *debug_file = NULL;
	uint8_t id[ELF_BUILD_ID_MAX];
	int rc;

	if (!open_own(source, module, &search, &own)) {
		own_file = &own;
		search.build_id = id;
		search.build_id_len = elf_file_build_id(&own, id);
	}
	if (needs_debug(own_file, settings) &&
	    !debug_file_find(&search, own_file, &source->debug_fd, &debug))
		debug_file = &debug;
	rc = read_tables(source, own_file, debug_file);
	if (own_file) {
		use_dwarf(source, own_file, settings);
		elf_file_close(own_file);
	}
	if (debug_file) {
		use_dwarf(source, debug_file, settings);
		elf_file_close(debug_file);
	}
	return rc;
}

int symbol_source_open(struct symbol_source *source, const struct stack_module *module,
		       const struct symbol_settings *settings)
{
	int rc = 0;

	*source = (struct symbol_source){.too_large = source->too_large,
					 .openings = source->openings + 1,
					 .of = module->module,
					 .own_fd = -1,
					 .debug_fd = -1,
					 .dwarf_fd = -1,
					 .map = PERF_MAP_NONE};
	if (!(module->flags & MODULE_NO_FILE))
		rc = open_files(source, module, settings);
	if (rc)
		symbol_source_close(source);
	source->opened = !rc;
	return rc;
}

void symbol_source_close(struct symbol_source *source)
{
	if (source->own_fd >= 0)
		close(source->own_fd);
	if (source->debug_fd >= 0)
		close(source->debug_fd);
	reader_stop(source->reader);
	symbol_table_free(&source->table);
	perf_map_close(&source->map);
	*source = (struct symbol_source){.too_large = source->too_large,
					 .openings = source->openings};
}

uint64_t symbol_source_version(const struct symbol_source *source)
{
	return source->openings + source->map.version;
}

uint64_t symbol_source_memory(const struct symbol_source *source)
{
	return symbol_table_memory(&source->table) +
	       source->map.functions.capacity * sizeof(*source->map.functions.items);
}
