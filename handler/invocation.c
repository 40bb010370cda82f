#include "handler/invocation.h"

#include <errno.h>

/* Arguments in registers: not every reader of probes knows all forms of an operand in memory. */
#define STAP_SDT_ARG_CONSTRAINT nr
#include <sys/sdt.h>

#include "handler/cleanup.h"

static int event_answer(const struct function *function, const struct batch_result *result)
{
	CLEANUP_FREE char *response = NULL;
	int err = 0;

	if (!result->event_unusable)
		err = batch_respond(result, &response);
	if (err || !function->answer)
		return err;
	return function->answer(function->context, response, result->error_msg);
}

static int event_handle(const struct function *function, const struct invocation *invocation,
			struct outcome *outcome)
{
	struct batch_result result;
	bool refused = false;
	int err = batch_handle(function->cache, invocation->event, invocation->length, &result);

	if (!err && function->emf)
		err = emf_write(function->emf, invocation->request_id, result.cache_size);
	if (!err) {
		err = event_answer(function, &result);
		refused = err == -EBADMSG;
	}
	if (err && !refused)
		return err;

	outcome->result = result;
	outcome->failed = refused || result.event_unusable;
	return 0;
}

int invocation_run(const struct function *function, const struct invocation *invocation,
		   struct outcome *outcome)
{
	int err, failed;

	DTRACE_PROBE1(order_handler, invocation_start, invocation->request_id);
	err = event_handle(function, invocation, outcome);
	failed = err || outcome->failed;
	DTRACE_PROBE2(order_handler, invocation_end, invocation->request_id, failed);
	return err;
}
