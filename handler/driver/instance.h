/* One instance of the function: its process, its control group and its end of the Runtime API. */
#ifndef HANDLER_DRIVER_INSTANCE_H
#define HANDLER_DRIVER_INSTANCE_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "handler/driver/group.h"
#include "handler/driver/options.h"
#include "handler/driver/server.h"

/* Bytes of a function's name, the NUL included: Lambda allows 64 characters. */
#define FUNCTION_NAME_SIZE 65

struct instance_setup {
	const struct driver_options *options;
	const struct groups *groups;
	char name[FUNCTION_NAME_SIZE]; /* what the function is called */
	sigset_t signals;	       /* the mask that it gets */
	int out;		       /* its stdout */
};

struct instance {
	pid_t pid; /* 0: there is none */
	int pidfd; /* readable when it has ended */
	uint64_t number;
	uint64_t started_ns;
	struct group group;
	struct server *server;
	bool killed; /* by the driver */
};

/* What became of an instance. */
struct instance_end {
	int status; /* as waitpid() gives it */
	bool oom;   /* the kernel killed it for want of memory */
};

/* The name of the function: the file's, with '_' for what a name may not have. */
void function_name(const char *path, char name[FUNCTION_NAME_SIZE]);

/* 0, or a negative errno after a line in the log, with nothing left of it. */
int instance_start(const struct instance_setup *setup, uint64_t number, struct instance *instance);

/* SIGKILL to all of it. */
void instance_kill(struct instance *instance);

/* Asks it to end: it is thawed, and gets SIGTERM. */
void instance_ask_end(struct instance *instance);

/* Of an instance that has ended: kills what it left behind and frees all. */
struct instance_end instance_finish(struct instance *instance);

/* "was killed by signal 9" or "ended with exit code 3", into text of size bytes. */
void instance_end_describe(const struct instance_end *end, char *text, size_t size);

#endif
