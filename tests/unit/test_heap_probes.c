// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which functions of the allocators of this machine are probed, and where: against what nm says of
 * the functions, and another decoding of the instructions.
 */
#include "tests/unit/support.h"

#include <capstone.h>
#include <elf.h>
#include <fcntl.h>
#include <glob.h>
#include <inttypes.h>
#include <unistd.h>

#include <sys/mman.h>

#include "user/base/cleanup.h"
#include "user/base/elf_file.h"
#include "user/source/heap_probes.h"
#include "user/source/probes.h"

static const char *const libraries[] = {
	"/lib/*/libc.so.6", "/usr/lib/*/libjemalloc.so.2", "/usr/lib/*/libmimalloc.so.2",
	"/usr/lib/*/libtcmalloc_minimal.so.4", /* where it is installed */
};

enum { LIBC, JEMALLOC, MIMALLOC, TCMALLOC };

/* -1: it is not there. */
static int library_open(size_t index)
{
	glob_t found;
	int fd = -1;

	if (!glob(libraries[index], 0, NULL, &found))
		fd = open(found.gl_pathv[0], O_RDONLY | O_CLOEXEC);
	globfree(&found);
	assert_true(fd >= 0 || index == TCMALLOC);
	return fd;
}

static const struct heap_probe *probe_of(const struct heap_probes *probes, const char *name)
{
	for (size_t i = 0; i < probes->count; i++)
		if (!strcmp(probes->probes[i].function->name, name))
			return &probes->probes[i];
	return NULL;
}

/* ---- the instruction ---- */

/* By its name: what the kernel emulates, see probe_point.c. */
static bool is_emulated(const cs_insn *insn)
{
	bool relative =
		insn->op_str[0] == '0' || (insn->op_str[0] >= '1' && insn->op_str[0] <= '9');

	if (!strcmp(insn->mnemonic, "push"))
		return insn->op_str[0] == 'r' && insn->size <= 2;
	if (insn->mnemonic[0] == 'j' || !strcmp(insn->mnemonic, "call"))
		return relative;
	return !strcmp(insn->mnemonic, "nop") && insn->size == 1;
}

/* Elsewhere, or the stack pointer. */
static bool moves_on(const cs_insn *insn)
{
	static const char *const names[] = {"push", "pop", "call", "ret", "leave", "syscall"};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (!strcmp(insn->mnemonic, names[i]))
			return true;
	return insn->mnemonic[0] == 'j' || !strncmp(insn->op_str, "rsp", 3);
}

/* Before it, nothing that moves the stack pointer or goes elsewhere. */
static void check_block(const struct heap_probe *probe, const cs_insn *insns, size_t count)
{
	uint64_t at = probe->offset - probe->entry;

	for (size_t i = 0; i < count; i++) {
		const cs_insn *insn = &insns[i];

		if (insn->address == at) {
			assert_int_equal(is_emulated(insn), !probe->dear);
			return;
		}
		assert_true(insn->address < at);
		if (moves_on(insn))
			fail_msg("%s: %s %s before the probe", probe->function->name,
				 insn->mnemonic, insn->op_str);
	}
	fail_msg("%s: the probe is on no instruction", probe->function->name);
}

static void check_instruction(int fd, const struct heap_probe *probe)
{
	uint8_t bytes[128];
	cs_insn *insns;
	size_t count;
	csh handle;

	assert_int_equal(pread(fd, bytes, sizeof(bytes), (off_t)probe->entry), sizeof(bytes));
	assert_int_equal(cs_open(CS_ARCH_X86, CS_MODE_64, &handle), CS_ERR_OK);
	count = cs_disasm(handle, bytes, sizeof(bytes), 0, 0, &insns);
	assert_true(count > 0);
	check_block(probe, insns, count);
	cs_free(insns, count);
	cs_close(&handle);
}

/* ---- libraries ---- */

/* As nm has it; several functions of one name are several lines. */
static bool is_function_at(size_t library, const struct heap_probe *probe)
{
	char command[256];
	unsigned long long address;
	bool found = false;
	FILE *nm;

	snprintf(command, sizeof(command),
		 "nm -D %s | awk '{ sub(/@.*/, \"\", $3); if ($3 == \"%s\") print $1 }'",
		 libraries[library], probe->function->name);
	nm = popen(command, "r");
	assert_non_null(nm);
	while (fscanf(nm, "%llx", &address) == 1)
		found |= address == probe->entry; /* libraries' code is where its address says */
	pclose(nm);
	return found;
}

static void check_library(size_t index, struct heap_probes *probes)
{
	AUTO_FD int fd = library_open(index);

	memset(probes, 0, sizeof(*probes));
	if (fd < 0)
		return;
	assert_int_equal(heap_probes_find(fd, false, probes), 0);
	print_message("    %s: %zu functions, %zu dear\n", libraries[index], probes->count,
		      probes->dear);
	for (size_t i = 0; i < probes->count; i++) {
		const struct heap_probe *probe = &probes->probes[i];

		check_instruction(fd, probe);
		if (!is_function_at(index, probe))
			fail_msg("%s is not at %" PRIx64, probe->function->name, probe->entry);
		for (size_t j = 0; j < i; j++)
			assert_true(probes->probes[j].offset != probe->offset);
	}
}

static void glibc(void **state)
{
	static struct heap_probes probes;
	static const char *const names[] = {"malloc",	      "calloc", "realloc", "free",
					    "posix_memalign", "valloc", "pvalloc"};

	(void)state;
	check_library(LIBC, &probes);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		const struct heap_probe *probe = probe_of(&probes, names[i]);

		assert_non_null(probe);
		assert_false(probe->dear);
		assert_int_equal(probe->returns, strcmp(names[i], "free") != 0);
	}
	/* memalign is aligned_alloc, cfree is free: once each */
	assert_true(!!probe_of(&probes, "memalign") != !!probe_of(&probes, "aligned_alloc"));
	assert_null(probe_of(&probes, "cfree"));
	assert_int_equal(probes.allocator, ALLOCATOR_GLIBC);
}

static void jemalloc(void **state)
{
	static struct heap_probes probes;

	(void)state;
	check_library(JEMALLOC, &probes);
	assert_int_equal(probes.dear, 0);
	assert_int_equal(probes.allocator, ALLOCATOR_JEMALLOC);
	assert_non_null(probe_of(&probes, "mallocx"));
	assert_non_null(probe_of(&probes, "_Znwm"));
	/* jumps to free, which is probed */
	assert_null(probe_of(&probes, "_ZdlPv"));
	/* jumps to sdallocx, but does something before that */
	assert_true(probe_of(&probes, "_ZdlPvmSt11align_val_t")->returns);
}

static void mimalloc(void **state)
{
	static struct heap_probes probes;

	(void)state;
	check_library(MIMALLOC, &probes);
	assert_int_equal(probes.allocator, ALLOCATOR_MIMALLOC);
	assert_true(probes.dear <= 1);
	assert_true(probe_of(&probes, "malloc") || probe_of(&probes, "mi_malloc"));
	assert_null(probe_of(&probes, "mi_realloc"));
	assert_non_null(probe_of(&probes, "mi_heap_realloc"));
}

static void tcmalloc(void **state)
{
	static struct heap_probes probes;

	(void)state;
	check_library(TCMALLOC, &probes);
	if (probes.count)
		assert_int_equal(probes.allocator, ALLOCATOR_TCMALLOC);
}

static void first_bytes(void **state)
{
	static struct heap_probes probes = {.first_bytes = true};
	AUTO_FD int fd = library_open(JEMALLOC);

	(void)state;
	assert_int_equal(heap_probes_find(fd, false, &probes), 0);
	for (size_t i = 0; i < probes.count; i++)
		assert_int_equal(probes.probes[i].offset, probes.probes[i].entry);
	assert_true(probes.dear > 5);
}

/* ---- what is no allocator ---- */

static void no_allocator(void **state)
{
	static struct heap_probes probes, before;
	AUTO_FD int libm = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	AUTO_FD int text = open("/proc/self/status", O_RDONLY | O_CLOEXEC);

	(void)state;
	before = probes;
	assert_int_equal(heap_probes_find(libm, false, &probes), -ENOENT);
	assert_int_equal(heap_probes_find(text, true, &probes), -EBADMSG);
	assert_false(heap_program_is_static(libm));
	assert_false(heap_program_is_static(text));
	assert_memory_equal(&probes, &before, sizeof(probes));
}

/* ---- damaged files ---- */

static int copy_of(size_t library, uint8_t **bytes, size_t *size)
{
	AUTO_FD int fd = library_open(library);
	int copy = memfd_create("library", MFD_CLOEXEC);

	*size = (size_t)lseek(fd, 0, SEEK_END);
	assert_int_equal(ftruncate(copy, (off_t)*size), 0);
	*bytes = mmap(NULL, *size, PROT_READ | PROT_WRITE, MAP_SHARED, copy, 0);
	assert_ptr_not_equal(*bytes, MAP_FAILED);
	assert_int_equal(pread(fd, *bytes, *size, 0), *size);
	return copy;
}

/* Where damage hurts most: headers, tables, and anywhere. */
static uint64_t draw_place(uint64_t *random, const uint8_t *bytes, size_t size)
{
	const Elf64_Ehdr *header = (const Elf64_Ehdr *)bytes;
	uint64_t sections = header->e_shnum * sizeof(Elf64_Shdr);

	switch (random_below(random, 4)) {
	case 0:
		return random_below(random, sizeof(Elf64_Ehdr));
	case 1:
		return sizeof(Elf64_Ehdr) + random_below(random, 12 * sizeof(Elf64_Phdr));
	case 2:
		if (header->e_shoff < size && size - header->e_shoff > sections && sections)
			return header->e_shoff + random_below(random, sections);
		/* fall through */
	default:
		return random_below(random, size);
	}
}

static void damaged(void **state)
{
	static struct heap_probes probes;
	uint64_t random = 1;
	uint8_t *bytes, *whole;
	size_t size;
	AUTO_FD int fd = copy_of(JEMALLOC, &bytes, &size);

	(void)state;
	whole = malloc(size);
	assert_non_null(whole);
	memcpy(whole, bytes, size);
	for (int i = 0; i < 150; i++) {
		for (int j = 0; j < 8; j++)
			bytes[draw_place(&random, whole, size)] = (uint8_t)random_next(&random);
		probes.count = 0;
		if (!heap_probes_find(fd, i % 2, &probes))
			assert_true(probes.count && probes.count <= HEAP_FUNCTIONS_MAX);
		heap_program_is_static(fd);
		memcpy(bytes, whole, size);
	}
	/* cut at any place */
	munmap(bytes, size);
	for (int i = 0; i < 100; i++) {
		size = random_below(&random, size);
		assert_int_equal(ftruncate(fd, (off_t)size), 0);
		assert_true(heap_probes_find(fd, true, &probes) < 0 || size > 4096);
		if (size < 64)
			break;
	}
	free(whole);
}

/* ---- offsets ---- */

static void given(void **state)
{
	static struct heap_probes found, probes;
	AUTO_FD int fd = library_open(JEMALLOC);
	struct heap_spec specs[2] = {{.text = "", .offset = 0}};
	const struct heap_spec *both[] = {&specs[0], &specs[1]};

	(void)state;
	assert_int_equal(heap_probes_find(fd, false, &found), 0);
	specs[0].function = heap_function_find("malloc");
	specs[0].offset = probe_of(&found, "malloc")->entry;
	specs[1].function = heap_function_find("free");
	specs[1].offset = probe_of(&found, "free")->entry;
	assert_int_equal(heap_probes_given(fd, both, 2, &probes), 0);
	assert_int_equal(probes.count, 2);
	assert_int_equal(probes.probes[0].offset, probe_of(&found, "malloc")->offset);
	assert_int_equal(probes.probes[0].cookie, probe_of(&found, "malloc")->cookie);
	assert_int_equal(probes.probes[1].offset, probe_of(&found, "free")->offset);
	specs[1].offset = INT64_MAX;
	assert_int_equal(heap_probes_given(fd, both, 2, &probes), -EFAULT);
	specs[1].offset = 1; /* of the ELF header */
	assert_int_equal(heap_probes_given(fd, both, 2, &probes), -EFAULT);
	/* a probe within an instruction would end the program */
	for (uint64_t i = 1; i < 16; i++) {
		specs[1].offset = probe_of(&found, "free")->entry + i;
		assert_int_equal(heap_probes_given(fd, both, 2, &probes), -EILSEQ);
	}
	assert_int_equal(probes.count, 2);
}

/* What symbols say is a function is one by the unwind information, which stripped files have. */
static void given_is_what_is_found(void **state)
{
	static struct heap_probes found, probes;
	size_t accepted = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(libraries); i++) {
		AUTO_FD int fd = library_open(i);

		if (fd < 0)
			continue;
		assert_int_equal(heap_probes_find(fd, false, &found), 0);
		for (size_t k = 0; k < found.count; k++) {
			struct heap_spec spec = {.text = "",
						 .function = found.probes[k].function,
						 .offset = found.probes[k].entry};
			const struct heap_spec *list[] = {&spec};

			assert_int_equal(heap_probes_given(fd, list, 1, &probes), 0);
			assert_int_equal(probes.probes[0].offset, found.probes[k].offset);
			accepted++;
		}
	}
	assert_true(accepted > 50);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(glibc),
		cmocka_unit_test(jemalloc),
		cmocka_unit_test(mimalloc),
		cmocka_unit_test(tcmalloc),
		cmocka_unit_test(first_bytes),
		cmocka_unit_test(no_allocator),
		cmocka_unit_test(damaged),
		cmocka_unit_test(given),
		cmocka_unit_test(given_is_what_is_found),
	};

	return cmocka_run_group_tests_name("heap_probes", tests, NULL, NULL);
}
