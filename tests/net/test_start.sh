#!/bin/bash
# SPDX-License-Identifier: MIT
# test_start.sh - how long a start takes, how much memory it holds beyond its pool, and how often it asks about an interface.
# shellcheck source=tests/net/lib.sh
. "$(dirname "$0")/lib.sh"

# first_packets HUGE LIMIT: starts under load, from exec to the first packet sent back.  Others use the machine,
# so what counts is the clock's time less that in which the main thread was ready and others had the CPU,
# or the CPU time of all threads where that is more.  One start of up to 30 has to meet the limit, seven are
# made: a program that sleeps or works too long meets it never, however quiet the moment.
first_packets() {
	local i ms
	: >"$TMP/ms"
	for i in $(seq 30); do
		at a python3 "$HERE/first_packet.py" /sys/class/net/va/statistics/tx_packets "$FWD" -l "$LC" -m 64M \
			--huge "$1" --idle adaptive --log-level error --iface va -- --mode macswap >>"$TMP/ms" || return 1
		ms=$(awk '{ print ($1 - $2 > $3) ? $1 - $2 : $3 }' "$TMP/ms" | sort -n | head -n 1)
		[ "$i" -lt 7 ] || [ "$ms" -ge "$2" ] || break
	done
	note "start to first packet with -m 64M, --huge $1: $ms ms (clock, of it waiting for a CPU, CPU time: $(paste -sd, "$TMP/ms"))"
	[ "$ms" -lt "$2" ] || { echo "best of $i: $ms ms, wanted < $2"; return 1; }
}
resident() { # beyond the pool of 64 MiB, which counts as resident unless it is on hugepages
	forward fwd a macswap va || return 1
	local kb
	kb=$(awk '/^VmRSS/ { kb += $2 } /^HugetlbPages/ { kb += $2 } END { print kb - 65536 }' "/proc/$PID/status")
	note "resident beyond the pool: $kb KiB"
	[ "$kb" -lt 20480 ] || { echo "$kb KiB, wanted < 20480"; grep -E 'Rss|Huge' "/proc/$PID/status"; return 1; }
	end "$PID"
}
# asks N ARGUMENTS...: a start asks N times at most for all there is to know of va: each such question asks for the
# address, once.
asks() {
	local want=$1 n; shift
	at a timeout 60 strace -f -qq -e trace=ioctl -o "$TMP/trace" "$FWD" -l "$LC" -m 64M --idle adaptive --log-level error \
		"$@" -- --mode macswap --duration 100ms >"$TMP/out" 2>&1 </dev/null || { show "$TMP/out"; return 1; }
	n=$(grep -c 'SIOCGIFHWADDR, {ifr_name="va"' "$TMP/trace")
	[ "$n" -ge 1 ] && [ "$n" -le "$want" ] || { echo "asked $n times, wanted $want at most"; grep SIOC "$TMP/trace"; return 1; }
}
asked_twice() { # before there is a plan, and once XDP is attached
	asks 2 --iface va && asks 2 --iface va,rxqs=1 && asks 2 --iface va,mode=generic && asks 1 --iface va,driver=packet &&
		asks 3 --iface va,queues=1 --iface va,queue=1,queues=1 && asks 1 --iface va --setup=check --dry-run
}
pair 2
start load b "$FWD" -l "$LC" -m 64M --idle adaptive --iface vb,steer=none -- \
	--mode txonly --flows 64 --length 60 --rate 10k --duration 600 --max-loss 100%
load=$PID
within $PATIENCE running load
limit=$((150 * SLOW * SLOW)) # a start is computing, which an emulated machine does 10 to 30 times slower
[ "${PLX_CONFIG:-gcc}" = gcc ] || limit=$((3000 * SLOW)) # a sanitizer's start is its own
check "start to first packet < $limit ms, hugepages if there are any" first_packets prefer $limit
check "start to first packet < $limit ms, small pages" first_packets never $limit
end "$load"
[ "${PLX_CONFIG:-gcc}" = gcc ] && check "less than 20 MiB resident beyond the pool" resident
if command -v strace >/dev/null; then
	check "a start asks about an interface once, and once more when XDP is attached" asked_twice
else
	skip "a start asks about an interface once, and once more when XDP is attached" "strace is not installed"
fi
done_testing
