/* The handler as a Lambda function: a Runtime API that misbehaves, start-up failures, signals. */
#include "tests/handler/fake_api.h"

#include <sys/stat.h>

#define EVENT "{\"Records\":[]}"
#define GOOD_ID "Lambda-Runtime-Aws-Request-Id: good\r\n"
#define ATTEMPTS 5

static struct fake_api api;
static struct child child;

static void give(const char *id)
{
	fake_give(&api, id, EVENT, strlen(EVENT));
}

static void start(const char *line)
{
	fake_open(&api);
	child_start(&child, api.address, line);
}

/* The handler waits for its next event, and is ended. */
static void leave(void)
{
	fake_expect(&api, "GET", "invocation/next");
	kill(child.pid, SIGTERM);
	assert_int_equal(child_finish(&child), 0);
}

/* A good event in between: what was wrong before is forgiven. */
static void play(void)
{
	give("good");
	fake_take(&api, "good", "response");
}

static void test_events_without_an_id(void **state)
{
	static const char *const headers[] = {
		"",
		"Lambda-Runtime-Aws-Request-Id:\r\n",
		"Lambda-Runtime-Aws-Request-Id: ../../init/error?\r\n",
		GOOD_ID GOOD_ID,
		"Lambda-Runtime-Aws-Request-Id: a%2fb\r\n",
		"Lambda-Runtime-Aws-Request-Id: 0123456789012345678901234567890123456789"
		"0123456789012345678901234\r\n",
	};

	(void)state;
	start("");
	for (size_t i = 0; i < ARRAY_SIZE(headers); i++) {
		if (i == ATTEMPTS - 1)
			play();
		fake_expect(&api, "GET", "invocation/next");
		fake_answer(&api, 200, headers[i], EVENT, strlen(EVENT));
	}
	play();
	for (int i = 0; i < ATTEMPTS; i++) {
		fake_expect(&api, "GET", "invocation/next");
		fake_answer(&api, 200, "", EVENT, strlen(EVENT));
	}
	child_expect(&child, 1, "without a request id");
}

static void test_next_fails(void **state)
{
	(void)state;
	start("");
	for (int i = 0; i < ATTEMPTS - 1; i++) {
		fake_expect(&api, "GET", "invocation/next");
		fake_answer(&api, 500 + i, GOOD_ID, EVENT, strlen(EVENT));
	}
	play();
	for (int i = 0; i < ATTEMPTS; i++) {
		fake_expect(&api, "GET", "invocation/next");
		fake_answer(&api, 503, "", "", 0);
	}
	child_expect(&child, 1, "5 times in a row " RUNTIME "invocation/next failed");
}

static void test_next_is_refused(void **state)
{
	(void)state;
	start("");
	fake_expect(&api, "GET", "invocation/next");
	fake_answer(&api, 403, GOOD_ID, EVENT, strlen(EVENT));
	child_expect(&child, 1, "with status 403");
	child_start(&child, api.address, "");
	fake_hang_up(&api);
	fake_expect(&api, "GET", "invocation/next");
	fake_answer(&api, 302, "Location: http://127.0.0.1:1/\r\n", "", 0);
	child_expect(&child, 1, "with status 302");
}

static void test_nobody_there(void **state)
{
	(void)state;
	fake_open(&api);
	close(api.listener);
	api.listener = -1;
	child_start(&child, api.address, "");
	child_expect(&child, 1, "AWS_LAMBDA_RUNTIME_API");
}

static void test_lost_connections(void **state)
{
	static const char cut[] = "HTTP/1.1 200 OK\r\n" GOOD_ID "Content-Length: 500\r\n\r\n{\"Rec";
	static const char nonsense[] = "SSH-2.0-OpenSSH_9.2\r\n\r\n";

	(void)state;
	start("");
	fake_expect(&api, "GET", "invocation/next");
	fake_hang_up(&api);
	fake_expect(&api, "GET", "invocation/next");
	fake_send(&api, nonsense, strlen(nonsense));
	fake_hang_up(&api);
	/* An event with an id is owed an answer. */
	fake_expect(&api, "GET", "invocation/next");
	fake_send(&api, cut, strlen(cut));
	fake_hang_up(&api);
	fake_take(&api, "good", "error");
	assert_non_null(strstr(api.body, "Runtime.EventBrokeOff"));
	/* Without a connection afterwards the response is sent again. */
	give("good");
	fake_expect(&api, "POST", "invocation/good/response");
	fake_hang_up(&api);
	fake_take(&api, "good", "response");
	leave();
}

static void test_event_in_chunks(void **state)
{
	static const char head[] =
		"HTTP/1.1 200 OK\r\n" GOOD_ID "Transfer-Encoding: chunked\r\n\r\n";
	static const char chunks[] = "5\r\n{\"Rec\r\n9\r\nords\":[]}\r\n0\r\n\r\n";

	(void)state;
	start("");
	fake_expect(&api, "GET", "invocation/next");
	fake_send(&api, head, strlen(head));
	fake_send(&api, chunks, strlen(chunks));
	fake_take(&api, "good", "response");
	assert_non_null(strstr(api.body, "\"success\":true"));
	leave();
}

/* Lines without an end are not taken, at the head and behind the chunks, where curl keeps them. */
static void test_endless_lines(void **state)
{
	static const char head[] =
		"HTTP/1.1 200 OK\r\n" GOOD_ID "Transfer-Encoding: chunked\r\n\r\n"
		"e\r\n" EVENT "\r\n0\r\n";
	static char lines[1 << 20];

	(void)state;
	for (size_t i = 0; i < sizeof(lines); i++)
		lines[i] = "X-Line: 0123456789abcdef\r\n"[i % 26];
	start("");
	fake_expect(&api, "GET", "invocation/next");
	fake_send(&api, head, strlen(head));
	fake_send(&api, lines, sizeof(lines) / 26 * 26);
	fake_send(&api, "\r\n", 2);
	fake_take(&api, "good", "error");
	assert_non_null(strstr(api.body, "Runtime.EventBrokeOff"));
	for (int i = 0; i < ATTEMPTS; i++) {
		fake_expect(&api, "GET", "invocation/next");
		fake_send(&api, head, strlen("HTTP/1.1 200 OK\r\n"));
		fake_send(&api, lines, sizeof(lines) / 26 * 26);
		fake_hang_up(&api);
	}
	assert_int_equal(child_finish(&child), 1);
	assert_non_null(strstr(child.err_text, "its header lines have no end"));
}

static void test_response_is_refused(void **state)
{
	(void)state;
	start("");
	give("good");
	fake_expect(&api, "POST", "invocation/good/response");
	fake_answer(&api, 413, "", "", 0);
	fake_take(&api, "good", "error");
	assert_non_null(strstr(api.body, "Function.ResponseRefused"));
	/* Nor is the error wanted: that is all one can do. */
	give("good");
	fake_expect(&api, "POST", "invocation/good/response");
	fake_answer(&api, 400, "", "", 0);
	fake_expect(&api, "POST", "invocation/good/error");
	fake_answer(&api, 400, "", "", 0);
	play();
	give("good");
	for (int i = 0; i < ATTEMPTS; i++) {
		fake_expect(&api, "POST", "invocation/good/response");
		fake_answer(&api, 500, "", "", 0);
	}
	assert_int_equal(child_finish(&child), 1);
	assert_non_null(strstr(child.err_text, "refused " RUNTIME "invocation/good/error with "
					       "status 400\n"));
	assert_non_null(strstr(child.err_text, "it answered with an error of its own"));
}

/* What hangs is given up at the deadline, which here is long over: a second each. */
static void test_hanging_api(void **state)
{
	(void)state;
	start("");
	fake_expect(&api, "GET", "invocation/next");
	fake_answer(&api, 200, GOOD_ID "Lambda-Runtime-Deadline-Ms: 1\r\n", EVENT, strlen(EVENT));
	for (int i = 0; i < ATTEMPTS; i++)
		fake_expect(&api, "POST", "invocation/good/response");
	child_expect(&child, 1, "Timeout was reached");
}

static void test_stop_within_an_invocation(void **state)
{
	(void)state;
	start("--truth /dev/stdout");
	give("good");
	fake_expect(&api, "POST", "invocation/good/response");
	kill(child.pid, SIGTERM);
	fake_answer(&api, 202, "", "", 0);
	/* No call of next after it: the child would wait for its answer, and not end. */
	child_expect(&child, 0, NULL);
	assert_non_null(strstr(child.out_text, "\"final\": true"));
	assert_non_null(strstr(child.out_text, "{\"invocations\": 1,"));
}

/* The deadline is far, but whoever stops the function does not wait for it. */
static void test_stop_while_the_api_hangs(void **state)
{
	(void)state;
	start("");
	give("good");
	fake_expect(&api, "POST", "invocation/good/response");
	kill(child.pid, SIGTERM);
	child_expect(&child, 1, "did not take " RUNTIME "invocation/good/response");
}

/* The event has begun to arrive: its rest is waited for, but not for ever. */
static void test_stop_within_an_event(void **state)
{
	static const char head[] =
		"HTTP/1.1 200 OK\r\n" GOOD_ID "Content-Length: 500\r\n\r\n{\"Rec";

	(void)state;
	start("");
	fake_expect(&api, "GET", "invocation/next");
	fake_send(&api, head, strlen(head));
	kill(child.pid, SIGTERM);
	child_expect(&child, 0, NULL);
	/* Nobody is there, and the pauses end, too. */
	child_start(&child, "127.0.0.1:1", "");
	kill(child.pid, SIGTERM);
	assert_in_range(child_finish(&child) + SIGTERM, 0, SIGTERM);
}

static void test_limit(void **state)
{
	(void)state;
	start("--invocations 2 --idle 0");
	play();
	play();
	child_expect(&child, 0, NULL);
}

/* Start-up failures are told; whatever the answer is, the program ends. */
static void start_refuse(const char *options, int status, int answer, const char *type,
			 const char *text)
{
	start(options);
	fake_expect(&api, "POST", "init/error");
	fake_answer(&api, answer, "", "", 0);
	assert_int_equal(child_finish(&child), status);
	assert_non_null(call_header(&api, "\r\nLambda-Runtime-Function-Error-Type: Runtime."));
	assert_non_null(strstr(api.body, type));
	assert_non_null(strstr(api.body, "\"stackTrace\":[]"));
	if (!strstr(child.err_text, text))
		fail_msg("'%s' is not in: %s", text, child.err_text);
	assert_string_equal(child.out_text, "");
	fake_close(&api);
}

static void test_start_fails(void **state)
{
	(void)state;
	start_refuse("--truth /nonexistent/truth", 1, 202, "Runtime.StartFailed", "--truth");
	start_refuse("--truth /nonexistent/truth", 1, 403, "No such file", "status 403");
	start_refuse("--nonsense", 64, 202, "Runtime.CommandLine", "--nonsense");
}

/* Nobody reads it: to open it would wait for ever. */
static void test_truth_is_a_fifo(void **state)
{
	char directory[] = "/tmp/lambda-faults-XXXXXX", path[64], line[96];

	(void)state;
	assert_non_null(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/fifo", directory);
	snprintf(line, sizeof(line), "--truth %s", path);
	assert_int_equal(mkfifo(path, 0600), 0);
	start_refuse(line, 1, 202, "Runtime.StartFailed", "--truth");
	unlink(path);
	rmdir(directory);
}

static void test_unusable_address(void **state)
{
	static const char *const addresses[] = {"", "127.0.0.1:9/x", "user@host", "a b:1"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(addresses); i++) {
		child_start(&child, addresses[i], "");
		child_expect(&child, 1, "HOST:PORT");
	}
}

static int begin(void **state)
{
	(void)state;
	alarm(600);
	return 0;
}

static int clean(void **state)
{
	(void)state;
	child_forget(&child);
	fake_close(&api);
	return 0;
}

#define FAULT_TEST(function) cmocka_unit_test_teardown(function, clean)

int main(void)
{
	const struct CMUnitTest tests[] = {
		FAULT_TEST(test_events_without_an_id),
		FAULT_TEST(test_next_fails),
		FAULT_TEST(test_next_is_refused),
		FAULT_TEST(test_nobody_there),
		FAULT_TEST(test_lost_connections),
		FAULT_TEST(test_event_in_chunks),
		FAULT_TEST(test_endless_lines),
		FAULT_TEST(test_response_is_refused),
		FAULT_TEST(test_hanging_api),
		FAULT_TEST(test_stop_within_an_invocation),
		FAULT_TEST(test_stop_while_the_api_hangs),
		FAULT_TEST(test_stop_within_an_event),
		FAULT_TEST(test_limit),
		FAULT_TEST(test_start_fails),
		FAULT_TEST(test_truth_is_a_fifo),
		FAULT_TEST(test_unusable_address),
	};

	return cmocka_run_group_tests(tests, begin, NULL);
}
