#!/bin/bash
# SPDX-License-Identifier: MIT
# test_silence.sh - forwarding 100000 packets/s with --idle adaptive, and bursts of silence of 1 ms to 1 s: no frame of
# an lcore that is well passes to the host.  SEED=N repeats a run.
# shellcheck source=tests/net/lib.sh
. "$(dirname "$0")/../net/lib.sh"

SECONDS_EACH=$((${PLX_LONG:-16} / 2))
SEED=${SEED:-$((EPOCHSECONDS % 32768))}
RATE=100k

# Moments of sound and silence in turn, in seconds; as many short ones as long ones.
moments() {
	awk -v seed="$SEED" 'BEGIN { srand(seed); for (i = 0; i < 100000; i++) printf "%.4f\n", exp(log(0.001) * rand()) }'
}
# bursts PID: stops and continues the sender until the time is over
bursts() {
	local sound hush end=$(($(now_ms) + SECONDS_EACH * 1000))
	while [ "$(now_ms)" -lt "$end" ] && read -r sound && read -r hush; do
		kill -CONT "$1"; sleep "$sound"
		kill -STOP "$1"; sleep "$hush"
		alive "$1" || { echo "the sender ended"; return 1; }
		silences=$((silences + 1))
	done < <(moments)
	kill -CONT "$1"
}
xstat() { field "$TMP/fwd" "ports.0.xstats.$1"; }
hears() { # hears STALL
	local fwd load silences=0 n
	forward fwd a macswap "va,stall=$1" -- --max-loss 100% || return 1
	fwd=$PID
	start load b "$FWD" -l "$LC" -m 64M --idle adaptive --name load --iface vb,rxqs=0 -- \
		--mode txonly --flows 64 --rate $RATE --max-loss 100%
	load=$PID
	within $PATIENCE running load || { show "$TMP/load.err"; return 1; }
	bursts "$load" || { show "$TMP/load.err"; return 1; }
	end "$load" || { echo "the sender: exit code $?"; show "$TMP/load.err"; return 1; }
	end "$fwd" || { echo "the forwarder: exit code $?"; show "$TMP/fwd.err"; return 1; }
	n=$(xstat steer_redirected)
	note "stall=$1: $n frames to the program, $silences silences, passed: $(xstat steer_passed_stale) stale," \
		"$(xstat steer_passed_stopped) stopped"
	[ "$n" -gt $((SECONDS_EACH * 10000)) ] && [ "$silences" -gt "$SECONDS_EACH" ] &&
		[ "$(xstat steer_passed_stale)" = 0 ] && [ "$(xstat steer_passed_stopped)" = 0 ] && return
	echo "again by SEED=$SEED"
	show "$TMP/fwd.err"
	return 1
}

note "SEED=$SEED"
pair 2
check "$SECONDS_EACH s of sound and silence, the least stall=" hears 100ms
check "$SECONDS_EACH s of sound and silence, the default stall=" hears 1s
done_testing
