// SPDX-License-Identifier: GPL-2.0-only
/* Pages whose first touch is the kernel's, copying out of a system call. */
#define _GNU_SOURCE
#include "tests/targets/target.h"

#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>

enum { PAGES = 512 };

static void expect_bytes(ssize_t got, size_t wanted, const char *what)
{
	target_expect(got == (ssize_t)wanted, what);
}

static void read_zero(char *base)
{
	int fd = open("/dev/zero", O_RDONLY | O_CLOEXEC);

	target_expect(fd >= 0, "open of /dev/zero");
	expect_bytes(read(fd, base, 100 * PAGE), 100 * PAGE, "read of /dev/zero");
	target_claim(base, PAGES, 100, 0, "read of /dev/zero");
	target_rest("zero");
	/* Ten bytes, five on either side of a page border. */
	expect_bytes(read(fd, page_at(base, 201) - 5, 10), 10, "read over a border");
	target_claim(base, PAGES, 102, 0, "read over a page border");
	target_rest("border");
	close(fd);
}

static void read_file(char *base)
{
	int fd = file_pages_create(16);

	expect_bytes(pread(fd, page_at(base, 300) + 100, 4 * PAGE, 0), 4 * PAGE, "pread");
	target_claim(base, PAGES, 102 + 5, 0, "pread of a file");
	target_rest("file");
	/* Beyond the file's end nothing is written. */
	expect_bytes(pread(fd, page_at(base, 320), 10 * PAGE, 14 * PAGE), 2 * PAGE, "short pread");
	target_claim(base, PAGES, 102 + 7, 0, "short pread of a file");
	target_rest("file_short");
	close(fd);
}

static void read_pipe(char *base)
{
	static char bytes[3 * PAGE];
	int fds[2];

	target_expect(pipe2(fds, O_CLOEXEC) == 0, "pipe2");
	memset(bytes, 'p', sizeof(bytes));
	expect_bytes(write(fds[1], bytes, sizeof(bytes)), sizeof(bytes), "write to a pipe");
	expect_bytes(read(fds[0], page_at(base, 340), 20 * PAGE), sizeof(bytes), "read of a pipe");
	target_claim(base, PAGES, 109 + 3, 0, "read of a pipe");
	target_rest("pipe");
}

static void read_socket(char *base)
{
	static char bytes[8 * PAGE];
	int fds[2];

	target_expect(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == 0, "socketpair");
	memset(bytes, 's', sizeof(bytes));
	expect_bytes(send(fds[1], bytes, sizeof(bytes), 0), sizeof(bytes), "send");
	expect_bytes(recv(fds[0], page_at(base, 360), sizeof(bytes), MSG_WAITALL), sizeof(bytes),
		     "recv");
	target_claim(base, PAGES, 112 + 8, 0, "recv");
	target_rest("recv");
}

static void read_vector(char *base)
{
	struct iovec iov[3] = {
		{.iov_base = page_at(base, 380), .iov_len = 100},
		{.iov_base = page_at(base, 390) + 4000, .iov_len = PAGE},
		{.iov_base = page_at(base, 400), .iov_len = 10 * PAGE},
	};
	int fd = file_pages_create(16);

	expect_bytes(preadv(fd, iov, 3, 0), 100 + 11 * PAGE, "preadv");
	target_claim(base, PAGES, 120 + 1 + 2 + 10, 0, "preadv");
	target_rest("vector");
	close(fd);
}

/* Small results, each into a page of its own; and one into a page of no access, refused. */
static void small_results(char *base)
{
	target_expect(stat("/", (struct stat *)page_at(base, 420)) == 0, "stat");
	expect_bytes(getrandom(page_at(base, 421), 32, 0), 32, "getrandom");
	target_expect(getcwd(page_at(base, 422), PAGE) != NULL, "getcwd");
	target_expect(mprotect(page_at(base, 430), PAGE, PROT_READ) == 0, "mprotect");
	target_expect_errno(syscall(SYS_newfstatat, AT_FDCWD, "/", page_at(base, 430), 0) != 0,
			    EFAULT, "stat into a read-only page");
	target_claim(base, PAGES, 133 + 3, 0, "small results");
	target_rest("small");
}

/* The kernel only reads these: zero pages. */
static void write_untouched(char *base)
{
	int fd = file_unlinked_open();

	expect_bytes(write(fd, page_at(base, 440), 20 * PAGE), 20 * PAGE, "write");
	target_claim(base, PAGES, 136, 0, "write of untouched pages");
	target_rest("write_untouched");
	close(fd);
}

int main(void)
{
	char *base;

	target_start();
	base = pages_map(PAGES);
	target_claim(base, PAGES, 0, 0, "mapped");
	target_rest("mapped");
	read_zero(base);
	read_file(base);
	read_pipe(base);
	read_socket(base);
	read_vector(base);
	small_results(base);
	write_untouched(base);
	return 0;
}
