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
#ifndef CAP_CHECKPOINT_RESTORE /* since 5.9 */
#define CAP_CHECKPOINT_RESTORE 40
#endif

static bool has_page_scan(void)
{
	AUTO_FD int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	struct pm_scan_arg nothing = {.size = sizeof(nothing)};

	return fd >= 0 && (!ioctl(fd, PAGEMAP_SCAN, &nothing) || errno != ENOTTY);
}

int privileges_drop(bool keep_write, bool keep_kill)
{
	/* the latter two to read the files with code that others mapped */
	cap_value_t keep[7] = {CAP_SYS_PTRACE, CAP_BPF, CAP_CHECKPOINT_RESTORE,
			       CAP_DAC_READ_SEARCH};
	int count = 4, rc = 0;
	cap_t caps = cap_init(), had = cap_get_proc();

	/* whatever else fails: no program may give us more than we have */
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || !caps || !had)
		rc = -errno;
	if (!has_page_scan())
		keep[count++] = CAP_SYS_ADMIN;
	if (keep_write)
		keep[count++] = CAP_DAC_OVERRIDE;
	if (keep_kill) /* the command may have become another user's */
		keep[count++] = CAP_KILL;
	/* a container may have been given less than all: the rest is kept, and the others go */
	for (int i = 0; i < count && !rc; i++) {
		cap_flag_value_t value = CAP_CLEAR;

		if (cap_get_flag(had, keep[i], CAP_PERMITTED, &value) || value != CAP_SET)
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
