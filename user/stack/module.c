// SPDX-License-Identifier: GPL-2.0-only
#include "user/stack/module.h"

#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <sys/auxv.h>

#include "user/base/cleanup.h"
#include "user/base/elf_file.h"
#include "user/stack/cfi.h"
#include "user/stack/module_rows.h"
#include "user/stack/unwind_arch.h"

/* Linkers make 4 or 5, and about 10 other program headers. */
#define SEGMENTS_MAX 32
#define PROGRAM_HEADERS_MAX 256

/* What a PT_LOAD brings from the file into memory. */
struct segment {
	uint64_t address;
	uint64_t offset;
	uint64_t size;
	bool executable;
};

struct module {
	int fd; /* owned; -1: image */
	struct elf_bytes bytes;
	const struct unwind_arch *arch;
	struct segment segments[SEGMENTS_MAX];
	size_t segment_count;
	uint8_t build_id[ELF_BUILD_ID_MAX];
	size_t build_id_size;
	struct cfi_place place;
	struct cfi cfi;
	bool cfi_opened;
	struct module_rows rows;
};

static int header_check(const Elf64_Ehdr *header)
{
	if (memcmp(header->e_ident, ELFMAG, SELFMAG) != 0)
		return -ENOEXEC;
	if (header->e_ident[EI_CLASS] != ELFCLASS64 || header->e_ident[EI_DATA] != ELFDATA2LSB ||
	    !unwind_arch(header->e_machine))
		return -ENOTSUP;
	if ((header->e_type != ET_EXEC && header->e_type != ET_DYN) ||
	    header->e_phentsize != sizeof(Elf64_Phdr) || header->e_phnum > PROGRAM_HEADERS_MAX)
		return -ENOEXEC;
	return 0;
}

static int segment_add(struct module *module, const Elf64_Phdr *program)
{
	if (module->segment_count == SEGMENTS_MAX ||
	    program->p_filesz > UINT64_MAX - program->p_vaddr ||
	    program->p_filesz > UINT64_MAX - program->p_offset)
		return -ENOEXEC;
	module->segments[module->segment_count++] = (struct segment){
		.address = program->p_vaddr,
		.offset = program->p_offset,
		.size = program->p_filesz,
		.executable = program->p_flags & PF_X,
	};
	return 0;
}

static int segments_read(struct module *module, const Elf64_Ehdr *header)
{
	Elf64_Phdr program;
	int rc = 0;

	for (uint32_t i = 0; i < header->e_phnum && !rc; i++) {
		uint64_t offset = header->e_phoff + (uint64_t)i * sizeof(program);

		if (!elf_bytes_read(&module->bytes, offset, &program, sizeof(program)))
			return -ENOEXEC;
		if (program.p_type == PT_LOAD) {
			rc = segment_add(module, &program);
		} else if (program.p_type == PT_GNU_EH_FRAME) {
			module->place.header = program.p_vaddr;
			module->place.header_size = program.p_filesz;
		}
	}
	return rc;
}

/* Sections are not needed to run a file, so a file may have none, or nonsense. */
static void sections_read(struct module *module)
{
	const Elf64_Shdr *frames;
	struct elf_file file;

	if (elf_file_open(&module->bytes, &file))
		return;
	module->build_id_size = elf_file_build_id(&file, module->build_id);
	frames = elf_file_section(&file, ".eh_frame");
	if (frames && frames->sh_flags & SHF_ALLOC) {
		module->place.frames = frames->sh_addr;
		module->place.frames_size = frames->sh_size;
	}
	elf_file_close(&file);
}

static int module_read(struct module *module)
{
	Elf64_Ehdr header;
	int rc;

	if (!elf_bytes_read(&module->bytes, 0, &header, sizeof(header)))
		return -ENOEXEC;
	rc = header_check(&header);
	if (rc)
		return rc;
	module->arch = unwind_arch(header.e_machine);
	rc = segments_read(module, &header);
	if (!rc)
		sections_read(module);
	return rc;
}

/* Takes fd. */
static int module_new(int fd, const struct elf_bytes *bytes, struct module **module)
{
	struct module *made = calloc(1, sizeof(*made));
	int rc;

	if (!made) {
		if (fd >= 0)
			close(fd);
		return -ENOMEM;
	}
	made->fd = fd;
	made->bytes = *bytes;
	module_rows_open(&made->rows);
	rc = module_read(made);
	if (rc)
		module_close(made);
	else
		*module = made;
	return rc;
}

int module_open(int fd, struct module **module)
{
	AUTO_FD int owned = fd;
	struct elf_bytes bytes;

	if (!elf_bytes_of(fd, &bytes))
		return -ENOEXEC;
	return module_new(TAKE_FD(owned), &bytes, module);
}

/* How far the vdso reaches: nobody says, but its headers. */
static uint64_t image_size(const Elf64_Ehdr *image)
{
	const Elf64_Phdr *programs = (const Elf64_Phdr *)((const char *)image + image->e_phoff);
	uint64_t size = image->e_shoff + (uint64_t)image->e_shnum * image->e_shentsize;

	for (uint32_t i = 0; i < image->e_phnum; i++)
		if (programs[i].p_offset + programs[i].p_filesz > size)
			size = programs[i].p_offset + programs[i].p_filesz;
	return size;
}

int module_open_vdso(struct module **module)
{
	const Elf64_Ehdr *image = (const Elf64_Ehdr *)getauxval(AT_SYSINFO_EHDR);
	struct elf_bytes bytes = {.fd = -1, .image = (const uint8_t *)image};

	if (!image)
		return -ENOENT;
	bytes.size = image_size(image);
	return module_new(-1, &bytes, module);
}

void module_close(struct module *module)
{
	if (!module)
		return;
	cfi_close(&module->cfi);
	module_rows_close(&module->rows);
	if (module->fd >= 0)
		close(module->fd);
	free(module);
}

uint16_t module_machine(const struct module *module)
{
	return module->arch->machine;
}

size_t module_build_id(const struct module *module, const uint8_t **id)
{
	*id = module->build_id;
	return module->build_id_size;
}

bool module_address(const struct module *module, uint64_t file_offset, uint64_t *address)
{
	for (size_t i = 0; i < module->segment_count; i++) {
		const struct segment *segment = &module->segments[i];

		if (!segment->executable || file_offset - segment->offset >= segment->size)
			continue;
		*address = segment->address + (file_offset - segment->offset);
		return true;
	}
	return false;
}

/* The reader of the module's unwind information. */
static ssize_t read_memory(void *ctx, uint64_t address, void *buffer, size_t size)
{
	const struct module *module = ctx;

	for (size_t i = 0; i < module->segment_count; i++) {
		const struct segment *segment = &module->segments[i];
		uint64_t at = address - segment->address, offset = segment->offset + at;

		if (at >= segment->size || offset >= module->bytes.size)
			continue;
		if (size > segment->size - at)
			size = segment->size - at;
		if (size > module->bytes.size - offset)
			size = module->bytes.size - offset;
		return elf_bytes_read(&module->bytes, offset, buffer, size) ? (ssize_t)size : -EIO;
	}
	return 0;
}

static int sigreturn_make(const struct unwind_arch *arch, struct unwind_row **row)
{
	struct unwind_row *made =
		calloc(1, sizeof(*made) + arch->register_count * sizeof(*made->rules));

	if (!made)
		return -ENOMEM;
	made->signal_frame = true;
	made->cfa_reg = arch->sp;
	made->return_reg = arch->pc;
	made->rule_count = arch->register_count;
	for (uint8_t reg = 0; reg < arch->register_count; reg++)
		made->rules[reg] = (struct unwind_rule){
			.reg = reg, .kind = RULE_OFFSET, .offset = arch->context[reg]};
	*row = made;
	return 0;
}

/* A signal trampoline without unwind information: -ENOENT if it is none. */
static int sigreturn_row(struct module *module, uint64_t address, struct unwind_row **row)
{
	const struct unwind_arch *arch = module->arch;
	uint8_t code[SIGRETURN_CODE_MAX];
	ssize_t got = read_memory(module, address, code, sizeof(code));

	for (size_t i = 0; i < arch->sigreturn_count; i++)
		if (got >= arch->sigreturns[i].size &&
		    !memcmp(code, arch->sigreturns[i].code, arch->sigreturns[i].size))
			return sigreturn_make(arch, row);
	return -ENOENT;
}

static int row_read(struct module *module, uint64_t address, struct unwind_row **row)
{
	int rc;

	if (!module->cfi_opened) {
		rc = cfi_open(&module->cfi, read_memory, module, module->arch, &module->place);
		if (rc && rc != -ENOENT)
			return rc;
		module->cfi_opened = true; /* without any there are no entries in it */
	}
	rc = cfi_row(&module->cfi, address, row);
	return rc == -ENOENT ? sigreturn_row(module, address, row) : rc;
}

static int row_make(struct module *module, uint64_t address, const struct unwind_row **row)
{
	const struct unwind_row *kept = NULL;
	struct unwind_row *made;
	int rc = row_read(module, address, &made);

	if (!rc)
		rc = module_rows_keep(&module->rows, made, &kept);
	if (rc != -ENOMEM)
		module_rows_answer(&module->rows, address, kept, rc);
	if (!rc)
		*row = kept;
	return rc;
}

int module_row(struct module *module, uint64_t address, const struct unwind_row **row)
{
	int rc = module_rows_find(&module->rows, address, row);

	return rc > 0 ? row_make(module, address, row) : rc;
}

uint64_t module_memory(const struct module *module)
{
	return sizeof(*module) + module->cfi.bytes + module_rows_memory(&module->rows);
}

int module_file(const struct module *module, const void **image, size_t *size)
{
	if (module->fd < 0) {
		*image = module->bytes.image;
		*size = module->bytes.size;
	}
	return module->fd;
}
