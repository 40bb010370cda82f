// SPDX-License-Identifier: GPL-2.0-only
#include "user/view/folded.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/clean_text.h"
#include "user/base/cleanup.h"
#include "user/base/units.h"
#include "user/view/site_text.h"

int folded_write(FILE *file, const struct process *process, const struct export_context *context)
{
	char comm[EVENT_COMM_LEN + 1] = "", root[CLEAN_TEXT_MAX];

	(void)context;
	memcpy(comm, process->ledger->comm, EVENT_COMM_LEN);
	clean_item(comm[0] ? comm : "?", root);
	for (size_t i = 0; i < process->sites.count; i++) {
		const struct site *site = &process->sites.sites[i];
		AUTO_FREE char *frames = NULL;

		if (!site->retained)
			continue;
		frames = site_text_frames(process, site);
		if (!frames)
			return -ENOMEM;
		fprintf(file, "%s;%s %" PRIu64 "\n", root, frames, site->retained << PAGE_SHIFT);
	}
	return 0;
}
