// SPDX-License-Identifier: GPL-2.0-only
/* Files: a private mapping's written pages are anonymous, read ones and shared ones are not. */
#define _GNU_SOURCE
#include "tests/targets/target.h"

enum { PAGES = 256, DATA_PAGES = 64, BSS_PAGES = 512 };

/* Parts of the program's own file and of what the kernel maps behind it. */
static volatile unsigned char data[DATA_PAGES * PAGE] __attribute__((aligned(4096))) = {1};
static volatile unsigned char bss[BSS_PAGES * PAGE] __attribute__((aligned(4096)));

/* Between two fences, so that the mapping's own figures can be told. */
static char *file_map(int fd, size_t pages, int flags)
{
	char *space = pages_clear_space(pages), *p;

	p = mmap(space, pages * PAGE, PROT_READ | PROT_WRITE, MAP_FIXED | flags, fd, 0);
	target_expect(p == space, "mmap");
	return p;
}

static void private_claim(char *base, long resident, const char *name)
{
	target_claim(base, PAGES, resident, 0, name);
	target_rest(name);
}

static void private_file(void)
{
	int fd = file_pages_create(PAGES);
	char *base = file_map(fd, PAGES, MAP_PRIVATE);

	private_claim(base, 0, "mapped");
	pages_read(base, 0, 128);
	private_claim(base, 0, "read");
	pages_touch(base, 64, 128);
	private_claim(base, 128, "written");
	/* Written in the file, seen by those who have no copy; nobody gains or loses a page. */
	target_expect(pwrite(fd, "x", 1, 100 * PAGE) == 1, "pwrite");
	private_claim(base, 128, "file_written");
	target_expect(madvise(page_at(base, 100), 50 * PAGE, MADV_DONTNEED) == 0, "madvise");
	private_claim(base, 78, "purged");
	pages_read(base, 0, PAGES);
	private_claim(base, 78, "read_again");
	pages_touch(base, 100, 10);
	target_expect(munmap(page_at(base, 180), 30 * PAGE) == 0, "munmap");
	private_claim(base, 76, "cut");
	close(fd);
}

static void program_image(void)
{
	char *data_base = (char *)(uintptr_t)data, *bss_base = (char *)(uintptr_t)bss;

	for (size_t i = 0; i < DATA_PAGES; i++)
		(void)data[i * PAGE];
	target_claim(data_base, DATA_PAGES, 0, 0, ".data, read");
	target_claim(bss_base, BSS_PAGES, 0, 0, ".bss, untouched");
	target_rest("image");
	pages_touch(data_base, 0, 16);
	pages_touch(bss_base, 100, 100);
	pages_read(bss_base, 300, 100);
	target_claim(data_base, DATA_PAGES, 16, 0, ".data, written");
	target_claim(bss_base, BSS_PAGES, 100, 0, ".bss, touched");
	target_rest("image_written");
}

/* Shared memory is none of the process's private pages, however it is made. */
static void shared(void)
{
	char *anonymous = pages_clear_space(PAGES), *memory;
	int fd = memfd_create("target", MFD_CLOEXEC);

	target_expect(fd >= 0 && ftruncate(fd, PAGES * PAGE) == 0, "memfd");
	target_expect(mmap(anonymous, PAGES * PAGE, PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == anonymous,
		      "mmap");
	memory = file_map(fd, PAGES, MAP_SHARED);
	pages_touch(anonymous, 0, 100);
	pages_touch(memory, 0, 100);
	target_claim(anonymous, PAGES, 0, 0, "shared anonymous");
	target_claim(memory, PAGES, 0, 0, "memfd");
	target_rest("shared");
	target_expect(madvise(memory, 50 * PAGE, MADV_DONTNEED) == 0, "madvise");
	target_expect(madvise(anonymous, 50 * PAGE, MADV_REMOVE) == 0, "madvise");
	target_claim(anonymous, PAGES, 0, 0, "shared anonymous, removed");
	target_claim(memory, PAGES, 0, 0, "memfd, purged");
	target_rest("shared_purged");
	memory = file_map(fd, PAGES, MAP_PRIVATE);
	pages_read(memory, 0, 100);
	pages_touch(memory, 90, 30);
	target_claim(memory, PAGES, 30, 0, "memfd, private");
	target_rest("memfd_private");
	close(fd);
}

/* The old way to anonymous memory. */
static void zero_device(void)
{
	int fd = open("/dev/zero", O_RDWR | O_CLOEXEC);
	char *base;

	target_expect(fd >= 0, "open of /dev/zero");
	base = file_map(fd, PAGES, MAP_PRIVATE);
	pages_read(base, 0, 20);
	pages_touch(base, 10, 20);
	target_claim(base, PAGES, 20, 0, "/dev/zero, private");
	target_rest("zero_device");
	close(fd);
}

int main(void)
{
	target_start();
	private_file();
	program_image();
	shared();
	zero_device();
	return 0;
}
