#!/bin/bash
# SPDX-License-Identifier: MIT
# test_output.sh - readers of a program's standard output and standard error that take nothing, or have
# ended, hold up nobody: packets go on, the live view answers, signals end it.
# shellcheck source=tests/net/lib.sh
. "$(dirname "$0")/lib.sh"
POLLUX=$BUILD/apps/pollux
NAME=output$$

# held KIND [OPTION...]: plx-fwd with such a reader, until the reader is as it shall be; its pid in $PROGRAM
held() {
	local kind=$1; shift
	let_go
	D=$(mktemp -d "$TMP/$kind.XXXXXX")
	start helper a python3 "$HERE/reader.py" "$kind" "$D" "$BUILD/apps/$APP" --name "$NAME" -l "$LC" -m 64M --idle adaptive \
		--iface va "$@"
	HELPER=$PID
	within $PATIENCE [ -e "$D/ready" ] && PROGRAM=$(cat "$D/pid") && within $PATIENCE received 0 && return
	echo "it does not start"; show "$TMP/helper.err" "$D/err" "$TMP/live.err"
	return 1
}
# let_go: nothing is left of a case before, which may have failed
let_go() {
	[ "$HELPER" ] || return 0
	gone "$HELPER" || kill -KILL "$(cat "$D/pid")" 2>/dev/null
	within $PATIENCE gone "$HELPER" || kill -KILL "$HELPER"
	HELPER=
}
HELPER=
APP=plx-fwd
RX=(-- --mode rxonly --stats-period 10ms)
# live PATH: a value of the live view's answer; its exit code tells of findings too
live() {
	timeout 5 ip netns exec "${NS}a" "$POLLUX" live --json "$NAME" >"$TMP/live" 2>"$TMP/live.err"
	python3 - "$TMP/live" "$1" 2>/dev/null <<-'PY'
	import json, sys
	v = json.load(open(sys.argv[1]))
	for k in sys.argv[2].split("."):
	    v = v[int(k)] if isinstance(v, list) else v[k]
	print(v)
	PY
}
received() { local n; n=$(live ports.0.counters.rx_packets) && [ "$n" -ge "$1" ]; }
link_is() { [ "$(live ports.0.link)" = "$1" ]; }
# goes_on: 250 packets of 100 a second, all of them received, none passed to the host; so longer than the stall
goes_on() {
	local before
	before=$(live ports.0.counters.rx_packets) || { echo "the live view does not answer"; cat "$TMP/live.err"; return 1; }
	at b ping -q -n -i 0.01 -c 250 -W 1 10.9.0.1 >"$TMP/ping" 2>&1
	grep -q ' 0 received' "$TMP/ping" || { echo "the host answered:"; cat "$TMP/ping"; return 1; }
	within 5 received $((before + 250)) || { echo "$before received before, then $(live ports.0.counters.rx_packets)"; head -c 300 "$TMP/live.err"; return 1; }
	[ "$(live ports.0.counters.steer_passed_stale)" = 0 ] || { echo "frames went to the host"; return 1; }
}
# ends CODE: SIGTERM ends it with this code within 2 s, and no descriptor was made non-blocking
ends() {
	local begin took
	begin=$(now_ms)
	kill -TERM "$PROGRAM"
	within $PATIENCE [ -e "$D/code" ] || { echo "SIGTERM does not end it"; show "$D/err"; return 1; }
	took=$(($(now_ms) - begin))
	note "exit code $1 after $took ms"
	[ "$(cat "$D/code")" = "$1" ] || { echo "exit code $(cat "$D/code"), wanted $1"; show "$D/err"; return 1; }
	[ ! -s "$D/nonblock" ] || { echo "made non-blocking: $(cat "$D/nonblock")"; return 1; }
	[ $took -le 2000 ] || { echo "SIGTERM ended it after $took ms"; LATE=1; return 1; }
}
# in_time COMMAND...: three tries, for it may have had to wait for the machine, or for the kernel's lock of all
# interfaces, but only where nothing else was wrong
in_time() {
	local try
	for try in 1 2 3; do
		LATE=
		"$@" && return
		[ "$LATE" ] || return 1
	done
	return 1
}
# held_case KIND CODE [OPTION...]
held_case() {
	local kind=$1 code=$2; shift 2
	held "$kind" "$@" && goes_on && ends "$code"
}
# A link that goes down and up has lines to say about it.
gone_case() {
	held gone "${RX[@]}" || return 1
	at b ip link set vb down
	within $PATIENCE link_is down || { echo "no live view, or the link is not down"; alive "$PROGRAM" || cat "$D/code"; return 1; }
	at b ip link set vb up
	within $PATIENCE link_is up || { echo "the link is not up"; return 1; }
	know_va
	goes_on && ends 0
}
# A second signal ends it at once, whatever the first has begun.
twice_case() {
	local begin took
	held "$1" "${RX[@]}" || return 1
	begin=$(now_ms)
	within $PATIENCE again || { echo "signals do not end it"; return 1; }
	took=$(($(now_ms) - begin))
	note "$1, twice: exit code $(cat "$D/code") after $took ms"
	[ "$(cat "$D/code")" = 143 ] || { echo "exit code $(cat "$D/code"), wanted 143"; LATE=1; return 1; }
	[ $took -le 1000 ] || { echo "ended after $took ms"; LATE=1; return 1; }
}
# again: one more SIGTERM; "within" leaves more than 20 ms between them, within which two are one
again() { kill -TERM "$PROGRAM" 2>/dev/null; [ -e "$D/code" ]; }
# A reader that is slow gets everything, however long that takes.
slow_case() {
	held slow "${RX[@]}" --json || return 1
	goes_on || return 1
	kill -TERM "$PROGRAM"
	touch "$D/read"
	within 60 [ -e "$D/code" ] || { echo "it does not end"; return 1; }
	[ "$(cat "$D/code")" = 0 ] || { echo "exit code $(cat "$D/code")"; show "$D/err"; return 1; }
	[ "$(wc -c <"$D/out")" -ge 20000 ] || { echo "only $(wc -c <"$D/out") bytes of statistics"; return 1; }
	is "$D/out" type = summary && is "$D/out" result = ok
}
know_va() { at b ip neigh replace 10.9.0.1 lladdr "$(mac va)" dev vb; }

pair 2
know_va
check "standard output is a full pipe"                      in_time held_case stdout 1 "${RX[@]}" --json
check "...: the error says so"                              grep -q 'error: standard output: cannot be written: its reader takes nothing' "$D/err"
check "standard error is a full pipe"                       in_time held_case stderr 0 "${RX[@]}" --json
check "both are one full pipe"                              in_time held_case both 1 "${RX[@]}"
check "both are a terminal that Ctrl-S has stopped"         in_time held_case tty 1 "${RX[@]}"
check "the reader of standard error has ended"              in_time gone_case
check "a full pipe: the second signal ends it at once"      in_time twice_case stdout
check "a stopped terminal: the second signal ends it at once" in_time twice_case tty
check "a slow reader gets everything"                       slow_case
APP=plx-l2fwd
check "plx-l2fwd: standard output is a full pipe"           in_time held_case stdout 1
let_go
done_testing
