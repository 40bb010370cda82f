/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the benchmarks that run whole programs share: starting them, reading their lines, and what
 * the kernel says they cost. A benchmark that cannot run says why and exits with 1.
 */
#ifndef TESTS_BENCH_BENCH_H
#define TESTS_BENCH_BENCH_H

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { BENCH_NOTES_MAX = 16384, BENCH_SAMPLES_MAX = 256 };

__attribute__((format(printf, 1, 2), noreturn)) static inline void bench_die(const char *fmt, ...)
{
	va_list args;

	fflush(stdout);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fputc('\n', stderr);
	exit(1);
}

static inline double bench_seconds(clockid_t clock)
{
	struct timespec now;

	if (clock_gettime(clock, &now))
		return -1; /* of a process: it is gone */
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static inline double bench_now(void)
{
	return bench_seconds(CLOCK_MONOTONIC);
}

static inline void bench_sleep(double seconds)
{
	struct timespec time = {.tv_sec = (time_t)seconds};

	time.tv_nsec = (long)((seconds - (double)time.tv_sec) * 1e9);
	while (nanosleep(&time, &time) && errno == EINTR)
		;
}

/* User and system time of all threads of a process, living or waited for; -1: it is gone. */
static inline double bench_cpu(pid_t pid)
{
	clockid_t clock;

	return clock_getcpuclockid(pid, &clock) ? -1 : bench_seconds(clock);
}

/* A "Name:   123 kB" line of /proc/PID/status or /proc/meminfo, in MiB; 0: not there. */
static inline double bench_proc_mib(const char *path, const char *name)
{
	FILE *file = fopen(path, "r");
	unsigned long kib = 0;
	char line[256];

	while (file && fgets(line, sizeof(line), file))
		if (!strncmp(line, name, strlen(name)) &&
		    sscanf(line + strlen(name), ": %lu", &kib) == 1)
			break;
	if (file)
		fclose(file);
	return (double)kib / 1024;
}

static inline double bench_peak_mib(pid_t pid)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	return bench_proc_mib(path, "VmHWM");
}

static inline void bench_machine(void)
{
	double load[3] = {0};
	struct utsname name;

	uname(&name);
	if (getloadavg(load, 3) < 1)
		load[0] = -1;
	printf("machine: Linux %s %s, %ld processors, %.0f MiB available, load %.2f\n",
	       name.release, name.machine, sysconf(_SC_NPROCESSORS_ONLN),
	       bench_proc_mib("/proc/meminfo", "MemAvailable"), load[0]);
}

/* ---- numbers ---- */

struct samples {
	double value[BENCH_SAMPLES_MAX];
	size_t count;
};

static inline void samples_add(struct samples *samples, double value)
{
	if (samples->count < BENCH_SAMPLES_MAX)
		samples->value[samples->count++] = value;
}

static inline int double_compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* share 0: the least, 0.5: the median, 1: the greatest. */
static inline double samples_at(const struct samples *samples, double share)
{
	struct samples sorted = *samples;
	double at = share * (double)(sorted.count ? sorted.count - 1 : 0);
	size_t below = (size_t)at;

	if (!sorted.count)
		return 0;
	qsort(sorted.value, sorted.count, sizeof(double), double_compare);
	if (below + 1 >= sorted.count)
		return sorted.value[sorted.count - 1];
	return sorted.value[below] +
	       (at - (double)below) * (sorted.value[below + 1] - sorted.value[below]);
}

static inline double samples_median(const struct samples *samples)
{
	return samples_at(samples, 0.5);
}

/* ---- programs ---- */

/* A child whose standard output and error arrive here; what it said is kept. */
struct program {
	pid_t pid;
	int in;	 /* its standard input; -1: closed */
	int out; /* -1: it has ended, or closed its output */
	size_t used;
	char text[BENCH_NOTES_MAX]; /* the newest of it, terminated */
	struct rusage usage;	    /* once waited for */
};

/*
 * Starts argv. With gate not NULL it waits, before it becomes that program, for program_go: a
 * watcher can attach to it, so that attaching is no part of what is measured.
 */
static inline void program_start(struct program *program, char *const argv[], int *gate)
{
	int in[2], out[2], open_gate[2] = {-1, -1};
	char byte;

	memset(program, 0, sizeof(*program));
	if (pipe2(in, O_CLOEXEC) || pipe2(out, O_CLOEXEC) || (gate && pipe2(open_gate, O_CLOEXEC)))
		bench_die("pipe: %s", strerror(errno));
	fflush(stdout);
	program->pid = fork();
	if (program->pid < 0)
		bench_die("fork: %s", strerror(errno));
	if (!program->pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
		dup2(in[0], STDIN_FILENO);
		dup2(out[1], STDOUT_FILENO);
		dup2(out[1], STDERR_FILENO);
		if (gate) {
			close(open_gate[1]);
			if (read(open_gate[0], &byte, 1) != 1)
				_exit(127);
		}
		execv(argv[0], argv);
		dprintf(STDERR_FILENO, "%s: %s\n", argv[0], strerror(errno));
		_exit(127);
	}
	close(in[0]);
	close(out[1]);
	program->in = in[1];
	program->out = out[0];
	if (gate) {
		close(open_gate[0]);
		*gate = open_gate[1];
	}
}

static inline void program_go(int gate)
{
	if (write(gate, "g", 1) != 1)
		bench_die("a program ended before it began");
	close(gate);
}

static inline void program_tell(struct program *program, const char *line)
{
	if (write(program->in, line, strlen(line)) < 0)
		bench_die("process %d does not listen: %s", program->pid, strerror(errno));
}

/* Takes what there is, waiting at most that long; false: nothing more will come. */
static inline bool program_read(struct program *program, int wait_ms)
{
	struct pollfd fd = {.fd = program->out, .events = POLLIN};
	size_t half = sizeof(program->text) / 2;
	ssize_t got;

	if (program->out < 0)
		return false;
	if (poll(&fd, 1, wait_ms) <= 0)
		return true;
	if (program->used > half) {
		memmove(program->text, program->text + program->used - half, half);
		program->used = half;
	}
	got = read(program->out, program->text + program->used,
		   sizeof(program->text) - 1 - program->used);
	if (got > 0) {
		program->used += (size_t)got;
		program->text[program->used] = '\0';
		return true;
	}
	close(program->out);
	program->out = -1;
	return false;
}

/* Waits until the program says the words; other is kept from blocking on its own output. */
static inline void program_await(struct program *program, const char *words, double seconds,
				 struct program *other)
{
	double until = bench_now() + seconds;

	while (!strstr(program->text, words)) {
		if (other)
			program_read(other, 0);
		if (!program_read(program, 20))
			bench_die("process %d ended without '%s':\n%s", program->pid, words,
				  program->text);
		if (bench_now() > until)
			bench_die("process %d did not say '%s' within %.0f s:\n%s", program->pid,
				  words, seconds, program->text);
	}
}

/* Until it ends; it is not yet waited for, so that its figures can still be read. */
static inline void program_drain(struct program *program, double seconds, struct program *other)
{
	double until = bench_now() + seconds;

	while (program_read(program, 20)) {
		if (other)
			program_read(other, 0);
		if (bench_now() > until)
			bench_die("process %d did not end within %.0f s", program->pid, seconds);
	}
}

/* Reaps it. Returns its exit status, or 128 and the signal. */
static inline int program_end(struct program *program)
{
	int status;

	if (program->in >= 0)
		close(program->in);
	if (program->out >= 0)
		close(program->out);
	program->in = program->out = -1;
	if (wait4(program->pid, &status, 0, &program->usage) != program->pid)
		bench_die("wait4: %s", strerror(errno));
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static inline double program_cpu(const struct program *program)
{
	const struct rusage *usage = &program->usage;

	return (double)(usage->ru_utime.tv_sec + usage->ru_stime.tv_sec) +
	       (double)(usage->ru_utime.tv_usec + usage->ru_stime.tv_usec) / 1e6;
}

/* ---- the collector beside it ---- */

/* From the summary's last line: "  evidence  0 unexplained, 12 events, 0 lost, 0 pages repaired".
 */
struct evidence {
	char unexplained[32];
	unsigned long long events;
	unsigned long long lost;
	unsigned long long repaired;
};

static inline void evidence_read(const struct program *watcher, struct evidence *evidence)
{
	const char *line = strstr(watcher->text, "  evidence ");

	if (!line || sscanf(line, "  evidence %31s unexplained, %llu events, %llu lost, %llu pages",
			    evidence->unexplained, &evidence->events, &evidence->lost,
			    &evidence->repaired) != 4)
		bench_die("tidemark said no evidence:\n%s", watcher->text);
}

/* An option's whole number in a range. */
static inline unsigned long bench_number(const char *name, const char *text, unsigned long min,
					 unsigned long max)
{
	char *end;
	unsigned long number = strtoul(text, &end, 10);

	if (!*text || *end || *text == '-' || number < min || number > max)
		bench_die("%s: give a whole number from %lu to %lu", name, min, max);
	return number;
}

#endif /* TESTS_BENCH_BENCH_H */
