#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "handler/emf.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "handler/cleanup.h"
#include "handler/json_line.h"
#include "handler/log.h"
#include "handler/option_values.h"

/* Lambda's own limit for a name, with its account and version. */
#define FUNCTION_NAME_LIMIT 140
#define FUNCTION_NAME_DEFAULT "order-handler"
/* Seven numbers of at most 20 digits. */
#define STATM_SIZE 160

const char *emf_function_name(const char *name)
{
	static const char allowed[] = "0123456789-_:$"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "abcdefghijklmnopqrstuvwxyz";
	size_t length = name ? strnlen(name, FUNCTION_NAME_LIMIT + 1) : 0;

	if (length > 0 && length <= FUNCTION_NAME_LIMIT && strspn(name, allowed) == length)
		return name;
	return FUNCTION_NAME_DEFAULT;
}

int emf_open(struct emf *emf)
{
	int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	emf->statm = fd;
	return 0;
}

void emf_close(struct emf *emf)
{
	close(emf->statm);
	emf->statm = -1;
}

static int resident_read(const struct emf *emf, uint64_t *bytes)
{
	char text[STATM_SIZE];
	ssize_t length = pread(emf->statm, text, sizeof(text) - 1, 0);
	const char *end = "";
	uint64_t pages;

	if (length < 0)
		return -errno;
	text[length] = '\0';
	/* The second number; the first is the address space. */
	if (number_scan(text, &end, &pages) || *end != ' ' || number_scan(end + 1, &end, &pages))
		return -EIO;
	*bytes = pages * (uint64_t)sysconf(_SC_PAGESIZE);
	return 0;
}

/* Milliseconds since 1970, as the format wants it. */
static json_int_t timestamp_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (json_int_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* What is a metric of what unit, and by which members they are told apart. */
static json_t *directive_make(void)
{
	return json_pack("{ss s[[sss]] s[{ssss}{ssss}{ssss}]}", "Namespace", "OrderHandler",
			 "Dimensions", "FunctionName", "Allocator", "Cache", "Metrics", "Name",
			 "CacheUtilization", "Unit", "Percent", "Name", "CacheEntries", "Unit",
			 "Count", "Name", "ResidentSetSize", "Unit", "Bytes");
}

/* NULL: out of memory. */
static json_t *line_make(const struct emf *emf, const char *request_id, uint64_t entries,
			 uint64_t resident)
{
	return json_pack("{s{sIs[o]} ss ss ss ss sf sI sI}", "_aws", "Timestamp", timestamp_now(),
			 "CloudWatchMetrics", directive_make(), "FunctionName", emf->function,
			 "Allocator", emf->allocator, "Cache", emf->cache, "requestId", request_id,
			 "CacheUtilization", 100.0 * (double)entries / (double)emf->capacity,
			 "CacheEntries", (json_int_t)entries, "ResidentSetSize",
			 (json_int_t)resident);
}

int emf_write(struct emf *emf, const char *request_id, uint64_t entries)
{
	CLEANUP_JSON json_t *line = NULL;
	uint64_t resident = 0;
	int err = resident_read(emf, &resident);

	if (!err) {
		line = line_make(emf, request_id, entries, resident);
		err = json_line_write(emf->out, line, JSON_COMPACT | JSON_REAL_PRECISION(9));
	}
	if (err && err != -ENOMEM && !atomic_exchange(&emf->broken, true))
		log_error("cannot write a line of metrics to stdout: %s; give it a place that "
			  "takes the lines",
			  strerror(-err));
	return err;
}
