#!/bin/bash
# SPDX-License-Identifier: MIT
# test_kills.sh - kill -9 at random points of start, run and stop under load, in each mode and with one port or
# two: the host has its traffic back at once, nothing is left behind, and a restart succeeds.
# SEED=N repeats a run.
# shellcheck source=tests/net/lib.sh
. "$(dirname "$0")/../net/lib.sh"

KILLS=6 END_MS=0; [ -z "${PLX_LONG:-}" ] || { KILLS=100; END_MS=$(($(now_ms) + PLX_LONG * 1000)); }
SEED=${SEED:-$((EPOCHSECONDS % 32768))}
RANDOM=$SEED
HOST_MS=$((1000 * SLOW)) RESTART_MS=$((2000 * SLOW))
MODES=(driver=af_xdp,mode=native driver=af_xdp,mode=generic driver=packet)
POINTS=(start run stop)

addr_of() { at "${1}" cat "/sys/class/net/$2/address"; }
second_pair() {
	ip link add vc numtxqueues 2 numrxqueues 2 netns "${NS}a" type veth \
		peer name vd numtxqueues 2 numrxqueues 2 netns "${NS}b" || return 1
	at a ip addr add 10.9.1.1/24 dev vc && at b ip addr add 10.9.1.2/24 dev vd || return 1
	at a ethtool -K vc gro on >/dev/null 2>&1; at b ethtool -K vd gro on >/dev/null 2>&1
	at a ip link set vc up && at b ip link set vd up
}
# Known neighbours: an ARP request that was lost meanwhile is repeated only once a second.
neighbours() {
	at a ip neigh replace 10.9.0.2 lladdr "$(addr_of b vb)" dev va nud permanent &&
		at b ip neigh replace 10.9.0.1 lladdr "$(addr_of a va)" dev vb nud permanent &&
		at a ip neigh replace 10.9.1.2 lladdr "$(addr_of b vd)" dev vc nud permanent &&
		at b ip neigh replace 10.9.1.1 lladdr "$(addr_of a vc)" dev vd nud permanent
}
load() {
	start load b "$FWD" -l "$LC" -m 64M --name load --idle adaptive --iface vb,rxqs=0 --iface vd,rxqs=0 -- \
		--mode txonly --flows 64 --length 60 --rate 40k --max-loss 100%
	LOAD=$PID
	within $PATIENCE running load
}

# launch MODE PORTS: starts the program, and no more; pid in $PID
launch() {
	local ifaces=(--iface "va,$1")
	[ "$2" = 1 ] || ifaces+=(--iface "vc,$1")
	start fwd a "$FWD" -l "$LC" -m 64M --name victim --idle adaptive "${ifaces[@]}" -- --mode rxonly --max-loss 100%
}
pause_ms() { sleep "$(printf '0.%03d' $((RANDOM % $1)))"; }
# struck POINT MODE PORTS: a program is killed at a random moment of that part of its life
struck() {
	launch "$2" "$3"
	case $1 in
	start) pause_ms 400 ;;
	run) within $PATIENCE running fwd || return 1; pause_ms 500 ;;
	stop) within $PATIENCE running fwd || return 1; pause_ms 300; kill -TERM "$PID"; pause_ms 80 ;;
	esac
	kill -KILL "$PID" 2>/dev/null
	true
}
no_packet_sockets() { [ "$(at a cat /proc/net/packet | wc -l)" = 1 ]; }
no_processes() { [ -z "$(ip netns pids "${NS}a")" ]; }
unattached() { ! at a ip link show va | grep -q xdp && ! at a ip link show vc | grep -q xdp; }
# That no queue is held, the restart shows: it needs them all.
all_free() { no_processes && unattached && no_packet_sockets; }
seen() { # seen MODE: none of that holds while a program runs
	! no_processes && case $1 in driver=packet) ! no_packet_sockets ;; *) ! unattached ;; esac
}
both_answer() { pings b 10.9.0.1 0.1 && pings b 10.9.1.1 0.1; }
what_is_left() { ip netns pids "${NS}a"; at a ip link show; at a cat /proc/net/packet; }

round() {
	local point=$1 mode=$2 ports=$3 t0 ms
	struck "$@" || { echo "it does not start"; return 1; }
	t0=$(now_ms)
	within $PATIENCE both_answer || { echo "the host never answers"; what_is_left; return 1; }
	ms=$(( $(now_ms) - t0 ))
	[ $ms -le "$host_worst" ] || host_worst=$ms
	[ $ms -le $HOST_MS ] || { echo "the host answered after $ms ms"; return 1; }
	launch "$mode" "$ports"; t0=$(now_ms)
	within $PATIENCE running fwd || { echo "no restart"; what_is_left; return 1; }
	ms=$(( $(now_ms) - t0 ))
	[ $ms -le "$again_worst" ] || again_worst=$ms
	[ $ms -le $RESTART_MS ] || { echo "the restart took $ms ms"; return 1; }
	! grep 'live view\|--live' "$TMP/fwd.err" || { echo "the dead program's live view is in the way"; return 1; }
	within $PATIENCE seen "$mode" || { echo "a program that runs is not seen"; what_is_left; return 1; }
	end "$PID" TERM || { echo "the restart ended with exit code $?"; return 1; }
	within 1 all_free || { echo "something is left behind"; what_is_left; return 1; }
	alive "$LOAD" || { echo "the load ended"; show "$TMP/load.err"; return 1; }
}
host_worst=0 again_worst=0 count=0
kills() {
	local i=0 point mode ports
	while [ $i -lt $KILLS ] || [ "$(now_ms)" -lt $END_MS ]; do
		i=$((i + 1)) count=$i
		# each mode and point comes as often, in random company
		mode=${MODES[i % 3]} point=${POINTS[(i / 3 + RANDOM) % 3]} ports=$((1 + RANDOM % 2))
		round "$point" "$mode" "$ports" && continue
		echo "kill $i, in $point, $mode, $ports ports; again by SEED=$SEED"
		show "$TMP/fwd.err"
		return 1
	done
}

note "SEED=$SEED"
pair 2
check "a second pair" second_pair
check "known neighbours" neighbours
check "a load on both" load
check "$KILLS kills or more: the host within $HOST_MS ms, a restart within $RESTART_MS ms, nothing left" kills
note "$count kills: at worst the host answered after $host_worst ms, and a restart took $again_worst ms"
check "the load ends" end "$LOAD"
done_testing
