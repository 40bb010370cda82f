#include "handler/json_line.h"

#include <errno.h>

#include "handler/cleanup.h"

int json_line_write(FILE *out, const json_t *line, size_t flags)
{
	CLEANUP_FREE char *text = line ? json_dumps(line, flags) : NULL;

	if (!text)
		return -ENOMEM;
	errno = 0;
	if (fprintf(out, "%s\n", text) < 0 || fflush(out) != 0)
		return errno ? -errno : -EIO;
	return 0;
}
