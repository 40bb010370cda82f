#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "handler/driver/samples.h"

#include <errno.h>
#include <inttypes.h>
#include <unistd.h>

int samples_begin(FILE *out)
{
	if (fprintf(out, "invocations,elapsed_s,instance,pid,rss_bytes,anon_bytes,cgroup_bytes,"
			 "duration_ms\n") < 0)
		return errno ? -errno : -EIO;
	return 0;
}

int sample_write(FILE *out, const struct instance *instance, uint64_t invocations,
		 uint64_t elapsed_ns, uint64_t duration_ns)
{
	char path[64], memory[96] = ",,", group[32] = "";
	uint64_t pages, shared, bytes, page = (uint64_t)sysconf(_SC_PAGESIZE);
	FILE *statm = NULL;

	snprintf(path, sizeof(path), "/proc/%d/statm", instance->pid);
	if (instance->pid)
		statm = fopen(path, "re");
	/* Resident pages, and those of files and shared memory among them. */
	if (statm && fscanf(statm, "%*u %" SCNu64 " %" SCNu64, &pages, &shared) == 2)
		snprintf(memory, sizeof(memory), "%d,%" PRIu64 ",%" PRIu64, instance->pid,
			 pages * page, (pages - (shared < pages ? shared : pages)) * page);
	if (statm)
		fclose(statm);
	if (instance->pid && group_memory(&instance->group, &bytes) == 0)
		snprintf(group, sizeof(group), "%" PRIu64, bytes);
	errno = 0;
	if (fprintf(out, "%" PRIu64 ",%.6f,%" PRIu64 ",%s,%s,%.6f\n", invocations,
		    (double)elapsed_ns / 1e9, instance->number, memory, group,
		    (double)duration_ns / 1e6) < 0 ||
	    fflush(out) != 0)
		return errno ? -errno : -EIO;
	return 0;
}
