#!/bin/bash
# SPDX-License-Identifier: MIT
# test_ports.sh - ports that have a part of an interface's queues, several ports of one interface, ports that
# receive nothing: what plx-fwd and the tools say of them.
# shellcheck source=tests/net/lib.sh
. "$(dirname "$0")/lib.sh"

POLLUX=$BUILD/apps/pollux
CPU=$(lcores 1)
pair 2
PART="--iface va,queue=0,queues=1 --iface va,queue=1,queues=1"

fwd() { at a timeout -k 1 $PATIENCE "$FWD" --mem 64 --huge never "$@" </dev/null >"$TMP/out" 2>"$TMP/err"; }
# log PATTERN|'' CODE ARGUMENTS...: the exit code, and a line of the log, or no warning at all
log() {
	local pattern=$1 code=$2 rc; shift 2
	fwd "$@"
	rc=$?
	[ $rc = "$code" ] || { echo "exit code $rc, wanted $code"; show "$TMP/err" "$TMP/out"; return 1; }
	if [ -n "$pattern" ]; then grep -qE -- "$pattern" "$TMP/err"; else ! grep warning "$TMP/err"; fi || { show "$TMP/err"; return 1; }
}
RUN="-- --mode rxonly --duration 200ms"

# ---- who reads which queue ----
# shellcheck disable=SC2086
check "two ports that read all queues: nothing is missed" log '' 0 -l "$CPU" $PART $RUN
# shellcheck disable=SC2086
check "one port of two queues: the other is told" \
	log "va: receives on queue 1 of 2, the others' frames are the host's: use queues=2 and no queue=" 0 -l "$CPU" --iface va,queue=1 $RUN
# shellcheck disable=SC2086
both() { at a "$POLLUX" doctor -l "$LC" $PART --only queues-unused,tx-queues,queue-once >"$TMP/out" 2>&1; ! grep -E 'WARN|FAIL' "$TMP/out"; }
check "doctor judges both ports together" both

# ---- the plan ----
# shellcheck disable=SC2086
planned() {
	fwd -l "$CPU" --iface va,queue=1 --dry-run && grep -q 'polls va:1$' "$TMP/out" && grep -q "va:1 lcore $CPU" "$TMP/out" &&
		! grep 'all channels' "$TMP/out" || { show "$TMP/err" "$TMP/out"; return 1; }
}
check "the plan has the interface's numbers of queues" planned

# ---- nothing is received ----
for mode in rxonly io macswap icmpecho flowgen; do
	check "rxqs=0 and $mode: refused" log "^plx-fwd: $mode needs receive queues: va has rxqs=0$" 2 --iface va,rxqs=0 -- --mode $mode --duration 200ms
done
check "rxqs=0 and txonly: fine" log '' 0 -l "$CPU" --iface va,rxqs=0 -- --mode txonly --count 10
# shellcheck disable=SC2086
check "steer=none and rxonly: told" log "warning: va: steer=none: nothing is received" 0 -l "$CPU" --iface va,steer=none $RUN
check "steer=none and txonly: fine" log '' 0 -l "$CPU" --iface va,steer=none -- --mode txonly --count 10
# shellcheck disable=SC2086
check "driver=packet, asked for: the start says that the host goes on" \
	log "notice: va: packet: the host gets every frame as well" 0 -l "$CPU" --iface va,driver=packet $RUN

# ---- names and lists ----
check "a queue written as va:1: refused, with the words for it" \
	log "va:1: no such interface \(ENODEV\); for one queue of it write va,queue=1,rxqs=1" 3 --iface va:1
# none ARGUMENTS...: where no other process is seen, and no file of one that the host runs
none() {
	at b env RUNTIME_DIRECTORY="$TMP/none" unshare --pid --fork --mount-proc sh -c 'mount -t tmpfs tmpfs /run && exec "$@"' sh \
		"$POLLUX" live "$@" >"$TMP/out" 2>&1 </dev/null && [ "$(cat "$TMP/out")" = "$WANT" ] && return
	show "$TMP/out"
	return 1
}
WANT="no program runs here"
check "pollux live says that no program runs" none
WANT="[]"
check "pollux live --json has an empty list then" none --json

# ---- set-up ----
# (values of a machine differ: what it has is "is", and a sysctl has its name)
named() {
	at a "$POLLUX" setup plan sysctl --iface va >"$TMP/out" 2>&1 </dev/null && grep -q '^# sysctl: ' "$TMP/out" &&
		! grep '^# sysctl:' "$TMP/out" | grep -vE '^# sysctl: (ok, )?[a-z]+(\.[a-z_]+)+ is |: skipped|: cannot' && return
	show "$TMP/out"
	return 1
}
check "setup plan says what is, by the names of sysctls" named

done_testing
