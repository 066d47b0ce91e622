#!/bin/bash
# SPDX-License-Identifier: MIT
# test_counters.sh - counters add up wherever they are told, while the kernel drops most of what comes: offered =
# received + every drop; sent by the one end = offered to the other + passed to its host; sent = arrived + every drop
# when the far end goes down or the sender ends.  A run that lost packets is not ok.
# shellcheck source=tests/net/lib.sh
. "$(dirname "$0")/lib.sh"

FLOOD=200000; [ -z "$FAST" ] || FLOOD=100000
RING=64 BURST=32
CPU=$(lcores 1) # of both ends: what the one sends in its time, the other cannot take out of its rings meanwhile
live() { "$BUILD/apps/pollux" live "$@" fwd; [ $? -le 1 ]; } # 1: something is found, drops
# where NAPI lags behind, veth drops what finds its ring full, and the sender tells it
LOSS=(); [ "$SLOW" = 1 ] || LOSS=(--max-loss 100%)
READER=
adds_up() { # adds_up WHAT FILE [SLACK]
	python3 "$HERE/adds_up.py" "$@" || { echo "^ $1 of ${2##*/}"; return 1; }
}
# flood KEYS OPTION...: starts the reader, and floods it from the other end till all is sent; pid of the reader in $READER
flood() {
	local keys=$1; shift
	[ -z "$READER" ] || kill -KILL "$READER" 2>/dev/null # of a case that failed
	start fwd a "$FWD" -l "$CPU" -m 64M --name fwd --idle adaptive --iface "va,rxqs=2,rxd=$RING,$keys" \
		-- --mode rxonly \
		--burst $BURST "$@"
	READER=$PID
	within $PATIENCE running fwd || { show "$TMP/fwd.err"; return 1; }
	within $PATIENCE is_read || { echo "its queues are not read"; return 1; }
	start gen b "$FWD" -l "$CPU" -m 64M --name gen --idle adaptive --iface "vb,rxqs=0,txqs=$TXQS" -- --mode txonly \
		--flows 64 \
		--count $FLOOD --json ${LOSS[@]+"${LOSS[@]}"}
}
is_read() {
	live --json >"$TMP/l" && [ "$(field_of "$TMP/l" 'min(q["bursts"] for q in o["ports"][0]["rxqs"])')" != 0 ]
}
field_of() { python3 -c 'import json, sys; o = json.load(open(sys.argv[1])); print(eval(sys.argv[2]))' "$1" "$2"; }
of_summary() { python3 -c 'import json, sys
o = json.loads([l for l in open(sys.argv[1]) if l.startswith("{")][-1]); p = o["ports"][0]; x = p["xstats"]; print(eval(sys.argv[2]))' "$1" "$2"; }
# drained: what stood in the rings was read, and each frame is told of, here and there
drained() {
	live >"$TMP/text" && live --json >"$TMP/json" && adds_up live "$TMP/text" && adds_up live-json "$TMP/json"
}

# overload KEYS: five places that tell of it
overload() {
	local sent offered
	flood "$1" --json --stats-period 100ms --max-loss 100% || return 1
	for _ in 1 2 3; do # within what the rings and a burst hold
		live --json >"$TMP/json" && adds_up live-json "$TMP/json" $((RING + BURST)) || return 1
	done
	finish "$PID" $((2 * PATIENCE)) || { echo "the sender ended with $?"; show "$TMP/gen.err"; return 1; }
	within $PATIENCE drained || { drained; return 1; }
	[ "$(field_of "$TMP/json" '[f for f in o["findings"] if f["name"] == "unaccounted"]')" = '[]' ] ||
		{ echo "unaccounted"; return 1; }
	end "$READER" || { echo "the reader ended with $?"; show "$TMP/fwd" "$TMP/fwd.err"; return 1; }
	adds_up summary "$TMP/fwd" && adds_up intervals "$TMP/fwd" $((2 * (RING + BURST))) || return 1
	sent=$(of_summary "$TMP/gen" 'p["tx_packets"]') offered=$(of_summary "$TMP/fwd" 'p["rx_offered"]')
	note "$1: $sent sent, $offered offered, $(of_summary "$TMP/fwd" 'p["rx_packets"]') received," \
		"$(of_summary "$TMP/fwd" '{k: v for k, v in x.items() if k.startswith("rx_drop_") and v}')"
	[ "$sent" = $((offered + $(of_summary "$TMP/fwd" 'sum(v for k, v in x.items() if k.startswith("steer_passed"))'))) ] ||
		{ echo "$sent sent, $offered offered, and $(of_summary "$TMP/fwd" x)"; return 1; }
	# an emulated sender is hardly faster than the reader
	[ "$offered" -gt $(((SLOW == 1 ? 3 : 2) * $(of_summary "$TMP/fwd" 'p["rx_packets"]'))) ] ||
		{ echo "hardly any were dropped"; return 1; }
	[ "$(of_summary "$TMP/fwd" 'min(q["drops"] for q in p["rxq"]) > 0 and o["total"]["lost"] > 0')" = True ] ||
		{ echo "a queue dropped none, or none is lost"; tail -n 1 "$TMP/fwd"; return 1; }
}
# not_ok KEYS: nobody asked to overlook it
not_ok() {
	flood "$1" --stats-period 100ms && finish "$PID" $((2 * PATIENCE)) || return 1
	end "$READER"
	local rc=$?
	[ $rc = 6 ] || { echo "exit code $rc, wanted 6"; show "$TMP/fwd"; return 1; }
	tail -n 1 "$TMP/fwd" | grep -qE '^result: FAILED: [0-9]+ packets lost, [0-9]+ by va rx_drop_[a-z_]+: .*rxd=; or allow it with --max-loss$' ||
		{ show "$TMP/fwd"; return 1; }
	adds_up table "$TMP/fwd" $((2 * (RING + BURST)))
}
cases() { # cases NAME KEYS
	check "$1: it adds up in five places while most is dropped" overload "$2"
	check "$1: and such a run is not ok" not_ok "$2"
}
TXQS=2
pair 2
cases native driver=af_xdp,mode=native
cases packet driver=packet
unpair
TXQS=3
pair 2 3 # as in test_traffic.sh
cases generic driver=af_xdp,mode=generic
unpair

# What the sender tells against what the far end's kernel counts.  Without NAPI that is what was handed to it.
stat() { at "${1#v}" cat "/sys/class/net/$1/statistics/$2"; }
sends() { # sends KEYS OPTION...
	local keys=$1; shift
	BEFORE=$(stat vb rx_packets)
	start gen a "$FWD" -l "$CPU" -m 64M --name gen --idle adaptive --iface "va,rxqs=0,txqs=2,$keys" \
		-- --mode txonly --flows 64 \
		--json "$@"
	within $PATIENCE running gen || { show "$TMP/gen.err"; return 1; }
}
# all_told: what was taken arrived or is in a counter
all_told() {
	local arrived=$(($(stat vb rx_packets) - BEFORE))
	note "$(of_summary "$TMP/gen" 'o["total"]["sent"]') sent, $arrived arrived, dropped $(of_summary "$TMP/gen" 'p["tx_drops"]')"
	[ "$(of_summary "$TMP/gen" 'o["total"]["sent"], p["tx_packets"]')" = "($arrived, $arrived)" ] && return
	echo "$arrived arrived, but told is $(of_summary "$TMP/gen" 'o["total"], x')"
	return 1
}
ends_under_load() { sends "$1" --duration 0.5 --max-loss 100% && { finish "$PID" $PATIENCE || return; } && all_told; }
far_end_down() {
	sends "$1" --rate 200k --max-loss 100% || return 1
	within $PATIENCE arrives || { echo "nothing arrives"; return 1; }
	at b ip link set vb down
	within $PATIENCE is_full || { echo "its rings do not fill up"; return 1; }
	end "$PID" || { echo "ended with $?"; show "$TMP/gen" "$TMP/gen.err"; return 1; }
	at b ip link set vb up
	all_told
}
arrives() { [ "$(stat vb rx_packets)" -gt $((BEFORE + 1000)) ]; }
is_full() { # nothing is taken any more
	"$BUILD/apps/pollux" live --json gen >"$TMP/l"
	[ "$(field_of "$TMP/l" 'sum(q["stops"]["ring_full"] + q["stops"]["link_down"] for q in o["ports"][0]["txqs"]) > 100')" = True ]
}
pair 2
at b ethtool -K vb gro off
for driver in packet,txd=256 af_xdp,mode=native,txd=256; do
	check "$driver: the sender ends under load" ends_under_load "driver=$driver"
	check "$driver: the far end goes down" far_end_down "driver=$driver"
done

# ---- what plx-fwd says of a run in which nothing goes right ----

# tells CODE PYTHON OPTION...: of the JSON of a run with one lcore
tells() {
	local code=$1 what=$2 rc; shift 2
	at a timeout -k 1 $PATIENCE "$FWD" -l "$CPU" -m 64M --idle adaptive "$@" --json --stats-period 0 >"$TMP/gen" 2>"$TMP/gen.err" </dev/null
	rc=$?
	[ $rc = "$code" ] && [ "$(of_summary "$TMP/gen" "bool($what)")" = True ] && return
	echo "exit code $rc, wanted $code and $what"; show "$TMP/gen" "$TMP/gen.err"
	return 1
}
nothing_verified() { tells 6 '"0 packets of a generator seen" in o["failed"] and o["total"]["received"] == o["total"]["received_bytes"] == 0 and o["total"]["foreign"] >= 1000' --iface n,driver=null -- --mode rxonly --verify --count 1000; }
check "a run that verified nothing ends by --count, and is not ok" nothing_verified
none_back() { tells 6 '"none came back" in o["failed"]' --iface va,driver=packet -- --mode flowgen --count 100 --drain 100ms; }
check "nothing comes back: said so" none_back
dry() { says 2 'no port: name an interface' at a "$FWD" --dry-run; }
check "--dry-run without a port: as the start" dry
at b ip link set vb down
for driver in packet af_xdp,mode=native; do
	unsent() { tells 6 'o["total"]["sent_bytes"] == o["total"]["sent"] == p["tx_bytes"] == 0 and ("could be sent, va tx_stop_link_down" in o["failed"] or "tx_drop_device" in o["failed"] or "tx_drop_closed" in o["failed"]) and o["duration_ns"] < 5e8' --iface "va,rxqs=0,driver=$driver" -- --mode txonly --duration 300ms; }
	check "$driver: a generator that could send nothing is not ok" unsent
done
# full: by two pollers, one counter; of a port whose name is not UTF-8
full() {
	at a ip link add $'v\xff' numtxqueues 2 numrxqueues 2 type veth peer name v2 && at a ip link property add dev $'v\xff' altname full && at a ip link set full up || return 1
	tells 6 'o["total"]["tx_dropped"] == o["total"]["lost"] and "%d packets lost, %d by " % ((o["total"]["lost"],) * 2) in o["failed"] and o["ports"][1]["xstats"]["tx_full"] == o["total"]["lost"] and o["ports"][1]["name"] == "v\xff"' \
		--iface n,driver=null,rxqs=2,txqs=2 --iface full,driver=packet,rxqs=0,txqs=2 -- --mode io --count 1 --duration 200ms
}
check "what a transmit queue did not take is one counter of its port" full
done_testing
