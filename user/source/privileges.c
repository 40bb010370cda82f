// SPDX-License-Identifier: GPL-2.0-only
#include "user/source/privileges.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include <linux/perf_event.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "user/base/cleanup.h"
#include "user/source/uapi.h"

#ifndef CAP_PERFMON /* since 5.8 */
#define CAP_PERFMON 38
#endif
#ifndef CAP_BPF /* since 5.8 */
#define CAP_BPF 39
#endif
#ifndef CAP_CHECKPOINT_RESTORE /* since 5.9 */
#define CAP_CHECKPOINT_RESTORE 40
#endif

static bool has_page_scan(void)
{
	AUTO_FD int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	struct pm_scan_arg nothing = {.size = sizeof(nothing)};

	return fd >= 0 && (!ioctl(fd, PAGEMAP_SCAN, &nothing) || errno != ENOTTY);
}

static bool has_capability(cap_t caps, cap_value_t capability)
{
	cap_flag_value_t value = CAP_CLEAR;

	return caps && !cap_get_flag(caps, capability, CAP_PERMITTED, &value) && value == CAP_SET;
}

/*
 * May we, as we are, put a uprobe on a file? One of no file is refused for that (EINVAL), but only
 * after it was not for our rights: kernel/events/core.c, perf_uprobe_event_init().
 */
static bool may_probe(void)
{
	struct perf_event_attr attr = {.size = sizeof(attr)};
	AUTO_FD int type = open("/sys/bus/event_source/devices/uprobe/type", O_RDONLY | O_CLOEXEC);
	AUTO_FD int fd = -1;
	char text[16] = "";

	if (type < 0 || read(type, text, sizeof(text) - 1) <= 0)
		return false;
	attr.type = (uint32_t)strtoul(text, NULL, 10);
	fd = (int)syscall(SYS_perf_event_open, &attr, -1, 0, -1, PERF_FLAG_FD_CLOEXEC);
	return fd >= 0 || (errno != EACCES && errno != EPERM);
}

/*
 * CAP_PERFMON did from 5.8 on, and does not since ba677dbe77af ("perf: Revert to requiring
 * CAP_SYS_ADMIN for uprobes"), which is in the stable kernels of July 2025, too. So it is tried,
 * not looked up by version.
 */
static cap_value_t probe_capability(cap_t had)
{
	const cap_value_t admin = CAP_SYS_ADMIN;
	cap_t less = cap_dup(had);
	bool enough;

	if (!less || cap_set_flag(less, CAP_EFFECTIVE, 1, &admin, CAP_CLEAR) || cap_set_proc(less))
		enough = false;
	else
		enough = has_capability(had, CAP_PERFMON) && may_probe();
	if (less)
		cap_free(less);
	return enough ? CAP_PERFMON : CAP_SYS_ADMIN;
}

int privileges_drop(bool keep_write, bool keep_kill, bool keep_probes)
{
	/* the latter two to read the files with code that others mapped */
	cap_value_t keep[8] = {CAP_SYS_PTRACE, CAP_BPF, CAP_CHECKPOINT_RESTORE,
			       CAP_DAC_READ_SEARCH};
	int count = 4, rc = 0;
	cap_t caps = cap_init(), had = cap_get_proc();

	/* whatever else fails: no program may give us more than we have */
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || !caps || !had)
		rc = -errno;
	if (keep_probes && had)
		keep[count++] = probe_capability(had);
	if (!has_page_scan())
		keep[count++] = CAP_SYS_ADMIN;
	if (keep_write)
		keep[count++] = CAP_DAC_OVERRIDE;
	if (keep_kill) /* the command may have become another user's */
		keep[count++] = CAP_KILL;
	/* a container may have been given less than all: the rest is kept, and the others go */
	for (int i = 0; i < count && !rc; i++) {
		if (!has_capability(had, keep[i]))
			continue;
		if (cap_set_flag(caps, CAP_PERMITTED, 1, &keep[i], CAP_SET) ||
		    cap_set_flag(caps, CAP_EFFECTIVE, 1, &keep[i], CAP_SET))
			rc = -errno;
	}
	if (!rc && cap_set_proc(caps))
		rc = -errno;
	if (caps)
		cap_free(caps);
	if (had)
		cap_free(had);
	return rc;
}
