/* One line on stderr per failure, written where the cause is known. */
#ifndef HANDLER_LOG_H
#define HANDLER_LOG_H

#include <errno.h>
#include <stdio.h>

#define log_error(format, ...)                                                                     \
	fprintf(stderr, "%s: " format "\n", program_invocation_short_name, ##__VA_ARGS__)

#endif
