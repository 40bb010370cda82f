/* The function on AWS Lambda: events from the Runtime API, one after the other, on one thread. */
#ifndef HANDLER_LAMBDA_H
#define HANDLER_LAMBDA_H

#include <stdint.h>

#include "handler/account.h"
#include "handler/emf.h"
#include "handler/runtime_api.h"

/*
 * Handles events until there were limit of them (0: no limit) or a stop is requested, and writes
 * the lines of truth. 0, or the negative errno of the failure that ended it, which has been logged.
 */
int lambda_run(struct runtime_api *api, uint64_t limit, struct emf *emf, struct account *account);

#endif
