#!/bin/bash
# SPDX-License-Identifier: MIT
# test_wakeups.sh - wake-ups that fail now and then, with every errno there is, while a program sends 100000
# packets/s: hardly any less are sent, queues are seldom opened anew, every packet is sent or counted, every frame
# comes home.  SEED=N repeats a run.
# shellcheck source=tests/net/lib.sh
. "$(dirname "$0")/../net/lib.sh"

ERRORS=500 CALM=1 SPELLS=1; [ -z "${PLX_LONG:-}" ] || { ERRORS=10000; CALM=5; SPELLS=5; }
SEED=${SEED:-$EPOCHSECONDS}
RATE=100000 AT_A_TIME=100 # errors a second

stat() { at "${1#v}" cat "/sys/class/net/$1/statistics/$2"; }
got() { sed -n "s/^$1 \([0-9-]*\).*/\1/p" "$TMP/storm"; } # got NAME
# judge NAME OPERATOR VALUE WORDS
judge() {
	local v; v=$(got "$1")
	[ -n "$v" ] && [ "$v" "$2" "$3" ] && return
	echo "$4: $1 is ${v:-not told}, wanted $2 $3"
	return 1
}
# What was taken is at the far end, or stands in a counter of the queue or of the interface.  An injected
# EBUSY is counted as a frame that the device dropped, as the kernel means it, but none was.
accounted() {
	local drops far near
	drops=$(awk '/^drop_/ { n += $2 } END { print n + 0 }' "$TMP/storm")
	far=$(($(stat vb rx_packets) - far0)) near=$(($(stat va tx_dropped) - near0))
	note "taken $(got taken): $far arrived, $((drops - $(got busy))) dropped by the queue, $near by the interface"
	[ "$(got taken)" = $((far + near + drops - $(got busy))) ] && return
	echo "taken $(got taken), but $far arrived, $drops dropped ($(got busy) EBUSY among them), the interface dropped $near"
	return 1
}
judged() { # judged QUEUES
	local bad=0 ms
	ms=$(got storm_ms)
	judge injected -ge "$ERRORS" "too few calls failed" || bad=1
	judge errnos -eq 133 "not every errno came" || bad=1
	judge calm_pps -ge $((RATE / 2)) "the machine is too busy to tell anything" || bad=1
	judge storm_pps -ge $(($(got calm_pps) * 9 / 10)) "less than 0.9 of the undisturbed rate" || bad=1
	judge stuck -eq 0 "queues are not opened anew while EINVAL lasts" || bad=1
	judge repairs -ge $((SPELLS * $1)) "EINVAL that lasts opens no queue anew" || bad=1
	judge repairs -le $(($1 * (ms / 1000 + 2 * SPELLS + 2))) "queues are opened anew too often in $ms ms" || bad=1
	judge reopens -eq "$(got repairs)" "lines that tell of it" || bad=1
	[ "$(got least_gap_ms)" = 0 ] || judge least_gap_ms -ge 900 "a queue is opened anew more than once a second" || bad=1
	judge removed -eq 0 "the port was given up" || bad=1
	judge avail -eq "$(got frames)" "frames are not at home" || bad=1
	judge audit -eq 0 "the pool's audit" || bad=1
	accounted || bad=1
	[ $bad = 0 ] || { cat "$TMP/storm"; tail -n 30 "$TMP/storm.err"; }
	return $bad
}
storm() { # storm QUEUES LCORES KEYS
	local far0 near0 rc
	far0=$(stat vb rx_packets) near0=$(stat va tx_dropped)
	start storm a "$BUILD/tests/long/wakeups" "$ERRORS" $AT_A_TIME $CALM $SPELLS $RATE "$SEED" \
		-l "$(lcores "$2")" -m 64M --idle busy --iface "va,queues=$1,$3"
	finish "$PID" $((6 * ERRORS / AT_A_TIME + 2 * CALM + 10 * SPELLS + 60)); rc=$?
	[ $rc = 0 ] || { echo "exit code $rc"; show "$TMP/storm" "$TMP/storm.err"; return 1; }
	note "$3, $1 queues: $(got injected) failures of $(got errnos) errnos in $(got storm_ms) ms, $(got storm_pps) of" \
		"$(got calm_pps) packets/s, opened anew $(got repairs) times"
	judged "$1"
}

note "SEED=$SEED"
pair 2
start load b "$FWD" -l "$LC" -m 32M --name load --idle adaptive --iface vb,rxqs=0 -- --mode txonly --flows 64 \
	--rate 5k --max-loss 100%
LOAD=$PID
check "frames to receive all the while" within $PATIENCE running load
check "$ERRORS failures, one queue and lcore" storm 1 1 mode=native
ERRORS=$((ERRORS / 2))
check "$ERRORS failures, two queues and lcores" storm 2 2 mode=native
check "$ERRORS failures, generic copy" storm 1 1 mode=generic
check "the load ends" end "$LOAD"
done_testing
