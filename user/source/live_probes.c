// SPDX-License-Identifier: GPL-2.0-only
/* Probes on files: which file it is, and the pair of probes of one --invocation. */
#include "user/source/live_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "user/base/cleanup.h"
#include "user/base/units.h"

static int64_t timestamp_ns(const struct statx_timestamp *time)
{
	return time->tv_sec * (int64_t)NSEC_PER_SEC + time->tv_nsec;
}

int code_file_read(int dir_fd, const char *path, struct code_file *file)
{
	struct statx st;

	if (statx(dir_fd, path, AT_EMPTY_PATH, STATX_INO | STATX_SIZE | STATX_MTIME | STATX_BTIME,
		  &st))
		return -errno;
	*file = (struct code_file){
		/* above may stand the number of an overlay's layer: ovl_map_dev_ino() */
		.ino = (uint32_t)st.stx_ino,
		.size = st.stx_size,
		.mtime_ns = timestamp_ns(&st.stx_mtime),
		.btime_ns = st.stx_mask & STATX_BTIME ? timestamp_ns(&st.stx_btime) : 0,
	};
	return 0;
}

int code_file_seen(const struct proc *proc, const char *path, struct code_file *file)
{
	/* its absolute symbolic links begin at its root, too */
	struct open_how how = {.flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_IN_ROOT};
	AUTO_FD int root = openat(proc->dir_fd, "root", O_PATH | O_DIRECTORY | O_CLOEXEC);
	AUTO_FD int fd = -1;

	if (root < 0)
		return -errno;
	fd = (int)syscall(SYS_openat2, root, path, &how, sizeof(how));
	return fd < 0 ? -errno : code_file_read(fd, "", file);
}

/* One of the two; NULL with errno. */
static struct bpf_link *probe_attach(const struct bpf_program *program,
				     const struct invocation_spec *spec, bool end, int fd,
				     uint64_t offset)
{
	LIBBPF_OPTS(bpf_uprobe_opts, options, .retprobe = end);
	char path[32];

	/* the file that was looked at, whatever its path means by now, and if it has none */
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (spec->kind == INVOCATION_SPEC_USDT)
		return bpf_program__attach_usdt(program, -1, path, spec->provider,
						end ? spec->end : spec->begin, NULL);
	return bpf_program__attach_uprobe_opts(program, -1, path, offset, &options);
}

/*
 * The end comes first and goes last. What begins in between has no beginning then, but an end: that
 * one is counted as unmatched, and over. The other way round it would have a beginning without an
 * end, and take to itself all that its thread touches from then on.
 */
int probe_pair_attach(const struct tidemark *skeleton, const struct invocation_spec *spec, int fd,
		      uint64_t offset, struct probe_pair *pair)
{
	bool usdt = spec->kind == INVOCATION_SPEC_USDT;
	struct probe_pair made = {.spec = spec, .offset = offset};
	int rc = code_file_read(fd, "", &made.file);

	if (rc)
		return rc;
	made.end = probe_attach(usdt ? skeleton->progs.invocation_usdt_end
				     : skeleton->progs.invocation_return,
				spec, true, fd, offset);
	if (!made.end)
		return -errno;
	made.begin = probe_attach(usdt ? skeleton->progs.invocation_usdt_begin
				       : skeleton->progs.invocation_enter,
				  spec, false, fd, offset);
	if (!made.begin) {
		rc = -errno;
		bpf_link__destroy(made.end);
		return rc;
	}
	*pair = made;
	return 0;
}

void probe_pair_detach(struct probe_pair *pair)
{
	bpf_link__destroy(pair->begin);
	bpf_link__destroy(pair->end);
	*pair = (struct probe_pair){0};
}
