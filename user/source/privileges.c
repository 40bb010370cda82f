// SPDX-License-Identifier: GPL-2.0-only
#include "user/source/privileges.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>

#include <sys/capability.h>
#include <sys/prctl.h>

#include "user/base/cleanup.h"
#include "user/source/uapi.h"

#ifndef CAP_BPF /* since 5.8 */
#define CAP_BPF 39
#endif

static bool has_page_scan(void)
{
	AUTO_FD int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	struct pm_scan_arg nothing = {.size = sizeof(nothing)};

	return fd >= 0 && (!ioctl(fd, PAGEMAP_SCAN, &nothing) || errno != ENOTTY);
}

int privileges_drop(bool keep_write, bool keep_kill)
{
	cap_value_t keep[5] = {CAP_SYS_PTRACE, CAP_BPF};
	int count = 2, rc = 0;
	cap_t caps = cap_init();

	if (!caps)
		return -errno;
	if (!has_page_scan())
		keep[count++] = CAP_SYS_ADMIN;
	if (keep_write)
		keep[count++] = CAP_DAC_OVERRIDE;
	if (keep_kill) /* the command may have become another user's */
		keep[count++] = CAP_KILL;
	if (cap_set_flag(caps, CAP_PERMITTED, count, keep, CAP_SET) ||
	    cap_set_flag(caps, CAP_EFFECTIVE, count, keep, CAP_SET) || cap_set_proc(caps))
		rc = -errno;
	cap_free(caps);
	if (!rc && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		rc = -errno;
	return rc;
}
