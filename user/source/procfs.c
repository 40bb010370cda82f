// SPDX-License-Identifier: GPL-2.0-only
#include "user/source/procfs.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "user/base/cleanup.h"
#include "user/base/units.h"
#include "user/source/uapi.h"

#define STATIC_SCAN_MAX ((off_t)64 << 20)

/* Reads a whole /proc file by name below dir_fd into a NUL-terminated buffer. */
static ssize_t read_text(int dir_fd, const char *name, char *text, size_t size)
{
	AUTO_FD int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC);
	ssize_t got;

	if (fd < 0)
		return -errno;
	got = read(fd, text, size - 1);
	if (got < 0)
		return -errno;
	text[got] = '\0';
	return got;
}

struct stat_fields {
	char state;
	uint64_t cpu_ticks; /* user and system, of all threads */
	uint64_t start_ticks;
};

/*
 * /proc/PID/stat: "pid (comm) state ...". comm may hold anything, ')' too, so
 * fields are counted from the last one. Field 3 is the state, 14 and 15 the CPU
 * time, 22 the start time (proc(5)).
 */
static int read_stat(const struct proc *proc, struct stat_fields *fields)
{
	uint64_t user, system;
	char text[1024];
	ssize_t got = read_text(proc->dir_fd, "stat", text, sizeof(text));
	char *at;

	if (got < 0)
		return (int)got;
	at = strrchr(text, ')');
	if (!at || sscanf(at + 1,
			  " %c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %" SCNu64 " %" SCNu64
			  " %*d %*d %*d %*d %*d %*d %" SCNu64,
			  &fields->state, &user, &system, &fields->start_ticks) != 4)
		return -EBADMSG;
	fields->cpu_ticks = user + system;
	return 0;
}

int proc_read_comm(struct proc *proc)
{
	char text[EVENT_COMM_LEN + 2];
	ssize_t got = read_text(proc->dir_fd, "comm", text, sizeof(text));

	if (got < 0)
		return (int)got;
	/* the name itself may hold a newline */
	if (got > 0 && text[got - 1] == '\n')
		text[got - 1] = '\0';
	memset(proc->comm, 0, sizeof(proc->comm));
	memcpy(proc->comm, text, strnlen(text, sizeof(proc->comm) - 1));
	return 0;
}

static int open_below(const struct proc *proc, const char *name)
{
	int fd = openat(proc->dir_fd, name, O_RDONLY | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

/* Opened once per exec: they are tied to the address space they were opened for. */
static int open_memory(struct proc *proc)
{
	int maps = open_below(proc, "maps");
	int pagemap;

	if (maps < 0)
		return maps;
	pagemap = open_below(proc, "pagemap");
	if (pagemap < 0) {
		close(maps);
		return pagemap;
	}
	if (proc->maps_fd >= 0)
		close(proc->maps_fd);
	if (proc->pagemap_fd >= 0)
		close(proc->pagemap_fd);
	proc->maps_fd = maps;
	proc->pagemap_fd = pagemap;
	return 0;
}

static int check_is_process(const struct proc *proc)
{
	char text[4096], *line;
	ssize_t got = read_text(proc->dir_fd, "status", text, sizeof(text));
	unsigned int tgid;

	if (got < 0)
		return (int)got;
	line = strstr(text, "\nTgid:");
	if (!line || sscanf(line, "\nTgid: %u", &tgid) != 1)
		return -EBADMSG;
	if (tgid != proc->pid)
		return -EINVAL;
	/* a zombie has lost its memory, and a kernel thread never had any */
	return strstr(text, "\nVmSize:") || strstr(text, "\nState:\tZ") ||
			       strstr(text, "\nState:\tX")
		       ? 0
		       : -ENOTSUP;
}

int proc_open(uint32_t pid, struct proc *proc)
{
	struct proc opened = {
		.pid = pid, .dir_fd = -1, .status_fd = -1, .maps_fd = -1, .pagemap_fd = -1};
	struct stat_fields stat;
	char path[32];
	int rc;

	snprintf(path, sizeof(path), "/proc/%u", pid);
	opened.dir_fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (opened.dir_fd < 0)
		return errno == ENOENT ? -ESRCH : -errno;
	rc = check_is_process(&opened);
	if (!rc)
		rc = read_stat(&opened, &stat);
	if (!rc && (stat.state == 'Z' || stat.state == 'X'))
		rc = -ESRCH;
	if (!rc)
		opened.start_ticks = stat.start_ticks;
	if (!rc)
		rc = proc_read_comm(&opened);
	if (!rc) {
		opened.status_fd = open_below(&opened, "status");
		rc = opened.status_fd < 0 ? opened.status_fd : 0;
	}
	if (!rc)
		rc = open_memory(&opened);
	if (rc) {
		proc_close(&opened);
		return rc == -ENOENT ? -ESRCH : rc;
	}
	*proc = opened;
	return 0;
}

void proc_close(struct proc *proc)
{
	const int fds[] = {proc->dir_fd, proc->status_fd, proc->maps_fd, proc->pagemap_fd};

	for (size_t i = 0; i < sizeof(fds) / sizeof(*fds); i++)
		if (fds[i] >= 0)
			close(fds[i]);
	free(proc->vmas);
	memset(proc, 0, sizeof(*proc));
	proc->dir_fd = proc->status_fd = proc->maps_fd = proc->pagemap_fd = -1;
}

bool proc_alive(const struct proc *proc)
{
	struct stat_fields stat;

	return !read_stat(proc, &stat) && stat.state != 'Z' && stat.state != 'X';
}

/* Bytes of a "Name:  123 kB" line; 0 if it is not there, as for what has no memory. */
static uint64_t status_bytes(const char *text, const char *name)
{
	const char *line = strstr(text, name);
	uint64_t kib;

	return line && sscanf(line + strlen(name), " %" SCNu64, &kib) == 1 ? kib << 10 : 0;
}

int proc_read_sample(const struct proc *proc, struct event_sample *sample)
{
	char text[8192], *threads;
	ssize_t got = pread(proc->status_fd, text, sizeof(text) - 1, 0);
	struct stat_fields stat;

	if (got <= 0)
		return got < 0 ? -errno : -ESRCH;
	text[got] = '\0';
	if (!strstr(text, "\nRssAnon:"))
		return -ESRCH; /* a zombie has a status, but no memory */
	sample->anon_bytes = status_bytes(text, "\nRssAnon:");
	sample->file_bytes = status_bytes(text, "\nRssFile:");
	sample->shmem_bytes = status_bytes(text, "\nRssShmem:");
	sample->swap_bytes = status_bytes(text, "\nVmSwap:");
	sample->virtual_bytes = status_bytes(text, "\nVmSize:");
	threads = strstr(text, "\nThreads:");
	sample->threads = threads ? (uint32_t)strtoul(threads + strlen("\nThreads:"), NULL, 10) : 0;
	sample->cpu_ns = read_stat(proc, &stat)
				 ? 0
				 : stat.cpu_ticks * (NSEC_PER_SEC / (uint64_t)sysconf(_SC_CLK_TCK));
	return 0;
}

static void vma_set_name(struct proc_vma *vma, const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *name = path[0] == '/' && slash ? slash + 1 : path;

	memset(vma->name, 0, sizeof(vma->name));
	memcpy(vma->name, name, strnlen(name, sizeof(vma->name) - 1));
	if (vma->ino || path[0] == '/')
		vma->kind = VMA_KIND_FILE;
	else if (!strcmp(path, "[heap]"))
		vma->kind = VMA_KIND_HEAP;
	else if (!strcmp(path, "[stack]"))
		vma->kind = VMA_KIND_STACK;
	else if (path[0] == '[' && strncmp(path, "[anon", 5))
		vma->kind = VMA_KIND_SPECIAL;
	else
		vma->kind = VMA_KIND_ANON;
}

/* One line of maps: "start-end rwxp offset major:minor inode   path". */
static int vma_parse(const char *line, struct proc_vma *vma)
{
	unsigned int major, minor;
	char perms[5];
	int path = 0;

	memset(vma, 0, sizeof(*vma));
	if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s %" SCNx64 " %x:%x %" SCNu64 " %n",
		   &vma->start, &vma->end, perms, &vma->offset, &major, &minor, &vma->ino,
		   &path) != 7 ||
	    !path)
		return -EBADMSG;
	vma->dev = major << 20 | minor;
	vma->prot = (perms[0] == 'r' ? PROT_READ : 0) | (perms[1] == 'w' ? PROT_WRITE : 0) |
		    (perms[2] == 'x' ? PROT_EXEC : 0);
	vma->shared = perms[3] == 's';
	vma_set_name(vma, line + path);
	return 0;
}

static int read_maps_text(struct proc *proc)
{
	AUTO_FD int fd = open_below(proc, "maps");
	AUTO_FILE FILE *file = NULL;
	AUTO_FREE char *line = NULL;
	size_t size = 0, capacity = 0;

	if (fd < 0)
		return fd;
	file = fdopen(fd, "re");
	if (!file)
		return -errno;
	(void)TAKE_FD(fd);
	free(proc->vmas);
	proc->vmas = NULL;
	proc->vma_count = 0;
	while (getline(&line, &size, file) > 0) {
		line[strcspn(line, "\n")] = '\0';
		if (proc->vma_count == capacity) {
			struct proc_vma *vmas;

			capacity = capacity ? capacity * 2 : 64;
			vmas = reallocarray(proc->vmas, capacity, sizeof(*vmas));
			if (!vmas)
				return -ENOMEM;
			proc->vmas = vmas;
		}
		if (!vma_parse(line, &proc->vmas[proc->vma_count]))
			proc->vma_count++;
	}
	return ferror(file) ? -EIO : 0;
}

int proc_begin_vmas(struct proc *proc, uint64_t start)
{
	int rc = open_memory(proc); /* an exec since gave the process another memory */

	if (rc)
		return rc == -ENOENT ? -ESRCH : rc;
	proc->vma_next = 0;
	if (!proc->no_map_query) {
		struct proc_vma vma;

		rc = proc_next_vma(proc, start, &vma);
		if (rc != -ENOTTY)
			return rc == -ENOENT ? 0 : rc;
		proc->no_map_query = true;
	}
	return read_maps_text(proc);
}

/* flags: PROCMAP_QUERY_VMA_*, all of which the mapping has to have. */
static int query_vma(int maps_fd, uint64_t addr, uint64_t flags, struct proc_vma *vma)
{
	char name[4096] = "";
	struct procmap_query query = {
		.size = sizeof(query),
		.query_flags = PROCMAP_QUERY_COVERING_OR_NEXT_VMA | flags,
		.query_addr = addr,
		.vma_name_addr = (uint64_t)(uintptr_t)name,
		.vma_name_size = sizeof(name),
	};

	if (ioctl(maps_fd, PROCMAP_QUERY, &query)) {
		if (errno != ENAMETOOLONG)
			return -errno;
		query.vma_name_addr = 0; /* a path beyond PATH_MAX: go without */
		query.vma_name_size = 0;
		if (ioctl(maps_fd, PROCMAP_QUERY, &query))
			return -errno;
	}
	memset(vma, 0, sizeof(*vma));
	vma->start = query.vma_start;
	vma->end = query.vma_end;
	vma->offset = query.vma_offset;
	vma->ino = query.inode;
	vma->dev = query.dev_major << 20 | query.dev_minor;
	vma->prot = (query.vma_flags & PROCMAP_QUERY_VMA_READABLE ? PROT_READ : 0) |
		    (query.vma_flags & PROCMAP_QUERY_VMA_WRITABLE ? PROT_WRITE : 0) |
		    (query.vma_flags & PROCMAP_QUERY_VMA_EXECUTABLE ? PROT_EXEC : 0);
	vma->shared = query.vma_flags & PROCMAP_QUERY_VMA_SHARED;
	vma_set_name(vma, name);
	return 0;
}

int proc_next_vma(struct proc *proc, uint64_t addr, struct proc_vma *vma)
{
	if (!proc->no_map_query)
		return query_vma(proc->maps_fd, addr, 0, vma);
	while (proc->vma_next < proc->vma_count && proc->vmas[proc->vma_next].end <= addr)
		proc->vma_next++;
	if (proc->vma_next == proc->vma_count)
		return -ENOENT;
	*vma = proc->vmas[proc->vma_next];
	return 0;
}

/* From a handle of its own: a pass of proc_next_vma() may be under way. */
static int list_code_text(const struct proc *proc, proc_vma_found found, void *ctx)
{
	struct proc own = {.dir_fd = proc->dir_fd};
	int rc = read_maps_text(&own);

	for (size_t i = 0; i < own.vma_count && !rc; i++)
		if (own.vmas[i].prot & PROT_EXEC)
			rc = found(ctx, &own.vmas[i]);
	free(own.vmas);
	return rc;
}

int proc_list_code(const struct proc *proc, proc_vma_found found, void *ctx)
{
	AUTO_FD int fd = open_below(proc, "maps");
	struct proc_vma vma = {0};
	uint64_t addr = 0;
	int rc = fd < 0 ? fd : 0;

	while (!rc && addr < EVENT_ADDRESS_LIMIT) {
		rc = query_vma(fd, addr, PROCMAP_QUERY_VMA_EXECUTABLE, &vma);
		if (rc)
			break;
		addr = vma.end;
		rc = found(ctx, &vma);
	}
	if (rc == -ENOTTY)
		return list_code_text(proc, found, ctx);
	return rc == -ENOENT && addr ? 0 : rc;
}

/* With PROCMAP_QUERY in one step; else by the text, of which there is no part to be had. */
static int find_code(const struct proc *proc, uint64_t addr, struct proc_vma *vma)
{
	AUTO_FD int fd = open_below(proc, "maps");
	struct proc own = {.dir_fd = proc->dir_fd};
	int rc = fd < 0 ? fd : query_vma(fd, addr, PROCMAP_QUERY_VMA_EXECUTABLE, vma);

	if (rc != -ENOTTY)
		return rc ? rc : vma->start <= addr ? 0 : -ENOENT;
	rc = read_maps_text(&own);
	if (!rc)
		rc = -ENOENT;
	for (size_t i = 0; i < own.vma_count && rc == -ENOENT; i++) {
		*vma = own.vmas[i];
		if (vma->start <= addr && addr < vma->end && vma->prot & PROT_EXEC)
			rc = 0;
	}
	free(own.vmas);
	return rc;
}

int proc_open_file(const struct proc *proc, uint64_t addr, uint32_t dev, uint64_t ino,
		   char path[EVENT_PATH_LEN])
{
	struct proc_vma vma = {0};
	char link[64], target[4096];
	ssize_t length;
	size_t skip;
	int rc = find_code(proc, addr, &vma), fd;

	if (rc)
		return rc;
	if (vma.dev != dev || vma.ino != ino)
		return -ENOENT;
	snprintf(link, sizeof(link), "map_files/%" PRIx64 "-%" PRIx64, vma.start, vma.end);
	length = readlinkat(proc->dir_fd, link, target, sizeof(target) - 1);
	if (length < 0)
		return -errno;
	target[length] = '\0';
	/* the end of a path says more than its beginning */
	skip = (size_t)length < EVENT_PATH_LEN ? 0 : (size_t)length - EVENT_PATH_LEN + 1;
	snprintf(path, EVENT_PATH_LEN, "%s", target + skip);
	/* it is what is mapped, whatever its path now means, and whoever may see that */
	fd = openat(proc->dir_fd, link, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	return fd < 0 ? -errno : fd;
}

/*
 * At most 512 regions a call: with longer vectors PAGEMAP_SCAN was seen to
 * report pages twice.
 */
static int scan_by_ioctl(const struct proc *proc, uint64_t start, uint64_t end,
			 struct event_run *runs, size_t max_runs, uint64_t *done)
{
	struct page_region regions[EVENT_RUNS_MAX];
	struct pm_scan_arg arg = {
		.size = sizeof(arg),
		.start = start,
		.end = end,
		.vec = (uint64_t)(uintptr_t)regions,
		.vec_len = max_runs < EVENT_RUNS_MAX ? max_runs : EVENT_RUNS_MAX,
		.max_pages = EVENT_RUNS_MAX,
		.category_inverted = PAGE_IS_FILE | PAGE_IS_PFNZERO,
		.category_mask = PAGE_IS_PRESENT | PAGE_IS_FILE | PAGE_IS_PFNZERO,
		.return_mask = PAGE_IS_PRESENT,
	};
	int count = ioctl(proc->pagemap_fd, PAGEMAP_SCAN, &arg);

	if (count < 0)
		return -errno;
	for (int i = 0; i < count; i++) {
		runs[i].start = regions[i].start;
		runs[i].pages = (regions[i].end - regions[i].start) >> PAGE_SHIFT;
	}
	*done = arg.walk_end > start ? arg.walk_end : end;
	return count;
}

/* The zero page's frame: a page of ours that was read, not written. Needs CAP_SYS_ADMIN. */
static uint64_t find_zero_pfn(void)
{
	AUTO_FD int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	uint64_t entry = 0;
	volatile char *page;

	if (fd < 0)
		return 0;
	page = mmap(NULL, PAGE_BYTES, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (page == MAP_FAILED)
		return 0;
	(void)page[0];
	if (pread(fd, &entry, sizeof(entry),
		  (off_t)((uintptr_t)page >> PAGE_SHIFT) * (off_t)sizeof(entry)) != sizeof(entry))
		entry = 0;
	munmap((void *)page, PAGE_BYTES);
	return entry & PAGEMAP_PFN_MASK;
}

static bool pagemap_is_anonymous(const struct proc *proc, uint64_t entry)
{
	if (!(entry & PAGEMAP_PRESENT) || entry & PAGEMAP_FILE)
		return false;
	if (proc->zero_pfn)
		return (entry & PAGEMAP_PFN_MASK) != proc->zero_pfn;
	return entry & PAGEMAP_EXCLUSIVE;
}

static int scan_by_read(struct proc *proc, uint64_t start, uint64_t end, struct event_run *runs,
			size_t max_runs, uint64_t *done)
{
	uint64_t entries[EVENT_RUNS_MAX];
	uint64_t pages = (end - start) >> PAGE_SHIFT;
	size_t count = 0;
	ssize_t got;

	if (!proc->zero_pfn)
		proc->zero_pfn = find_zero_pfn();
	if (pages > EVENT_RUNS_MAX)
		pages = EVENT_RUNS_MAX;
	got = pread(proc->pagemap_fd, entries, pages * sizeof(*entries),
		    (off_t)(start >> PAGE_SHIFT) * (off_t)sizeof(*entries));
	if (got < 0)
		return -errno;
	if (!got)
		return -ESRCH;
	pages = (uint64_t)got / sizeof(*entries);
	for (uint64_t i = 0; i < pages; i++) {
		uint64_t addr = start + (i << PAGE_SHIFT);

		if (!pagemap_is_anonymous(proc, entries[i]))
			continue;
		if (count && runs[count - 1].start + (runs[count - 1].pages << PAGE_SHIFT) == addr)
			runs[count - 1].pages++;
		else if (count < max_runs)
			runs[count++] = (struct event_run){.start = addr, .pages = 1};
		else
			pages = i; /* the rest is for the next step */
	}
	*done = start + (pages << PAGE_SHIFT);
	return (int)count;
}

int proc_scan_pages(struct proc *proc, uint64_t start, uint64_t end, struct event_run *runs,
		    size_t max_runs, uint64_t *done)
{
	int rc;

	if (!proc->no_page_scan) {
		rc = scan_by_ioctl(proc, start, end, runs, max_runs, done);
		if (rc != -ENOTTY)
			return rc;
		proc->no_page_scan = true;
	}
	return scan_by_read(proc, start, end, runs, max_runs, done);
}

struct lazy_vma {
	uint64_t start;
	uint64_t end;
	uint64_t anonymous; /* KiB */
	uint64_t dirty;	    /* KiB */
};

/*
 * LazyFree lags by per-CPU batches; what is anonymous and clean is right at
 * once, as without swap only MADV_FREE makes an anonymous page clean.
 */
static uint64_t lazy_bytes(const struct lazy_vma *vma)
{
	return vma->anonymous > vma->dirty ? (vma->anonymous - vma->dirty) << 10 : 0;
}

int proc_read_lazy(const struct proc *proc,
		   int (*found)(void *ctx, uint64_t start, uint64_t end, uint64_t bytes), void *ctx)
{
	AUTO_FD int fd = open_below(proc, "smaps");
	AUTO_FILE FILE *file = NULL;
	AUTO_FREE char *line = NULL;
	struct lazy_vma vma = {0};
	struct proc_vma header;
	size_t size = 0;
	uint64_t kib;
	int rc = 0;

	if (fd < 0)
		return fd;
	file = fdopen(fd, "re");
	if (!file)
		return -errno;
	(void)TAKE_FD(fd);
	while (!rc && getline(&line, &size, file) > 0) {
		if (!isupper((unsigned char)line[0])) {
			if (vma_parse(line, &header))
				continue;
			if (lazy_bytes(&vma))
				rc = found(ctx, vma.start, vma.end, lazy_bytes(&vma));
			vma = (struct lazy_vma){.start = header.start, .end = header.end};
			continue;
		}
		if (sscanf(line, "Private_Dirty: %" SCNu64, &kib) == 1 ||
		    sscanf(line, "Shared_Dirty: %" SCNu64, &kib) == 1)
			vma.dirty += kib;
		else if (sscanf(line, "Anonymous: %" SCNu64, &kib) == 1)
			vma.anonymous = kib;
	}
	if (!rc && lazy_bytes(&vma))
		rc = found(ctx, vma.start, vma.end, lazy_bytes(&vma));
	return rc;
}

enum event_allocator proc_static_allocator(const struct proc *proc)
{
	/* kept by stripped static builds, too: they are messages */
	static const struct {
		const char *text;
		enum event_allocator allocator;
	} marks[] = {
		{"<jemalloc>:", ALLOCATOR_JEMALLOC},
		{"mimalloc: ", ALLOCATOR_MIMALLOC},
		{"tcmalloc::", ALLOCATOR_TCMALLOC},
		{"Go buildinf:", ALLOCATOR_GO},
	};
	AUTO_FD int fd = openat(proc->dir_fd, "exe", O_RDONLY | O_CLOEXEC);
	enum event_allocator found = ALLOCATOR_UNKNOWN;
	struct stat st;
	size_t size;
	void *data;

	if (fd < 0 || fstat(fd, &st) || st.st_size <= 0)
		return ALLOCATOR_UNKNOWN;
	size = (size_t)(st.st_size < STATIC_SCAN_MAX ? st.st_size : STATIC_SCAN_MAX);
	data = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (data == MAP_FAILED)
		return ALLOCATOR_UNKNOWN;
	for (size_t i = 0; i < sizeof(marks) / sizeof(*marks) && !found; i++)
		if (memmem(data, size, marks[i].text, strlen(marks[i].text)))
			found = marks[i].allocator;
	munmap(data, size);
	return found;
}

/* The word in brackets: "always [madvise] never". */
static void read_choice(const char *path, char *choice, size_t size)
{
	AUTO_FILE FILE *file = fopen(path, "re");
	char text[128];
	char *open_bracket;

	choice[0] = '\0';
	if (!file || !fgets(text, sizeof(text), file))
		return;
	open_bracket = strchr(text, '[');
	if (open_bracket)
		snprintf(choice, size, "%.*s", (int)strcspn(open_bracket + 1, "]"),
			 open_bracket + 1);
}

uint32_t system_thp_flags(void)
{
	const char *top = "/sys/kernel/mm/transparent_hugepage";
	uint32_t flags = 0;
	char path[128], choice[32];

	snprintf(path, sizeof(path), "%s/enabled", top);
	read_choice(path, choice, sizeof(choice));
	if (!strcmp(choice, "always"))
		flags |= IDENTITY_THP_ALWAYS;
	if (!strcmp(choice, "never") || !choice[0])
		flags |= IDENTITY_THP_NEVER;
	for (unsigned int kib = 8; kib <= 2048; kib *= 2) {
		snprintf(path, sizeof(path), "%s/hugepages-%ukB/enabled", top, kib);
		read_choice(path, choice, sizeof(choice));
		if (!strcmp(choice, "always"))
			flags = (flags | IDENTITY_THP_ALWAYS) & ~(uint32_t)IDENTITY_THP_NEVER;
		if (!strcmp(choice, "madvise"))
			flags &= ~(uint32_t)IDENTITY_THP_NEVER;
		if (kib < 2048 && choice[0] && strcmp(choice, "never"))
			flags |= IDENTITY_THP_SIZES;
	}
	return flags;
}
