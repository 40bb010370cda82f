#include "handler/lambda.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "handler/invocation.h"
#include "handler/log.h"
#include "handler/stop.h"

struct lambda {
	struct runtime_api *api;
	struct emf *emf;
	struct account *account;
	struct runtime_event event; /* under way */
};

/* The runtime API has been told, or cannot be: either way the next event can come. */
static int fail(struct lambda *lambda, const char *type, const char *why)
{
	int err;

	log_error("request %s failed: %s", lambda->event.request_id, why);
	err = runtime_api_fail(lambda->api, &lambda->event, type, why);
	return err == -EBADMSG ? 0 : err;
}

static int event_answer(void *context, const char *response, const char *why)
{
	struct lambda *lambda = context;
	int err;

	if (!response)
		return fail(lambda, "Function.UnusableEvent", why);
	err = runtime_api_respond(lambda->api, &lambda->event, response, strlen(response));
	if (err != -EBADMSG)
		return err;
	err = fail(lambda, "Function.ResponseRefused", "the response was refused");
	return err ? err : -EBADMSG;
}

static int event_handle(struct lambda *lambda)
{
	const struct function function = {.cache = lambda->account->cache,
					  .emf = lambda->emf,
					  .answer = event_answer,
					  .context = lambda};
	const struct invocation invocation = {.request_id = lambda->event.request_id,
					      .event = lambda->event.body,
					      .length = lambda->event.length};
	struct outcome outcome;
	int err = invocation_run(&function, &invocation, &outcome);

	if (err == -ENOMEM)
		fail(lambda, "Runtime.OutOfMemory",
		     "out of memory: use --cache lru or give the function more");
	return err ? err : account_add(lambda->account, &outcome.result);
}

/* An event that did not arrive as a whole is no invocation, but its sender is waiting. */
static int event_next(struct lambda *lambda, bool *arrived)
{
	int err = runtime_api_next(lambda->api, &lambda->event);

	*arrived = err == 0;
	if (err == -EMSGSIZE)
		return fail(lambda, "Function.EventTooLarge", "the event is over 6 MiB");
	if (err == -EBADMSG)
		return fail(lambda, "Runtime.EventBrokeOff", "the event did not arrive to its end");
	return err;
}

int lambda_run(struct runtime_api *api, uint64_t limit, struct emf *emf, struct account *account)
{
	struct lambda lambda = {.api = api, .emf = emf, .account = account};
	int err = 0;

	account_begin(account);
	while (!err && !stop_requested() && (!limit || account->truth.invocations < limit)) {
		bool arrived = false;

		err = event_next(&lambda, &arrived);
		if (arrived)
			err = event_handle(&lambda);
	}
	if (err && err != -ECANCELED)
		return err;
	return account_end(account);
}
