# tidemark: see README.md. `make demo` and `make test` do all the set-up on a
# fresh Debian machine as root; plain `make` needs neither root nor network.

CC = gcc
CXX = g++
CLANG = clang
BPFTOOL = $(or $(shell command -v bpftool),/usr/sbin/bpftool)
PKG_CONFIG = pkg-config

ARCH := $(shell uname -m | sed -e s/aarch64/arm64/)
BPF_ARCH := $(if $(filter arm64,$(ARCH)),arm64,x86)

BUILD = build
VERSION := $(shell git describe --always --dirty 2>/dev/null || echo unknown)
CPPFLAGS = -I. -I$(BUILD) -D_GNU_SOURCE
SANITIZE =
OPTIMIZE = -O2
CFLAGS = -std=gnu11 $(OPTIMIZE) -g -fno-omit-frame-pointer -Wall -Wextra -Werror -pthread $(SANITIZE)
WARN_BPF = -Wall -Wextra -Wno-unused-parameter -Werror
# usdt.bpf.h wants asm/errno.h, the same on both architectures
BPF_CPPFLAGS = -I. -idirafter /usr/include/$(shell $(CC) -print-multiarch)
DEPS = -MMD -MP

LIBBPF := $(shell $(PKG_CONFIG) --libs libbpf 2>/dev/null)
NCURSES := $(shell $(PKG_CONFIG) --libs ncursesw 2>/dev/null)
NCURSES_CFLAGS := $(shell $(PKG_CONFIG) --cflags ncursesw 2>/dev/null)
JANSSON := $(shell $(PKG_CONFIG) --libs jansson 2>/dev/null)
ELFUTILS := $(shell $(PKG_CONFIG) --libs libdw libelf 2>/dev/null)
CURL := $(shell $(PKG_CONFIG) --libs libcurl 2>/dev/null)
MICROHTTPD := $(shell $(PKG_CONFIG) --libs libmicrohttpd 2>/dev/null)
PROTOBUF := $(shell $(PKG_CONFIG) --libs libprotobuf-c 2>/dev/null)
PACKED := $(shell $(PKG_CONFIG) --libs libzstd libxxhash 2>/dev/null)
CAPSTONE := $(shell $(PKG_CONFIG) --libs capstone 2>/dev/null)
CAPSTONE_CFLAGS := $(shell $(PKG_CONFIG) --cflags capstone 2>/dev/null)
# libiberty demangles both C++ and Rust
LIBS = $(JANSSON) $(ELFUTILS) $(PROTOBUF) $(PACKED) $(CAPSTONE) -liberty -llzma -lz -lm

# What every set-up installs, by name, from Debian's packages.
PACKAGES = gcc libc6-dev make pkg-config clang llvm bpftool libbpf-dev libelf-dev zlib1g-dev \
	   libbsd-dev libcap-dev libncurses-dev libjansson-dev libjemalloc-dev libmimalloc-dev \
	   libcmocka-dev libxxhash-dev libdw-dev liblzma-dev libiberty-dev protobuf-c-compiler \
	   libprotobuf-c-dev golang-github-google-pprof-dev systemtap-sdt-dev libmicrohttpd-dev \
	   libcurl4-openssl-dev libcapstone-dev libzstd-dev libjs-dygraphs node-d3-hierarchy \
	   node-d3-selection help2man
TEST_PACKAGES = $(PACKAGES) clang-format clang-tidy tmux procps util-linux ncurses-term \
		libclang-rt-14-dev g++ gdb python3 redis-server redis-tools nodejs golang-go xz-utils \
		libtcmalloc-minimal4 chromium chromium-driver mandoc
EXPERIMENT_PACKAGES = $(PACKAGES) libtcmalloc-minimal4

.DELETE_ON_ERROR:
.SUFFIXES:
.PHONY: all install uninstall demo run-demo test check bench run-bench packages test-packages clean format lint \
	bpf-arm64 test-programs corpus experiment golden fuzz fuzzed-library

all: $(BUILD)/tidemark $(BUILD)/handler-glibc $(BUILD)/handler-jemalloc $(BUILD)/handler-mimalloc \
     $(BUILD)/driver

# --- set-up ------------------------------------------------------------------

# Asks nothing, and does nothing where all is there.
define install_packages
	@missing=$$(for package in $(1); do \
		dpkg-query -W -f '$${Status}' $$package 2>/dev/null | grep -q ' installed$$' || \
			echo $$package; done); \
	if [ -n "$$missing" ]; then \
		if [ $$(id -u) != 0 ]; then \
			echo "tidemark: as root: apt-get install" $$missing >&2; exit 1; fi; \
		echo "installing" $$missing; \
		export DEBIAN_FRONTEND=noninteractive; \
		apt-get -qq update && \
		apt-get -qq -y --no-install-recommends install $$missing >/dev/null; \
	fi
endef

packages:
	$(call install_packages,$(PACKAGES))

test-packages:
	$(call install_packages,$(TEST_PACKAGES))

# --- the demo ----------------------------------------------------------------

# make demo ALLOCATOR=jemalloc|mimalloc|glibc CACHE=unbounded|lru
ALLOCATOR = jemalloc
CACHE = unbounded
DEMO_DIR = $(BUILD)/demo/$(ALLOCATOR)-$(CACHE)
INVOCATION_PROBES = order_handler:invocation_start,invocation_end

demo: packages
	@$(MAKE) --no-print-directory -s all
	@$(MAKE) --no-print-directory -s run-demo

# The handler takes an event every 4 ms for 18 s; its own account goes to truth.jsonl.
run-demo:
	@test -x $(BUILD)/handler-$(ALLOCATOR) || { \
		echo "tidemark: ALLOCATOR=$(ALLOCATOR): give jemalloc, mimalloc or glibc" >&2; exit 64; }
	@case $(CACHE) in unbounded|lru) ;; *) \
		echo "tidemark: CACHE=$(CACHE): give unbounded or lru" >&2; exit 64;; esac
	@mkdir -p $(DEMO_DIR)
	@view=watch; test -t 1 && test -t 0 && view=top; \
	$(BUILD)/tidemark $$view --interval 1000 --for 25 --export $(DEMO_DIR) \
		-o $(DEMO_DIR)/recording.tdm \
		--invocation usdt:$(BUILD)/handler-$(ALLOCATOR):$(INVOCATION_PROBES) -- \
		$(BUILD)/handler-$(ALLOCATOR) --truth $(DEMO_DIR)/truth.jsonl \
		--cache $(CACHE) --invocations 0 --duration 18 --gap 4
	@echo "the handler's own account:"; tail -n 1 $(DEMO_DIR)/truth.jsonl

# --- BPF programs ------------------------------------------------------------

BPF_SRC := $(wildcard bpf/*.bpf.c)
BPF_OBJ := $(BPF_SRC:bpf/%.bpf.c=$(BUILD)/bpf/%.bpf.o)
SKELETON = $(BUILD)/bpf/tidemark.skel.h

$(BUILD)/bpf/%.bpf.o: bpf/%.bpf.c
	@mkdir -p $(@D)
	$(CLANG) -g -O2 -target bpf -D__TARGET_ARCH_$(BPF_ARCH) -Ivmlinux/$(ARCH) $(BPF_CPPFLAGS) \
		$(WARN_BPF) $(DEPS) -c $< -o $@

$(BUILD)/bpf/tidemark.bpf.o: $(BPF_OBJ)
	$(BPFTOOL) gen object $@ $^

$(SKELETON): $(BUILD)/bpf/tidemark.bpf.o
	$(BPFTOOL) gen skeleton $< name tidemark > $@

# The programs for the other architecture: compiled, so that they stay compilable.
BPF_ARM64 := $(BPF_SRC:bpf/%.bpf.c=$(BUILD)/bpf-arm64/%.bpf.o)
bpf-arm64: $(BPF_ARM64)
$(BUILD)/bpf-arm64/%.bpf.o: bpf/%.bpf.c
	@mkdir -p $(@D)
	$(CLANG) -g -O2 -target bpf -D__TARGET_ARCH_arm64 -Ivmlinux/arm64 $(BPF_CPPFLAGS) \
		$(WARN_BPF) $(DEPS) -c $< -o $@

# --- pprof's format -----------------------------------------------------------

# Generated from the description that comes with pprof.
PROTO_DIR = /usr/share/gocode/src/github.com/google/pprof/proto
PROTO = $(BUILD)/proto/profile.pb-c

$(PROTO).c $(PROTO).h &: $(PROTO_DIR)/profile.proto
	@mkdir -p $(@D)
	protoc-c --c_out=$(BUILD)/proto -I$(PROTO_DIR) $<

$(PROTO).o: $(PROTO).c
	$(CC) $(CPPFLAGS) $(CFLAGS) -w $(DEPS) -c $< -o $@

# --- the page of --format html -------------------------------------------------

# One file with all that it needs. The libraries are Debian's, with their licences; the browser is
# told by their hashes that no other script may run.
HTML_DIR = user/view/html
HTML_LIBRARIES = /usr/share/javascript/dygraphs/dygraph.min.js \
		 /usr/share/nodejs/d3-hierarchy/dist/d3-hierarchy.min.js \
		 /usr/share/nodejs/d3-selection/dist/d3-selection.min.js
HTML_STYLES = /usr/share/javascript/dygraphs/dygraph.min.css
HTML_LICENCES = $(addsuffix /copyright,$(addprefix /usr/share/doc/,libjs-dygraphs \
		node-d3-hierarchy node-d3-selection))
HTML_SCRIPTS = $(addprefix $(HTML_DIR)/,base.js summary.js charts.js flame.js map.js table.js main.js)
HTML_PAGE = $(BUILD)/html/report.html

$(BUILD)/html/libraries.js: $(HTML_LIBRARIES) $(HTML_LICENCES)
	@mkdir -p $(@D)
	(for licence in $(HTML_LICENCES); do echo '/*!'; sed 's,\*/,* /,g' $$licence; echo '*/'; done; \
	for library in $(HTML_LIBRARIES); do sed '/^\/\/# sourceMappingURL/d' $$library; echo; done) >$@

$(BUILD)/html/scripts.js: $(HTML_SCRIPTS)
	@mkdir -p $(@D)
	cat $^ >$@

$(BUILD)/html/styles.css: $(HTML_STYLES) $(HTML_DIR)/report.css
	@mkdir -p $(@D)
	sed '/sourceMappingURL/d' $^ >$@

csp_hash = $$( (echo; cat $(1)) | sha256sum | cut -c 1-64 | tr a-f A-F | basenc -d --base16 | base64 -w 0)

$(HTML_PAGE): $(HTML_DIR)/report.html $(addprefix $(BUILD)/html/,styles.css libraries.js scripts.js)
	! grep -il '</s[ct]' $(filter-out $<,$^)
	sed -e "s,@libraries-hash@,$(call csp_hash,$(BUILD)/html/libraries.js)," \
		-e "s,@scripts-hash@,$(call csp_hash,$(BUILD)/html/scripts.js)," \
		-e '/^@styles@/{r $(BUILD)/html/styles.css' -e 'd;}' \
		-e '/^@libraries@/{r $(BUILD)/html/libraries.js' -e 'd;}' \
		-e '/^@scripts@/{r $(BUILD)/html/scripts.js' -e 'd;}' $< >$@

# --- the collector -----------------------------------------------------------

# Everything but main, the live source and the terminal is in one library, so
# that tests link without root, kernel or terminal.
USER_SRC := $(wildcard user/*.c user/*/*.c user/*/*/*.c)
LIVE_SRC := $(wildcard user/source/live*.c) user/source/programs.c
APP_SRC := $(wildcard user/app_*.c) user/main.c
APART := $(APP_SRC) $(LIVE_SRC) user/view/dashboard/terminal.c
LIB_OBJ := $(patsubst %.c,$(BUILD)/obj/%.o,$(filter-out $(APART),$(USER_SRC))) $(PROTO).o
LIVE_OBJ := $(LIVE_SRC:%.c=$(BUILD)/obj/%.o)
LIB = $(BUILD)/libtidemark.a
LIVE_LIBS = $(LIBBPF) -lcap

# The ledger's leaves grow in any order: glibc's heap keeps 3 bytes a page more
# between them than jemalloc's slabs do.
COLLECTOR_MALLOC = -ljemalloc

$(BUILD)/obj/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) $(DEPS) -c $< -o $@

$(LIVE_OBJ): $(SKELETON)
$(BUILD)/obj/user/view/dashboard/terminal.o: CPPFLAGS += $(NCURSES_CFLAGS)
$(BUILD)/obj/user/source/probe_point.o: CPPFLAGS += $(CAPSTONE_CFLAGS)
$(BUILD)/obj/user/view/pprof.o: $(PROTO).h
$(BUILD)/obj/user/view/html/page.o: $(HTML_PAGE)
$(BUILD)/obj/user/view/html/page.o: CPPFLAGS += -DHTML_PAGE='"$(HTML_PAGE)"'
$(BUILD)/obj/user/main.o $(BUILD)/obj/user/app_open.o: CPPFLAGS += -DTIDEMARK_VERSION='"$(VERSION)"'

$(LIB): $(LIB_OBJ)
	@rm -f $@
	ar rcs $@ $^

$(BUILD)/tidemark: $(APP_SRC:%.c=$(BUILD)/obj/%.o) $(LIVE_OBJ) \
		   $(BUILD)/obj/user/view/dashboard/terminal.o $(LIB)
	$(CC) $(CFLAGS) -o $@ $^ $(LIVE_LIBS) $(NCURSES) $(LIBS) $(COLLECTOR_MALLOC)

# --- the order handler -------------------------------------------------------

# The workload is built as distributions build: without frame pointers.
HANDLER_SRC := $(wildcard handler/*.c)
HANDLER_ALLOCATORS = glibc jemalloc mimalloc
HANDLER_OBJ := $(patsubst %.c,$(BUILD)/obj/%.o,$(filter-out handler/allocator_%.c,$(HANDLER_SRC)))
HANDLER_LIBS_glibc =
HANDLER_LIBS_jemalloc = -ljemalloc
HANDLER_LIBS_mimalloc = -lmimalloc

$(BUILD)/obj/handler/%.o: CFLAGS += -fomit-frame-pointer

HANDLER_LIBS = $(CURL) $(JANSSON) -lm

$(BUILD)/handler-%: $(HANDLER_OBJ) $(BUILD)/obj/handler/allocator_%.o
	$(CC) $(CFLAGS) -o $@ $^ $(HANDLER_LIBS_$*) $(HANDLER_LIBS)

# The same as a debug build makes it: without optimisation, with frame pointers.
HANDLER_DEBUG_OBJ := $(HANDLER_OBJ:$(BUILD)/%=$(BUILD)/debug/%)
DEBUG_HANDLERS = $(HANDLER_ALLOCATORS:%=$(BUILD)/debug/handler-%)

$(BUILD)/debug/%: OPTIMIZE = -O0

$(BUILD)/debug/obj/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) $(DEPS) -c $< -o $@

$(BUILD)/debug/handler-%: $(HANDLER_DEBUG_OBJ) $(BUILD)/debug/obj/handler/allocator_%.o
	$(CC) $(CFLAGS) -o $@ $^ $(HANDLER_LIBS_$*) $(HANDLER_LIBS)

# --- the driver: plays AWS Lambda for it ---------------------------------------

DRIVER_SRC := $(wildcard handler/driver/*.c)
DRIVER_OBJ := $(DRIVER_SRC:%.c=$(BUILD)/obj/%.o) \
	      $(addprefix $(BUILD)/obj/handler/,generator.o json_line.o option_values.o request_id.o \
	      stop.o)
DRIVER_LIBS = $(MICROHTTPD) $(JANSSON) -lm

$(BUILD)/driver: $(DRIVER_OBJ)
	$(CC) $(CFLAGS) -o $@ $^ $(DRIVER_LIBS)

# --- installation ----------------------------------------------------------------

PREFIX = /usr/local
MAN_PAGE = $(BUILD)/doc/tidemark.8
MAN_NAME = say what grows in the memory of running processes, and why
# The commit's day, so that the same source makes the same page.
MAN_DATE = $(shell git log -1 --format=%cs 2>/dev/null || date +%F)
MAN_DIR = $(DESTDIR)$(PREFIX)/share/man/man8
COMPLETION_DIR = $(DESTDIR)$(PREFIX)/share/bash-completion/completions

# Its options, verdicts and formats are what the program itself tells.
$(MAN_PAGE): $(BUILD)/tidemark user/doc/tidemark.h2m user/doc/help.sed
	@mkdir -p $(@D)
	$< --fail-on help | sed -E 's/^ *([a-z-]+) +(.*)/.TP\n.B \1\n\2/' >$(@D)/verdicts
	$< --format help | sed -E 's/^ *([a-z-]+) +(.*)/.TP\n.B \1\n\2/' >$(@D)/formats
	sed -e '/^@VERDICTS@/{r $(@D)/verdicts' -e 'd;}' -e '/^@FORMATS@/{r $(@D)/formats' \
		-e 'd;}' user/doc/tidemark.h2m >$(@D)/include
	printf '#!/bin/sh\n[ "$$1" = --version ] && exec %s --version\n%s --help | sed -En -f %s\n' \
		$(abspath $<) $(abspath $<) $(abspath user/doc/help.sed) >$(@D)/help
	chmod +x $(@D)/help
	help2man --no-info --section=8 --name='$(MAN_NAME)' --include=$(@D)/include $(@D)/help | \
		sed -E '/^\.TH/s/"8" "[^"]*"/"8" "$(MAN_DATE)"/' >$@

# make install [DESTDIR=...] [PREFIX=/usr/local]; needs neither root nor network by itself
install: $(BUILD)/tidemark $(MAN_PAGE)
	install -D -m 755 $(BUILD)/tidemark $(DESTDIR)$(PREFIX)/bin/tidemark
	install -d $(MAN_DIR)
	gzip -9nc $(MAN_PAGE) >$(MAN_DIR)/tidemark.8.gz
	install -D -m 644 user/doc/tidemark.bash $(COMPLETION_DIR)/tidemark

uninstall:
	rm -f $(DESTDIR)$(PREFIX)/bin/tidemark $(MAN_DIR)/tidemark.8.gz $(COMPLETION_DIR)/tidemark

# --- tests -------------------------------------------------------------------

TARGET_SRC := $(wildcard tests/targets/*.c)
HEAP_TRUTHS := $(addprefix $(BUILD)/targets/heap_truth-,jemalloc mimalloc)
HEAP_PAIRS := $(addprefix $(BUILD)/targets/heap_pairs-,jemalloc mimalloc)
TARGETS := $(TARGET_SRC:tests/targets/%.c=$(BUILD)/targets/%) \
	   $(BUILD)/targets/malloc_churn-jemalloc $(BUILD)/targets/malloc_churn-mimalloc \
	   $(addprefix $(BUILD)/targets/stack_,malloc-jemalloc malloc-mimalloc deep-static \
	   deep-static-pie deep-stripped places-static plugin.so) \
	   $(BUILD)/targets/invocation_guarded $(BUILD)/targets/invocation_library.so \
	   $(addprefix $(BUILD)/targets/heap_work-,jemalloc mimalloc static stripped cxx) \
	   $(HEAP_PAIRS) $(HEAP_TRUTHS)

# What tells of its own call chains: without frame pointers, every call a call.
CHAIN_CFLAGS = -fomit-frame-pointer -fno-optimize-sibling-calls
$(BUILD)/targets/stack_%: CFLAGS += $(CHAIN_CFLAGS)
$(BUILD)/targets/stack_places: LDFLAGS += -Wl,-z,lazy

$(BUILD)/targets/stack_malloc-%: tests/targets/stack_malloc.c
	@mkdir -p $(@D)
	$(CC) -I. $(CFLAGS) $(DEPS) -o $@ $< $(HANDLER_LIBS_$*)

$(BUILD)/targets/stack_%-static: tests/targets/stack_%.c
	@mkdir -p $(@D)
	$(CC) -I. $(CFLAGS) $(DEPS) -static -o $@ $<

$(BUILD)/targets/stack_%-static-pie: tests/targets/stack_%.c
	@mkdir -p $(@D)
	$(CC) -I. $(CFLAGS) $(DEPS) -fPIE -static-pie -o $@ $<

$(BUILD)/targets/stack_%-stripped: $(BUILD)/targets/stack_%
	strip -o $@ $<

$(BUILD)/targets/stack_plugin.so: tests/targets/stack_dlopen.c
	@mkdir -p $(@D)
	$(CC) -I. $(CFLAGS) $(DEPS) -DPLUGIN -fPIC -shared -o $@ $<

$(BUILD)/targets/invocation_guarded: tests/targets/invocation_work.c
	@mkdir -p $(@D)
	$(CC) -I. $(CFLAGS) $(DEPS) -DGUARDED -o $@ $<

$(BUILD)/targets/invocation_library.so: tests/targets/invocation_work.c
	@mkdir -p $(@D)
	$(CC) -I. $(CFLAGS) $(DEPS) -DLIBRARY -fPIC -shared -o $@ $<

$(BUILD)/targets/stack_cxx: tests/targets/stack_cxx.c tests/targets/stack_cxx.cc
	@mkdir -p $(@D)
	$(CC) -I. $(CFLAGS) $(DEPS) -MT $@ -c -o $@.o $<
	$(CXX) -I. $(filter-out -std=%,$(CFLAGS)) -std=gnu++17 -o $@ $@.o tests/targets/stack_cxx.cc

# Every call is a call: compilers leave out allocations that nobody uses.
$(BUILD)/targets/heap_%: CFLAGS += -fno-builtin

$(BUILD)/targets/heap_throw: tests/targets/heap_throw.c tests/targets/heap_throw.cc
	@mkdir -p $(@D)
	$(CC) -I. $(CFLAGS) $(DEPS) -MT $@ -c -o $@.o $<
	$(CXX) -I. $(filter-out -std=%,$(CFLAGS)) -std=gnu++17 -o $@ $@.o \
		tests/targets/heap_throw.cc -ljemalloc

$(HEAP_TRUTHS): $(BUILD)/targets/heap_truth-%: tests/targets/heap_truth.c
	@mkdir -p $(@D)
	$(CC) -I. $(CFLAGS) $(DEPS) -o $@ $< $(HANDLER_LIBS_$*)

$(HEAP_PAIRS): $(BUILD)/targets/heap_pairs-%: tests/targets/heap_pairs.c
	@mkdir -p $(@D)
	$(CC) -I. $(CFLAGS) $(DEPS) -o $@ $< $(HANDLER_LIBS_$*)

$(BUILD)/targets/heap_work-static: tests/targets/heap_work.c
	@mkdir -p $(@D)
	$(CC) -I. $(CFLAGS) $(DEPS) -static -o $@ $<

$(BUILD)/targets/heap_work-stripped: $(BUILD)/targets/heap_work-static
	strip -o $@ $<

# with the operators of the C++ library, which call malloc
$(BUILD)/targets/heap_work-cxx: tests/targets/heap_work.c
	@mkdir -p $(@D)
	$(CC) -I. $(CFLAGS) $(DEPS) -o $@ $< -Wl,--no-as-needed -lstdc++

$(addprefix $(BUILD)/targets/heap_work-,jemalloc mimalloc): $(BUILD)/targets/heap_work-%: \
		tests/targets/heap_work.c
	@mkdir -p $(@D)
	$(CC) -I. $(CFLAGS) $(DEPS) -o $@ $< $(HANDLER_LIBS_$*)

$(BUILD)/targets/malloc_churn-%: tests/targets/malloc_churn.c
	@mkdir -p $(@D)
	$(CC) -I. $(CFLAGS) $(DEPS) -o $@ $< $(HANDLER_LIBS_$*)

$(BUILD)/targets/%: tests/targets/%.c
	@mkdir -p $(@D)
	$(CC) -I. $(CFLAGS) $(DEPS) $(LDFLAGS) -o $@ $<

# Programs whose growth has a known cause, tests/e2e/test_corpus.c; those that do not go through
# the allocator, or show what one allocator does, once.
CORPUS_SRC := $(wildcard tests/e2e/corpus/*.c)
CORPUS_GLIBC = arenas deep_stack exec_again file_growth fork_heavy huge_pages late_trim lazy_free \
	       loaded_idle mmap_churn mmap_leak private_file shared_growth thread_stacks
CORPUS_JEMALLOC = background_purge lazy_decay
CORPUS_ALL := $(filter-out $(CORPUS_GLIBC) $(CORPUS_JEMALLOC),$(CORPUS_SRC:tests/e2e/corpus/%.c=%))
CORPUS := $(CORPUS_GLIBC:%=$(BUILD)/corpus/%-glibc) \
	  $(CORPUS_JEMALLOC:%=$(BUILD)/corpus/%-jemalloc) \
	  $(foreach allocator,$(HANDLER_ALLOCATORS),$(CORPUS_ALL:%=$(BUILD)/corpus/%-$(allocator)))

define corpus_rule
$(BUILD)/corpus/%-$(1): tests/e2e/corpus/%.c
	@mkdir -p $$(@D)
	$$(CC) -I. $$(CFLAGS) $$(DEPS) -o $$@ $$< $$(HANDLER_LIBS_$(1))
endef
$(foreach allocator,$(HANDLER_ALLOCATORS),$(eval $(call corpus_rule,$(allocator))))

corpus: $(CORPUS)

UNIT_SRC := $(wildcard tests/unit/test_*.c)
UNIT_TESTS := $(UNIT_SRC:%.c=$(BUILD)/%)
HANDLER_TEST_SRC := $(wildcard tests/handler/test_*.c)
HANDLER_TESTS := $(HANDLER_TEST_SRC:%.c=$(BUILD)/%)
BPF_TEST_SRC := $(wildcard tests/bpf/test_*.c)
BPF_TESTS := $(BPF_TEST_SRC:%.c=$(BUILD)/%)
E2E_TEST_SRC := $(wildcard tests/e2e/test_*.c)
E2E_TESTS := $(E2E_TEST_SRC:%.c=$(BUILD)/%)

$(BUILD)/tests/unit/%: tests/unit/%.c $(LIB)
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) $(DEPS) -o $@ $< $(LIB) $(LIBS) -lcap -lcmocka

$(BUILD)/tests/unit/test_heap_probes: CPPFLAGS += $(CAPSTONE_CFLAGS)

# The experiment's pure part; a longer stem than the rule above, so it is chosen.
$(BUILD)/tests/unit/test_experiment%: tests/unit/test_experiment%.c $(BUILD)/libexperiment.a $(LIB)
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) $(DEPS) -o $@ $< $(BUILD)/libexperiment.a $(LIB) $(LIBS) -lcmocka

$(BUILD)/tests/bpf/%: tests/bpf/%.c $(LIVE_OBJ) $(LIB)
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) $(DEPS) -o $@ $< $(LIVE_OBJ) $(LIB) $(LIVE_LIBS) $(LIBS) -lcmocka

$(BUILD)/tests/handler/%: tests/handler/%.c $(HANDLER_OBJ) $(BUILD)/obj/handler/allocator_glibc.o
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) $(DEPS) -o $@ $< \
		$(filter-out %/main.o,$(HANDLER_OBJ)) $(BUILD)/obj/handler/allocator_glibc.o \
		$(HANDLER_LIBS) -lcmocka

# They look at the programs as they are built.
$(addprefix $(BUILD)/tests/handler/,test_lambda test_lambda_faults): | $(BUILD)/handler-glibc
$(BUILD)/tests/handler/test_probes: | $(HANDLER_ALLOCATORS:%=$(BUILD)/handler-%)

# Those of the driver's files; test_driver itself runs the programs as they are built.
$(BUILD)/tests/handler/test_driver_%: tests/handler/test_driver_%.c $(DRIVER_OBJ) $(BUILD)/obj/handler/order.o
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) $(DEPS) -o $@ $< $(filter-out %/main.o,$(DRIVER_OBJ)) \
		$(BUILD)/obj/handler/order.o $(DRIVER_LIBS) -lcmocka

$(BUILD)/tests/handler/test_driver: | $(BUILD)/driver $(BUILD)/handler-glibc \
				      $(BUILD)/tests/handler/function_stub

$(addprefix $(BUILD)/tests/e2e/,test_check test_corpus): | $(CORPUS)

$(BUILD)/tests/e2e/%: tests/e2e/%.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) $(DEPS) -o $@ $< $(JANSSON) $(CURL) -lm -lcmocka

# --- all the checks ----------------------------------------------------------

FORMATTED := $(filter-out vmlinux/%,$(shell find bpf user handler tests vmlinux -name '*.[ch]' -o -name '*.cc'))
TIDIED := $(filter %.c,$(filter user/% handler/%,$(FORMATTED)))

format:
	clang-format -i $(FORMATTED)

lint: $(SKELETON) $(PROTO).h
	clang-format --dry-run -Werror $(FORMATTED)
	printf '%s\n' $(TIDIED) | xargs -P 2 -n 4 sh -c 'clang-tidy --quiet \
		--warnings-as-errors="*" "$$@" -- $(CPPFLAGS) -std=gnu11 $(NCURSES_CFLAGS) \
		$(CAPSTONE_CFLAGS) \
		-DTIDEMARK_VERSION=\"lint\" 2>/dev/null' clang-tidy

test-programs: all $(TARGETS) $(CORPUS) $(UNIT_TESTS) $(HANDLER_TESTS) $(BPF_TESTS) $(E2E_TESTS)

# The same code with AddressSanitizer and UndefinedBehaviorSanitizer.
SANITIZED = $(BUILD)/sanitized
sanitized-programs:
	@$(MAKE) --no-print-directory BUILD=$(SANITIZED) \
		SANITIZE='-fsanitize=address,undefined -fno-sanitize-recover=all' \
		$(patsubst $(BUILD)/%,$(SANITIZED)/%,$(UNIT_TESTS) $(HANDLER_TESTS) \
		$(BUILD)/tests/bpf/test_attach)

test: test-packages
	@$(MAKE) --no-print-directory -s -j2 test-programs bpf-arm64
	@$(MAKE) --no-print-directory -s -j2 sanitized-programs
	@$(MAKE) --no-print-directory -s check

# Every test program prints what it did to $(BUILD)/logs; the end is cmocka's own.
check: lint
	@BUILD=$(BUILD) sh tests/run.sh $(UNIT_TESTS) $(HANDLER_TESTS) \
		$(patsubst $(BUILD)/%,$(SANITIZED)/%,$(UNIT_TESTS) \
		$(filter-out %/test_program,$(HANDLER_TESTS)) $(BUILD)/tests/bpf/test_attach) \
		$(BPF_TESTS) $(E2E_TESTS)

# --- recordings for tests -----------------------------------------------------

# Records the handler under each allocator anew, as root: where records have changed.
GOLDEN_DIR = /tmp/tidemark-golden
# At rest in the end, so that its last figures are exact.
GOLDEN_HANDLER = --report 0 --truth /dev/null --invocations 900 --gap 1 --idle 1

golden: all
	@mkdir -p tests/golden $(GOLDEN_DIR)
	@for allocator in $(HANDLER_ALLOCATORS); do \
		cp $(BUILD)/handler-$$allocator $(GOLDEN_DIR) && \
		$(BUILD)/tidemark record -o tests/golden/$$allocator.tdm --interval 100 --invocation \
			usdt:$(GOLDEN_DIR)/handler-$$allocator:$(INVOCATION_PROBES) -- \
			$(GOLDEN_DIR)/handler-$$allocator $(GOLDEN_HANDLER) || exit 1; done
	@rm -r $(GOLDEN_DIR)

# --- fuzzing --------------------------------------------------------------------

# A minute for each target; FUZZ_SECONDS=3600 by hand. What is found is kept in the working folder,
# and belongs in a test.
FUZZ_SECONDS = 60
FUZZED = $(BUILD)/fuzz
FUZZ_SANITIZE = -fsanitize=address,undefined -fno-sanitize-recover=all
FUZZ_SRC := $(wildcard tests/fuzz/fuzz_*.c)
FUZZERS := $(FUZZ_SRC:tests/fuzz/fuzz_%.c=$(FUZZED)/fuzz_%)

$(FUZZED)/fuzz_%: tests/fuzz/fuzz_%.c tests/fuzz/fuzz.h $(FUZZED)/libtidemark.a
	$(CLANG) $(CPPFLAGS) -I$(FUZZED) $(CFLAGS) $(FUZZ_SANITIZE) -fsanitize=fuzzer $(DEPS) -o $@ $< \
		$(FUZZED)/libtidemark.a $(LIBS)

$(FUZZED)/seeds: tests/fuzz/seeds.c $(LIB)
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) $(DEPS) -o $@ $< $(LIB) $(LIBS)

fuzzed-library:
	@$(MAKE) --no-print-directory -s BUILD=$(FUZZED) CC=$(CLANG) \
		SANITIZE='$(FUZZ_SANITIZE) -fsanitize=fuzzer-no-link' $(FUZZED)/libtidemark.a

fuzz: test-packages
	@$(MAKE) --no-print-directory -s fuzzed-library
	@$(MAKE) --no-print-directory -s $(FUZZERS) $(FUZZED)/seeds
	@for target in $(FUZZERS); do \
		name=$${target##*/fuzz_}; mkdir -p $(FUZZED)/found-$$name; \
		$(FUZZED)/seeds $$name $(FUZZED)/seeds-$$name || exit 1; \
		echo "== $$name, $(FUZZ_SECONDS) s"; \
		$$target -max_total_time=$(FUZZ_SECONDS) -max_len=65536 -rss_limit_mb=2048 -timeout=20 \
			-print_final_stats=1 -artifact_prefix=$(FUZZED)/ $(FUZZED)/found-$$name \
			$(FUZZED)/seeds-$$name >$(FUZZED)/$$name.log 2>&1 || \
			{ tail -n 40 $(FUZZED)/$$name.log; exit 1; }; \
		grep stat: $(FUZZED)/$$name.log; done

# --- benchmarks --------------------------------------------------------------

BENCH_SRC := $(wildcard tests/bench/*.c)
BENCHES := $(BENCH_SRC:%.c=$(BUILD)/%)

$(BUILD)/tests/bench/%: tests/bench/%.c $(LIVE_OBJ) $(LIB)
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) $(DEPS) -o $@ $< $(LIVE_OBJ) $(LIB) $(LIVE_LIBS) $(LIBS) \
		$(COLLECTOR_MALLOC)

bench: packages
	@$(MAKE) --no-print-directory -s all $(BUILD)/targets/big_resident $(BUILD)/targets/heap_pairs \
		$(HEAP_PAIRS) $(BENCHES)
	@for bench in $(sort $(BENCHES)); do echo "== $${bench##*/}"; $$bench || exit 1; done

# --- the postmortem's experiment ----------------------------------------------

EXPERIMENT_SRC := $(filter-out tests/experiment/insert.c,$(wildcard tests/experiment/*.c))
EXPERIMENT_OBJ := $(EXPERIMENT_SRC:%.c=$(BUILD)/obj/%.o)
INSERTERS := $(HANDLER_ALLOCATORS:%=$(BUILD)/experiment/insert-%)
INSERT_OBJ := $(BUILD)/obj/tests/experiment/insert.o \
	      $(addprefix $(BUILD)/obj/handler/,cache.o cache_lru.o cache_unbounded.o order.o table.o)

$(BUILD)/libexperiment.a: $(filter-out %/main.o,$(EXPERIMENT_OBJ))
	@rm -f $@
	ar rcs $@ $^

$(BUILD)/experiment/run: $(BUILD)/obj/tests/experiment/main.o $(BUILD)/libexperiment.a $(LIB)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -o $@ $^ $(LIBS)

$(BUILD)/experiment/insert-%: $(INSERT_OBJ) $(BUILD)/obj/handler/allocator_%.o
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -o $@ $^ $(HANDLER_LIBS_$*) $(JANSSON) -lm

# make experiment [FULL=1]; about 10 minutes, as root. Rewrites tests/experiment/results.* and
# the block in README.md.
experiment:
	$(call install_packages,$(EXPERIMENT_PACKAGES))
	@$(MAKE) --no-print-directory -s all $(DEBUG_HANDLERS) $(INSERTERS) $(BUILD)/experiment/run
	@$(BUILD)/experiment/run --build=$(BUILD) $(if $(FULL),--full)

clean:
	rm -rf $(BUILD)

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
