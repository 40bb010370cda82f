/* What the files of a run share. */
#ifndef HANDLER_DRIVER_RUN_INTERNAL_H
#define HANDLER_DRIVER_RUN_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "handler/driver/group.h"
#include "handler/driver/instance.h"
#include "handler/driver/run.h"

#define NS_PER_MS UINT64_C(1000000)
#define NS_PER_S UINT64_C(1000000000)

enum phase {
	PHASE_NONE,	/* there is no instance */
	PHASE_INIT,	/* it has not asked for an event yet */
	PHASE_WAITING,	/* it waits for its next event */
	PHASE_BUSY,	/* it has one */
	PHASE_ANSWERED, /* it has answered and not asked for the next one yet */
};

struct run {
	const struct driver_options *options;
	const struct run_outputs *outputs;
	struct figures *figures;
	struct instance_setup setup;
	struct groups groups;
	struct instance instance;
	enum phase phase;
	uint64_t phase_end_ns; /* when the phase has taken too long; UINT64_MAX: never */
	uint64_t start_ns, last_end_ns;
	uint64_t usable;	  /* orders in the event under way */
	uint64_t instance_usable; /* orders sent to this instance */
	uint64_t instance_served; /* events */
	unsigned int barren;	  /* instances in a row that served nothing */
	unsigned int told;	  /* lines logged of answers and instances */
	bool stopping;		  /* a signal came */
	int error;		  /* ends the run */
};

/* Logs the first few of what may come thousands of times. */
#define run_tell(run, format, ...)                                                                 \
	do {                                                                                       \
		if (run_may_tell(run))                                                             \
			log_error(format, ##__VA_ARGS__);                                          \
	} while (0)

/* Whether there is a line left; says once when there is none. */
bool run_may_tell(struct run *run);

/* Makes the next event and hands it to the instance, which waits for it. */
int invocation_begin(struct run *run);

/* Takes the answer, if there is one, into account. Whether there was one. */
bool invocation_answer(struct run *run);

/* The invocation under way has ended without an answer. */
void invocation_lost(struct run *run, uint64_t *figure);

#endif
