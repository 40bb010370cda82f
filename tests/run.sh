#!/bin/sh
# Runs test programs one after the other, each with its output in a log, and
# closes as cmocka does. What was skipped is said, with its reason.
set -u
logs=${BUILD:-build}/logs
mkdir -p "$logs"
ran=0 passed=0 failed=0 skipped=0
failures=
for program in "$@"; do
	name=$(echo "${program#"${BUILD:-build}"/}" | sed 's|tests/||; s|/test_|/|')
	log=$logs/$(echo "$name" | tr / -).log
	CMOCKA_MESSAGE_OUTPUT=STDOUT timeout 900 "$program" >"$log" 2>&1 </dev/null
	status=$?
	r=$(grep -c '^\[ RUN ' "$log")
	p=$(grep -c '^\[       OK ' "$log")
	s=$(sed -n 's/^\[  SKIPPED \] \([0-9]*\) test(s).*/\1/p' "$log" | tail -n 1)
	s=${s:-0}
	f=$((r - p - s))
	# a program that dies, or runs nothing, has failed
	if [ "$f" -eq 0 ] && { [ "$status" -ne 0 ] || [ "$r" -eq 0 ]; }; then
		f=1
	fi
	ran=$((ran + r)) passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
	printf '%-36s %3d passed' "$name" "$p"
	[ "$s" -eq 0 ] || printf ', %d skipped' "$s"
	[ "$f" -eq 0 ] || printf ', %d FAILED (%s)' "$f" "$log"
	printf '\n'
	grep -hE '^ *(skipped:|SKIP )' "$log" | sort -u
	if [ "$f" -ne 0 ]; then
		failures="$failures $name"
		grep -vE '^\[( RUN |       OK )' "$log" | tail -n 40
	fi
done
echo "[==========] $ran test(s) run."
echo "[  PASSED  ] $passed test(s)."
[ "$skipped" -eq 0 ] || echo "[  SKIPPED ] $skipped test(s)."
if [ "$failed" -ne 0 ]; then
	echo "[  FAILED  ] $failed test(s), in:$failures"
	exit 1
fi
