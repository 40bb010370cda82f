#include "handler/account.h"

#include <errno.h>
#include <string.h>

#include "handler/log.h"
#include "handler/stop.h"

void account_begin(struct account *account)
{
	account->start_ns = stop_now_ns();
	account->truth = (struct truth){.cache = account->cache->kind->name};
}

static int line_write(struct account *account)
{
	int err;

	if (!account->out)
		return 0;
	account->truth.size = cache_measure(account->cache);
	err = truth_write(account->out, &account->truth, account->allocator);
	if (err == -ENOMEM)
		log_error("out of memory for a line of truth: lower --burst or --invocations, or "
			  "raise the limit");
	else if (err)
		log_error("cannot write to %s: %s; give the truth a place that takes the lines",
			  account->name, strerror(-err));
	return err;
}

int account_add(struct account *account, const struct batch_result *result)
{
	struct truth *truth = &account->truth;

	truth->invocations++;
	truth->processed += result->processed_count;
	truth->errors += result->error_count;
	if (account->report && truth->invocations % account->report == 0)
		return line_write(account);
	return 0;
}

int account_end(struct account *account)
{
	account->truth.final = true;
	account->truth.elapsed_s = (double)(stop_now_ns() - account->start_ns) / 1e9;
	return line_write(account);
}
