/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A headless Chromium that a test looks at a file with, by the WebDriver protocol of chromedriver.
 * Include support.h first. What goes wrong fails the test.
 */
#ifndef TESTS_E2E_BROWSER_H
#define TESTS_E2E_BROWSER_H

#include <curl/curl.h>
#include <jansson.h>

#define BROWSER_ARGS                                                                               \
	"--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",         \
		"--disable-background-networking", "--disable-component-update", "--disable-sync", \
		"--disable-dev-shm-usage"

struct browser {
	pid_t driver;
	int out; /* of chromedriver */
	char url[128];
};

static inline bool browser_is_there(void)
{
	if (!access("/usr/bin/chromium", X_OK) && !access("/usr/bin/chromedriver", X_OK))
		return true;
	print_message("skipped: chromium and chromium-driver are not installed\n");
	return false;
}

/* ---- the protocol ---- */

static inline size_t browser_receive(char *data, size_t size, size_t count, void *out)
{
	return fwrite(data, size, count, out) * size;
}

/* One command; the value it answers with, the caller's. Takes the body, NULL: none. */
static inline json_t *browser_command(const struct browser *browser, const char *method,
				      const char *path, json_t *body)
{
	struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/json");
	char url[256], *answer = NULL, *sent = body ? json_dumps(body, 0) : NULL;
	CURL *curl = curl_easy_init();
	json_t *root, *value;
	size_t size;
	FILE *file = open_memstream(&answer, &size);

	snprintf(url, sizeof(url), "%s%s", browser->url, path);
	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_PROXY, "");
	curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT, 60L);
	if (sent)
		curl_easy_setopt(curl, CURLOPT_POSTFIELDS, sent);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, browser_receive);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, file);
	assert_int_equal(curl_easy_perform(curl), CURLE_OK);
	fclose(file);
	root = json_loads(answer, JSON_DECODE_ANY, NULL);
	assert_non_null(root);
	value = json_incref(json_object_get(root, "value"));
	if (json_is_object(value) && json_object_get(value, "error"))
		fail_msg("%s %s: %s", method, path, answer);
	json_decref(root);
	json_decref(body);
	curl_slist_free_all(headers);
	curl_easy_cleanup(curl);
	free(answer);
	free(sent);
	return value;
}

/* ---- a session ---- */

/* chromedriver chooses a port that is free, and says which. */
static inline unsigned int browser_port(const struct browser *browser)
{
	char text[4096] = "";
	size_t used = 0;
	unsigned int port;

	for (;;) {
		struct pollfd fd = {.fd = browser->out, .events = POLLIN};
		const char *at = strstr(text, "successfully on port ");
		ssize_t got;

		if (at && sscanf(at, "successfully on port %u.", &port) == 1)
			return port;
		assert_int_equal(poll(&fd, 1, WAIT_S * 1000), 1);
		got = read(browser->out, text + used, sizeof(text) - 1 - used);
		assert_true(got > 0);
		used += (size_t)got;
		text[used] = '\0';
	}
}

static inline void browser_open(struct browser *browser)
{
	static const char *const args[] = {BROWSER_ARGS};
	json_t *list = json_array(), *session;
	char profile[128];
	int out[2];

	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	fflush(NULL);
	browser->driver = fork();
	if (!browser->driver) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(out[1], 1);
		dup2(out[1], 2);
		setenv("HOME", work_dir, 1);
		execl("/usr/bin/chromedriver", "chromedriver", "--port=0", NULL);
		_exit(126);
	}
	child_started(browser->driver);
	close(out[1]);
	browser->out = out[0];
	snprintf(browser->url, sizeof(browser->url), "http://127.0.0.1:%u", browser_port(browser));
	snprintf(profile, sizeof(profile), "--user-data-dir=%s/profile", work_dir);
	for (size_t i = 0; i < ARRAY_SIZE(args); i++)
		json_array_append_new(list, json_string(args[i]));
	json_array_append_new(list, json_string(profile));
	session = browser_command(browser, "POST", "/session",
				  json_pack("{s:{s:{s:{s:s, s:o}, s:{s:s}}}}", "capabilities",
					    "alwaysMatch", "goog:chromeOptions", "binary",
					    "/usr/bin/chromium", "args", list, "goog:loggingPrefs",
					    "browser", "ALL"));
	snprintf(browser->url + strlen(browser->url), sizeof(browser->url) - strlen(browser->url),
		 "/session/%s", json_string_value(json_object_get(session, "sessionId")));
	json_decref(session);
}

static inline void browser_close(struct browser *browser)
{
	json_decref(browser_command(browser, "DELETE", "", NULL));
	child_kill(browser->driver, SIGTERM);
	close(browser->out);
}

static inline void browser_load(const struct browser *browser, const char *path)
{
	char url[1100];

	snprintf(url, sizeof(url), "file://%s", path);
	json_decref(browser_command(browser, "POST", "/url", json_pack("{s:s}", "url", url)));
}

/* What has been said on the console since the last call; one message: it has to be silent. */
static inline void browser_expect_silence(const struct browser *browser)
{
	json_t *log =
		browser_command(browser, "POST", "/se/log", json_pack("{s:s}", "type", "browser"));

	if (json_array_size(log))
		fail_msg("the console says: %s", json_dumps(log, 0));
	json_decref(log);
}

/* ---- what a person sees and does ---- */

/* A command of the DevTools protocol. */
static inline json_t *browser_devtools(const struct browser *browser, const char *command,
				       json_t *params)
{
	return browser_command(browser, "POST", "/goog/cdp/execute",
			       json_pack("{s:s, s:o}", "cmd", command, "params", params));
}

/* What a script returns; the caller's. */
static inline json_t *browser_run(const struct browser *browser, const char *script)
{
	return browser_command(browser, "POST", "/execute/sync",
			       json_pack("{s:s, s:[]}", "script", script, "args"));
}

static inline double browser_number(const struct browser *browser, const char *expression)
{
	char script[4096];
	double number;
	json_t *value;

	snprintf(script, sizeof(script), "return Number(%s)", expression);
	value = browser_run(browser, script);
	if (!json_is_number(value))
		fail_msg("%s is no number", expression);
	number = json_number_value(value);
	json_decref(value);
	return number;
}

/* Soon: a page answers to what is done to it, and to the system's colours, in its own time. */
#define BROWSER_EXPECT(browser, expression)                                                        \
	do {                                                                                       \
		double until_ = now_s() + WAIT_S;                                                  \
		while (browser_number(browser, expression) == 0) {                                 \
			if (now_s() > until_)                                                      \
				fail_msg("in the page not so: %s", expression);                    \
			sleep_ms(50);                                                              \
		}                                                                                  \
	} while (0)

static inline void browser_mouse(const struct browser *browser, const char *type, double x,
				 double y, int buttons, int clicks)
{
	json_decref(
		browser_devtools(browser, "Input.dispatchMouseEvent",
				 json_pack("{s:s, s:f, s:f, s:s, s:i, s:i}", "type", type, "x", x,
					   "y", y, "button", buttons || clicks ? "left" : "none",
					   "buttons", buttons, "clickCount", clicks)));
}

/* Scrolls to what a selector finds, and says where a point of it is: 0, 0 is its left upper end. */
static inline void browser_point(const struct browser *browser, const char *selector, double right,
				 double down, double *x, double *y)
{
	char script[512];
	json_t *box;

	snprintf(script, sizeof(script),
		 "const at = document.querySelector(\"%s\"); at.scrollIntoView({block: 'center'});"
		 "const box = at.getBoundingClientRect();"
		 "return [box.left + %f * box.width, box.top + %f * box.height]",
		 selector, right, down);
	box = browser_run(browser, script);
	*x = json_number_value(json_array_get(box, 0));
	*y = json_number_value(json_array_get(box, 1));
	json_decref(box);
}

static inline void browser_hover(const struct browser *browser, const char *selector, double right,
				 double down)
{
	double x, y;

	browser_point(browser, selector, right, down, &x, &y);
	browser_mouse(browser, "mouseMoved", x, y, 0, 0);
}

static inline void browser_click(const struct browser *browser, const char *selector)
{
	double x, y;

	browser_point(browser, selector, 0.5, 0.5, &x, &y);
	browser_mouse(browser, "mouseMoved", x, y, 0, 0);
	browser_mouse(browser, "mousePressed", x, y, 1, 1);
	browser_mouse(browser, "mouseReleased", x, y, 0, 1);
}

/* A key by its name, as in KeyboardEvent.key; its text where it types some. */
static inline void browser_key(const struct browser *browser, const char *key, int code,
			       const char *text)
{
	json_decref(browser_devtools(browser, "Input.dispatchKeyEvent",
				     json_pack("{s:s, s:s, s:s, s:i}", "type", "keyDown", "key",
					       key, "text", text, "windowsVirtualKeyCode", code)));
	json_decref(browser_devtools(browser, "Input.dispatchKeyEvent",
				     json_pack("{s:s, s:s, s:i}", "type", "keyUp", "key", key,
					       "windowsVirtualKeyCode", code)));
}

static inline void browser_type(const struct browser *browser, const char *text)
{
	json_decref(
		browser_devtools(browser, "Input.insertText", json_pack("{s:s}", "text", text)));
}

static inline void browser_size(const struct browser *browser, int width, int height, bool phone)
{
	json_decref(browser_devtools(browser, "Emulation.setDeviceMetricsOverride",
				     json_pack("{s:i, s:i, s:f, s:b}", "width", width, "height",
					       height, "deviceScaleFactor", phone ? 2.0 : 1.0,
					       "mobile", phone)));
}

static inline void browser_dark(const struct browser *browser, bool dark)
{
	json_decref(browser_devtools(browser, "Emulation.setEmulatedMedia",
				     json_pack("{s:[{s:s, s:s}]}", "features", "name",
					       "prefers-color-scheme", "value",
					       dark ? "dark" : "light")));
}

/*
 * The whole page as a picture, NAME.png below $TIDEMARK_SHOTS; without that nothing.
 */
static inline void browser_shot(const struct browser *browser, const char *name)
{
	const char *dir = getenv("TIDEMARK_SHOTS");
	char command[1024];
	json_t *shot;
	FILE *pipe;

	if (!dir)
		return;
	shot = browser_devtools(
		browser, "Page.captureScreenshot",
		json_pack("{s:s, s:b}", "format", "png", "captureBeyondViewport", 1));
	snprintf(command, sizeof(command), "base64 -d >'%s/%s.png'", dir, name);
	pipe = popen(command, "w");
	assert_non_null(pipe);
	fputs(json_string_value(json_object_get(shot, "data")), pipe);
	assert_int_equal(pclose(pipe), 0);
	json_decref(shot);
}

#endif
