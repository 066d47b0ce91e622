#!/bin/bash
# SPDX-License-Identifier: MIT
# test_peers.sh - programs of others at the other end of the wire: dpdk-testpmd, tcpreplay, ping, arping.
# shellcheck source=tests/net/lib.sh
. "$(dirname "$0")/lib.sh"

N=20000

# testpmd_case QUEUES VDEV...: testpmd as the reflector, plx-fwd's generator verifies what it sends back
testpmd_case() {
	local queues=$1; shift
	start pmd b dpdk-testpmd --no-pci --no-huge --no-shconf --no-telemetry --file-prefix="$NS" -m 256 \
		-l "$LC" "${@/#/--vdev=}" -- --forward-mode=macswap --port-topology=loop --nb-cores=1 --rxq="$queues" --txq="$queues" \
		--total-num-mbufs=8192 --auto-start --stats-period=1
	local pmd=$PID
	within $PATIENCE grep -q 'packet forwarding packets/burst' "$TMP/pmd" || { show "$TMP/pmd.err"; return 1; }
	generate gen a va $N 20k || { show "$TMP/pmd.err"; return 1; }
	intact gen $N || return 1
	end "$pmd" || { echo "testpmd ended with $?"; show "$TMP/pmd.err"; return 1; }
	at b ip link set vb xdp off # testpmd leaves its program behind
}
pair 2
at b ip addr flush dev vb
if command -v dpdk-testpmd >/dev/null; then
	check "dpdk-testpmd with net_af_xdp returns $N packets of plx-fwd intact" testpmd_case 1 \
		net_af_xdp0,iface=vb,start_queue=0,busy_budget=0 net_af_xdp1,iface=vb,start_queue=1,busy_budget=0
	check "dpdk-testpmd with net_af_packet returns $N packets of plx-fwd intact" testpmd_case 2 \
		net_af_packet0,iface=vb,qpairs=2
else
	skip "dpdk-testpmd with net_af_xdp" "dpdk-testpmd is not installed"
	skip "dpdk-testpmd with net_af_packet" "dpdk-testpmd is not installed"
fi
unpair

pcap() { # a capture file of 64 UDP flows with N frames of many sizes
	python3 - "$1" "$2" <<-'PY'
	import struct, sys
	n = int(sys.argv[2])
	with open(sys.argv[1], "wb") as f:
	    f.write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1))
	    for i in range(n):
	        size = 60 + i * 37 % 1455
	        udp = struct.pack(">HHHH", 1000 + i % 64, 9, size - 34, 0)
	        ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, size - 14, i & 0xffff, 0, 64, 17, 0,
	                         bytes((10, 9, 0, 2)), bytes((10, 9, 0, 1)))
	        frame = b"\x02\0\0\0\0\1\x02\0\0\0\0\2\x08\0" + ip + udp + bytes(size - 42)
	        f.write(struct.pack("<IIII", 0, i, size, size) + frame)
	PY
}
tcpreplay_case() {
	pcap "$TMP/flows.pcap" 5000
	forward sink a rxonly va || return 1
	local sink=$PID
	at b tcpreplay -q -i vb --pps=20000 "$TMP/flows.pcap" >"$TMP/tcpreplay" 2>&1 || { cat "$TMP/tcpreplay"; return 1; }
	end "$sink" || return 1
	is "$TMP/sink" total.received -eq 5000
}
pair 2
if command -v tcpreplay >/dev/null; then
	check "tcpreplay's 5000 frames all arrive" tcpreplay_case
else
	skip "tcpreplay's 5000 frames all arrive" "tcpreplay is not installed"
fi

# icmpecho answers ARP and ping for the address that it takes from the question
ping_case() {
	local size
	for size in 0 56 1472; do
		at b ping -n -q -i 0.002 -c 250 -W $PATIENCE -s $size "$1" >"$TMP/ping" 2>&1
		grep -q ' 250 received' "$TMP/ping" || { cat "$TMP/ping"; return 1; }
	done
}
icmpecho_case() {
	forward echo a icmpecho "va,$1" || return 1
	local echo=$PID
	at b ip neigh flush all
	within $PATIENCE pings b 10.9.0.77 || { echo "no answer"; return 1; } # few packets may wait for ARP
	ping_case 10.9.0.77 || return 1
	at b arping -q -c 3 -i vb 10.9.0.78 || { echo "no answer to arping"; return 1; }
	end "$echo"
}
at a ip addr flush dev va
for driver in driver=af_xdp,mode=native,stall=off driver=af_xdp,mode=generic,stall=off driver=packet; do
	check "icmpecho answers ping and arping, $driver" icmpecho_case $driver
done
done_testing
