/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The sections of an ELF file that may be anyone's and may change while it is
 * read: the header and the table of sections are copied once, checked once, and
 * contents are read with bounds. (libelf takes counts and sizes as the file has
 * them, and reads them again later.) 64-bit little-endian files of x86_64 and arm64 only.
 */
#ifndef TIDEMARK_BASE_ELF_FILE_H
#define TIDEMARK_BASE_ELF_FILE_H

#include <elf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* More is left to object files, which nobody runs. */
#define ELF_SECTIONS_MAX 65536
#define ELF_BUILD_ID_MAX 64

/* Where bytes come from: a file, by pread, or memory. */
struct elf_bytes {
	int fd;		      /* borrowed; -1: image */
	const uint8_t *image; /* borrowed */
	uint64_t size;
};

struct elf_file {
	struct elf_bytes bytes;
	Elf64_Ehdr header;
	Elf64_Shdr *sections; /* owned */
	size_t section_count;
	char *names; /* owned; the last byte is NUL */
	size_t names_size;
};

/* The bytes of an open file; false if its size cannot be told. */
bool elf_bytes_of(int fd, struct elf_bytes *bytes);

/* All of [offset, offset + size), or false. */
bool elf_bytes_read(const struct elf_bytes *bytes, uint64_t offset, void *into, size_t size);

/* 0, -ENOEXEC, -EIO, -ENOMEM. */
int elf_file_open(const struct elf_bytes *bytes, struct elf_file *file);
void elf_file_close(struct elf_file *file);

/* The first section of a name, or of a type, whose content lies in the file; NULL. */
const Elf64_Shdr *elf_file_section(const struct elf_file *file, const char *name);
const Elf64_Shdr *elf_file_section_of(const struct elf_file *file, uint32_t type);

/* The name of a section, "" if it has none. */
const char *elf_file_name(const struct elf_file *file, const Elf64_Shdr *section);

/* A copy of a section's bytes, the caller's, with a NUL behind it; NULL if larger than max. */
void *elf_file_copy(const struct elf_file *file, const Elf64_Shdr *section, size_t max);

/* A note in a copied section. */
struct elf_note {
	uint32_t type;
	const char *name; /* name_size bytes with the NUL they should end with */
	size_t name_size;
	const uint8_t *desc;
	size_t desc_size;
};

/*
 * The note at *at, which then is behind it. False: no further one; short of size, *at is
 * where one is cut off.
 */
bool elf_note_next(const uint8_t *notes, size_t size, size_t *at, struct elf_note *note);

/* Bytes of its build id, 0 without one. */
size_t elf_file_build_id(const struct elf_file *file, uint8_t id[ELF_BUILD_ID_MAX]);

/*
 * Where in the file are the instructions that a segment with code maps at an address? 0; -EBADMSG:
 * nowhere.
 */
int elf_file_code_offset(const struct elf_file *file, uint64_t address, uint64_t *offset);

#define AUTO_ELF __attribute__((cleanup(elf_file_close)))

#endif
