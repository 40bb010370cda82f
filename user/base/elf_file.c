// SPDX-License-Identifier: GPL-2.0-only
#include "user/base/elf_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sys/stat.h>

#include "user/base/cleanup.h"

#define NAMES_MAX ((size_t)4 << 20)
#define NOTES_MAX ((size_t)64 << 10)
#define NOTE_SECTIONS_MAX 64

/* Linkers make about 12. */
#define PROGRAM_HEADERS_MAX 256

bool elf_bytes_of(int fd, struct elf_bytes *bytes)
{
	struct stat st;

	if (fstat(fd, &st) || !S_ISREG(st.st_mode) || st.st_size < 0)
		return false;
	*bytes = (struct elf_bytes){.fd = fd, .size = (uint64_t)st.st_size};
	return true;
}

bool elf_bytes_read(const struct elf_bytes *bytes, uint64_t offset, void *into, size_t size)
{
	size_t done = 0;

	if (offset > bytes->size || size > bytes->size - offset)
		return false;
	if (bytes->fd < 0) {
		if (size)
			memcpy(into, bytes->image + offset, size);
		return true;
	}
	while (done < size) {
		ssize_t got =
			pread(bytes->fd, (char *)into + done, size - done, (off_t)(offset + done));

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return false; /* it was cut short since its size was asked */
		done += (size_t)got;
	}
	return true;
}

static bool header_is_usable(const Elf64_Ehdr *header)
{
	return !memcmp(header->e_ident, ELFMAG, SELFMAG) &&
	       header->e_ident[EI_CLASS] == ELFCLASS64 && header->e_ident[EI_DATA] == ELFDATA2LSB &&
	       header->e_ident[EI_VERSION] == EV_CURRENT &&
	       (header->e_machine == EM_X86_64 || header->e_machine == EM_AARCH64);
}

/* Many sections: their number is in the first one (gabi, e_shnum and e_shstrndx). */
static int count_sections(const struct elf_file *file, size_t *count, size_t *names)
{
	const Elf64_Ehdr *header = &file->header;
	Elf64_Shdr first;

	*count = header->e_shnum;
	*names = header->e_shstrndx;
	if (!header->e_shoff) {
		*count = 0;
		return 0;
	}
	if (header->e_shentsize != sizeof(Elf64_Shdr))
		return -ENOEXEC;
	if (*count && *names != SHN_XINDEX)
		return 0;
	if (!elf_bytes_read(&file->bytes, header->e_shoff, &first, sizeof(first)))
		return -EIO;
	if (!*count)
		*count = first.sh_size;
	if (*names == SHN_XINDEX)
		*names = first.sh_link;
	return *count > ELF_SECTIONS_MAX ? -ENOEXEC : 0;
}

static int read_sections(struct elf_file *file)
{
	const Elf64_Shdr *names;
	size_t names_index;
	int rc = count_sections(file, &file->section_count, &names_index);

	if (rc || !file->section_count)
		return rc;
	file->sections = calloc(file->section_count, sizeof(*file->sections));
	if (!file->sections)
		return -ENOMEM;
	if (!elf_bytes_read(&file->bytes, file->header.e_shoff, file->sections,
			    file->section_count * sizeof(*file->sections)))
		return -EIO;
	if (names_index >= file->section_count)
		return 0;
	names = &file->sections[names_index];
	file->names = elf_file_copy(file, names, NAMES_MAX);
	file->names_size = file->names ? names->sh_size : 0;
	return 0;
}

int elf_file_open(const struct elf_bytes *bytes, struct elf_file *file)
{
	struct elf_file opened = {.bytes = *bytes};
	int rc;

	if (!elf_bytes_read(bytes, 0, &opened.header, sizeof(opened.header)) ||
	    !header_is_usable(&opened.header))
		return -ENOEXEC;
	rc = read_sections(&opened);
	if (rc) {
		elf_file_close(&opened);
		return rc;
	}
	*file = opened;
	return 0;
}

void elf_file_close(struct elf_file *file)
{
	free(file->sections);
	free(file->names);
	memset(file, 0, sizeof(*file));
	file->bytes.fd = -1;
}

const char *elf_file_name(const struct elf_file *file, const Elf64_Shdr *section)
{
	return section->sh_name < file->names_size ? file->names + section->sh_name : "";
}

const Elf64_Shdr *elf_file_section(const struct elf_file *file, const char *name)
{
	for (size_t i = 0; i < file->section_count; i++)
		if (file->sections[i].sh_type != SHT_NOBITS &&
		    !strcmp(elf_file_name(file, &file->sections[i]), name))
			return &file->sections[i];
	return NULL;
}

const Elf64_Shdr *elf_file_section_of(const struct elf_file *file, uint32_t type)
{
	for (size_t i = 0; i < file->section_count; i++)
		if (file->sections[i].sh_type == type)
			return &file->sections[i];
	return NULL;
}

void *elf_file_copy(const struct elf_file *file, const Elf64_Shdr *section, size_t max)
{
	AUTO_FREE char *copy = NULL;

	/* a sparse file may claim any size for nothing */
	if (section->sh_type == SHT_NOBITS || section->sh_size > max ||
	    section->sh_size > file->bytes.size)
		return NULL;
	copy = malloc(section->sh_size + 1);
	if (!copy || !elf_bytes_read(&file->bytes, section->sh_offset, copy, section->sh_size))
		return NULL;
	copy[section->sh_size] = '\0';
	return TAKE_PTR(copy);
}

/* The notes are padded to 4 bytes each (gabi, Note Section). */
static size_t padded(uint32_t size)
{
	return ((size_t)size + 3) & ~(size_t)3;
}

bool elf_note_next(const uint8_t *notes, size_t size, size_t *at, struct elf_note *note)
{
	Elf64_Nhdr header;
	size_t name, desc, next;

	if (*at > size || size - *at < sizeof(header))
		return false;
	memcpy(&header, notes + *at, sizeof(header));
	name = *at + sizeof(header);
	if (padded(header.n_namesz) > size - name)
		return false;
	desc = name + padded(header.n_namesz);
	if (header.n_descsz > size - desc)
		return false;
	/* the last one's padding may be missing */
	next = padded(header.n_descsz);
	*at = next > size - desc ? size : desc + next;
	*note = (struct elf_note){
		.type = header.n_type,
		.name = (const char *)notes + name,
		.name_size = header.n_namesz,
		.desc = notes + desc,
		.desc_size = header.n_descsz,
	};
	return true;
}

static size_t find_build_id(const uint8_t *notes, size_t size, uint8_t id[ELF_BUILD_ID_MAX])
{
	struct elf_note note;

	for (size_t at = 0; elf_note_next(notes, size, &at, &note);) {
		if (note.type != NT_GNU_BUILD_ID || note.name_size != sizeof(ELF_NOTE_GNU) ||
		    memcmp(note.name, ELF_NOTE_GNU, sizeof(ELF_NOTE_GNU)) != 0 ||
		    note.desc_size > ELF_BUILD_ID_MAX)
			continue;
		memcpy(id, note.desc, note.desc_size);
		return note.desc_size;
	}
	return 0;
}

size_t elf_file_build_id(const struct elf_file *file, uint8_t id[ELF_BUILD_ID_MAX])
{
	size_t length = 0, seen = 0;

	for (size_t i = 0; i < file->section_count && !length; i++) {
		const Elf64_Shdr *section = &file->sections[i];
		AUTO_FREE uint8_t *notes = NULL;

		if (section->sh_type != SHT_NOTE || ++seen > NOTE_SECTIONS_MAX)
			continue;
		notes = elf_file_copy(file, section, NOTES_MAX);
		if (notes)
			length = find_build_id(notes, section->sh_size, id);
	}
	return length;
}

int elf_file_code_offset(const struct elf_file *file, uint64_t address, uint64_t *offset)
{
	const Elf64_Ehdr *header = &file->header;
	Elf64_Phdr programs[PROGRAM_HEADERS_MAX];

	if (header->e_phentsize != sizeof(*programs) || header->e_phnum > PROGRAM_HEADERS_MAX ||
	    !elf_bytes_read(&file->bytes, header->e_phoff, programs,
			    header->e_phnum * sizeof(*programs)))
		return -EBADMSG;
	for (size_t i = 0; i < header->e_phnum; i++) {
		const Elf64_Phdr *program = &programs[i];
		uint64_t at = address - program->p_vaddr;

		if (program->p_type != PT_LOAD || !(program->p_flags & PF_X) ||
		    address < program->p_vaddr || at >= program->p_filesz ||
		    program->p_offset >= file->bytes.size ||
		    at >= file->bytes.size - program->p_offset)
			continue;
		*offset = program->p_offset + at;
		return 0;
	}
	return -EBADMSG;
}
