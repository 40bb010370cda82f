// SPDX-License-Identifier: GPL-2.0-only
#include "user/source/load_order.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdbool.h>
#include <unistd.h>

#include "user/base/cleanup.h"

#define AUXILIARY_MAX 64
#define HEADERS_MAX 64
#define DYNAMIC_MAX 256

/* No file's code lies farther from its base. */
#define SPAN_MAX (1ULL << 30)

/* Everything is read from the process: it may say what it likes. */
static bool read_at(int mem, uint64_t address, void *into, size_t size)
{
	return address <= INT64_MAX && pread(mem, into, size, (off_t)address) == (ssize_t)size;
}

static int open_file(int dir_fd, const char *name)
{
	int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

/* The program's headers in its memory. Returns how many there are; 0: not known. */
static size_t read_headers(int auxv, int mem, Elf64_Phdr headers[HEADERS_MAX], uint64_t *address)
{
	Elf64_auxv_t values[AUXILIARY_MAX] = {0};
	ssize_t got = read(auxv, values, sizeof(values));
	uint64_t count = 0;

	*address = 0;
	for (size_t i = 0; got > 0 && i < (size_t)got / sizeof(*values); i++) {
		if (values[i].a_type == AT_PHDR)
			*address = values[i].a_un.a_val;
		else if (values[i].a_type == AT_PHNUM)
			count = values[i].a_un.a_val;
	}
	if (!*address || !count || count > HEADERS_MAX ||
	    !read_at(mem, *address, headers, count * sizeof(*headers)))
		return 0;
	return (size_t)count;
}

/* Where the program's dynamic section is in memory; 0: it has none. */
static uint64_t find_dynamic(const Elf64_Phdr *headers, size_t count, uint64_t address)
{
	uint64_t base = 0, dynamic = 0;

	for (size_t i = 0; i < count; i++) {
		if (headers[i].p_type == PT_PHDR)
			base = address - headers[i].p_vaddr;
		else if (headers[i].p_type == PT_DYNAMIC)
			dynamic = headers[i].p_vaddr;
	}
	return dynamic ? base + dynamic : 0;
}

/* The first entry of the list; 0: there is none. */
static uint64_t find_list(int mem, uint64_t dynamic)
{
	struct r_debug debug;
	Elf64_Dyn row;

	for (size_t i = 0; i < DYNAMIC_MAX; i++) {
		if (!read_at(mem, dynamic + i * sizeof(row), &row, sizeof(row)) ||
		    row.d_tag == DT_NULL)
			return 0;
		if (row.d_tag != DT_DEBUG)
			continue;
		if (!row.d_un.d_ptr || !read_at(mem, row.d_un.d_ptr, &debug, sizeof(debug)))
			return 0;
		return (uintptr_t)debug.r_map;
	}
	return 0;
}

int load_order_read(int dir_fd, struct load_order *order)
{
	AUTO_FD int auxv = open_file(dir_fd, "auxv");
	AUTO_FD int mem = open_file(dir_fd, "mem");
	Elf64_Phdr headers[HEADERS_MAX] = {0};
	uint64_t address = 0, dynamic, at;
	struct link_map entry;
	size_t count;

	if (auxv < 0 || mem < 0)
		return auxv < 0 ? auxv : mem;
	count = read_headers(auxv, mem, headers, &address);
	dynamic = find_dynamic(headers, count, address);
	at = dynamic ? find_list(mem, dynamic) : 0;
	order->count = 0;
	while (at && order->count < LOAD_ORDER_MAX && read_at(mem, at, &entry, sizeof(entry))) {
		order->bases[order->count++] = entry.l_addr;
		at = (uintptr_t)entry.l_next;
	}
	return order->count ? 0 : -ENOENT;
}

int load_order_place(const struct load_order *order, uint64_t address)
{
	int place = -1;

	/* the nearest one below: what is loaded lies in one piece */
	for (size_t i = 0; i < order->count; i++)
		if (order->bases[i] <= address && address - order->bases[i] < SPAN_MAX &&
		    (place < 0 || order->bases[i] > order->bases[place]))
			place = (int)i;
	return place;
}
