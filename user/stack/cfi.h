/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reads .eh_frame: finds the entry of an address, runs its instructions up to
 * there, and gives the rules in force as an unwind_row (LSB Core 5.0, 10.6;
 * DWARF 5, 6.4).
 *
 * elfutils 0.188 reads it as well, and is what the tests hold this reader
 * against. It trusts the file too far for a collector that runs as root: one
 * instruction makes it take and fill 1 GiB (dwarf_cfi_addrframe), entries that
 * overlap end it in an assertion (dwarf_frame_register), and its bounds are
 * those of the section, not of the entry. Here every byte passes the cursor, and
 * every entry, expression and state stack has a limit.
 */
#ifndef TIDEMARK_STACK_CFI_H
#define TIDEMARK_STACK_CFI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "user/stack/cfi_cursor.h"
#include "user/stack/unwind_arch.h"
#include "user/stack/unwind_row.h"

/* Of one entry. The longest in V8 has 3 KiB, in rustc 11. */
#define CFI_ENTRY_MAX 32768U
/* Read once and indexed, where there is no search table: statically linked programs. */
#define CFI_INDEX_BYTES_MAX (16U << 20)
/* Nested DW_CFA_remember_state. Compilers nest 2. */
#define CFI_REMEMBER_MAX 16
/* Files have a handful of common entries (CIE), most only 2. */
#define CFI_CIES 8

/*
 * Reads bytes of the module at an address (p_vaddr). Returns how many there were,
 * at most size, 0 where nothing is, or a negative errno.
 */
typedef ssize_t (*cfi_reader)(void *ctx, uint64_t address, void *buffer, size_t size);

/* Where unwind information lies; sizes of 0: there is none. */
struct cfi_place {
	uint64_t header; /* .eh_frame_hdr */
	uint64_t header_size;
	uint64_t frames; /* .eh_frame */
	uint64_t frames_size;
};

/* One row of the search table, the linker's or an own one: relative to its base. */
struct cfi_entry {
	int32_t start;
	int32_t fde;
};

struct cfi {
	cfi_reader read;
	void *ctx;
	const struct unwind_arch *arch;
	uint64_t base;		 /* what table entries are relative to */
	uint64_t table;		 /* address of the linker's table */
	uint64_t count;		 /* entries of it, or of index */
	struct cfi_entry *index; /* owned; NULL: the table is the linker's */
	struct cfi_cie *cies[CFI_CIES];
	uint64_t bytes; /* of memory, in index and cies */
};

enum cfi_cfa { CFA_NONE, CFA_REGISTER, CFA_EXPRESSION };

struct cfi_block {
	const uint8_t *bytes;
	uint32_t size;
};

/* A register that no instruction named. */
#define CFI_UNSPECIFIED 0xff

/* The rules at one point of a program. Blocks lie in the entry's bytes. */
struct cfi_state {
	uint8_t cfa; /* enum cfi_cfa */
	uint64_t cfa_reg;
	uint64_t cfa_offset; /* two's complement */
	struct cfi_block cfa_block;
	uint8_t kinds[UNWIND_RULES_MAX]; /* enum unwind_rule_kind or CFI_UNSPECIFIED */
	union {
		int64_t offset;
		struct cfi_block block;
	} values[UNWIND_RULES_MAX];
};

/* What entries have in common. */
struct cfi_cie {
	uint64_t address;
	uint64_t code_factor;
	uint64_t data_factor; /* two's complement */
	uint64_t return_reg;
	uint16_t machine;     /* EM_* */
	uint8_t fde_encoding; /* DW_EH_PE_* */
	bool sized;	      /* entries have augmentation data, its size first */
	bool signal_frame;
	struct cfi_state initial;
	size_t size; /* of bytes */
	uint8_t bytes[];
};

/* -ENOENT: there is none that can be used. -ENOMEM, -EIO. The reader must outlive it. */
int cfi_open(struct cfi *cfi, cfi_reader read, void *ctx, const struct unwind_arch *arch,
	     const struct cfi_place *place);
void cfi_close(struct cfi *cfi);

/* The row of an address, the caller's to free: -ENOENT, -EBADMSG, -ENOMEM, -EIO. */
int cfi_row(struct cfi *cfi, uint64_t address, struct unwind_row **row);

/* --- between the parts of the reader --- */

/* Reads up to size bytes that belong together. Their number, or a negative errno. */
ssize_t cfi_bytes(const struct cfi *cfi, uint64_t address, void *buffer, size_t size);

/* A DW_EH_PE_* encoded pointer. */
uint64_t cfi_pointer(struct cfi_cursor *cursor, uint8_t encoding);

/* The CIE at an address, kept until another takes its place: -EBADMSG, -ENOMEM, -EIO. */
int cfi_cie_get(struct cfi *cfi, uint64_t address, struct cfi_cie **cie);

/* The address of the entry that may cover an address: -ENOENT, -EIO. */
int cfi_find(const struct cfi *cfi, uint64_t address, uint64_t *entry);
int cfi_index_open(struct cfi *cfi, const struct cfi_place *place);

/*
 * Runs instructions until their location passes the target. initial: the state
 * of the CIE, NULL while it is being made. 0 or -EBADMSG.
 */
int cfi_run(const struct cfi_cie *cie, const struct cfi_state *initial, struct cfi_cursor *program,
	    uint64_t location, uint64_t target, struct cfi_state *state);

/* A state in its final form, the caller's to free: -EBADMSG, -ENOMEM. */
int cfi_row_make(const struct cfi_cie *cie, const struct unwind_arch *arch,
		 const struct cfi_state *state, struct unwind_row **row);

/*
 * Decodes an expression: at most UNWIND_OPERATIONS_MAX operations, whose targets
 * of jumps become their indices. The count, or -EBADMSG.
 */
int cfi_expression(const struct cfi_block *block, struct unwind_operation *operations);

#endif
