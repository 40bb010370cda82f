# SPDX-License-Identifier: GPL-2.0-only
"""gdb's own account of the call stacks at the system calls that map memory.

Run inside gdb -batch with a program that has its arguments; talks on stdin and stdout as the
target programs of tests/targets/ do:

  PID N                     the program, stopped at its first instruction
  REST started
  CALL NAME KEY PC...       mmap or brk returns KEY; innermost frame first, of callers the return
                            addresses
  MAP LINE                  lines of /proc/PID/maps, when the program is about to end
  REST done
"""

import os
import sys

import gdb

LIMIT = int(os.environ.get("GDB_STACKS", "200"))
BY_NUMBER = {9: "mmap", 12: "brk", 231: "exit_group"}


def say(text):
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def rest(name):
    say("REST " + name)
    os.read(0, 64)


def stack():
    pcs = []
    frame = gdb.newest_frame()
    while frame is not None and len(pcs) < 250:
        # inlined functions and tail calls have no frame of their own
        if frame.type() not in (gdb.INLINE_FRAME, gdb.TAILCALL_FRAME):
            pcs.append("%x" % frame.pc())
        frame = frame.older()
    return " ".join(pcs)


def register(name):
    return int(gdb.parse_and_eval("$" + name)) & 0xFFFFFFFFFFFFFFFF


def run():
    for setting in (
        "pagination off",
        "confirm off",
        "debuginfod enabled off",
        "debug-file-directory /nonexistent",
        "backtrace past-main on",
        "backtrace past-entry on",
        "backtrace limit 250",
    ):
        try:
            gdb.execute("set " + setting)
        except gdb.error:
            pass  # not in this version
    gdb.execute("starti", to_string=True)
    pid = gdb.selected_inferior().pid
    say("PID %d" % pid)
    rest("started")
    gdb.execute("catch syscall mmap brk exit_group", to_string=True)
    told = 0
    while gdb.selected_inferior().pid:
        gdb.execute("continue", to_string=True)
        if not gdb.selected_inferior().pid:
            break
        call = BY_NUMBER.get(register("orig_rax"), "?")
        entered = register("rax") == 0xFFFFFFFFFFFFFFDA  # -ENOSYS
        if call == "exit_group":
            with open("/proc/%d/maps" % pid) as maps:
                for line in maps:
                    say("MAP " + line.rstrip("\n"))
            rest("done")
            gdb.execute("kill")
            break
        if told < LIMIT and not entered:
            say("CALL %s %x %s" % (call, register("rax"), stack()))
            told += 1


run()
