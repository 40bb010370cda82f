/* The instance's memory over time, as CSV. */
#ifndef HANDLER_DRIVER_SAMPLES_H
#define HANDLER_DRIVER_SAMPLES_H

#include <stdint.h>
#include <stdio.h>

#include "handler/driver/instance.h"

/* The header of the samples. 0 or the negative errno of the write. */
int samples_begin(FILE *out);

/* One row about it now; instance->pid 0: the fields about its memory are empty. The same. */
int sample_write(FILE *out, const struct instance *instance, uint64_t invocations,
		 uint64_t elapsed_ns, uint64_t duration_ns);

#endif
