# SPDX-License-Identifier: MIT
# zerocopy.sh - a NIC that takes zero-copy: every queue has it, its frames stand on its node, no
# byte is lost or changed, and links that flap and programs that are killed leave it working.
. ./lib.sh

# frames_on_node PID NODE: its hugepages are there, and on that node alone
frames_on_node() {
	grep -q " huge .*N$2=" "/proc/$1/numa_maps" &&
		! grep " huge " "/proc/$1/numa_maps" | grep -q "N$((1 - $2))=" ||
		{ grep huge "/proc/$1/numa_maps"; return 1; }
}
# every_queue OUT: the port is zero-copy and each of its four queues moved packets
every_queue() {
	said "$1" '"mode": *"zero-copy"' || return 1
	for q in 0 1 2 3; do
		grep -q "\"rx_q${q}_packets\":[1-9]" "/tmp/$1" || { show "$1"; return 1; }
	done
}

# there_and_back NODE COUNT: the NIC of NODE sends back what the other one generates
there_and_back() {
	eval "here=\$nic$1 there=\$nic$((1 - $1))"
	check "node $1: macswap with mode=zc" forward echo "$here" ,driver=af_xdp,mode=zc macswap || return
	echo=$pid
	check "node $1: frames on hugepages of its node" frames_on_node "$echo" "$1"
	check "node $1: $2 packets there and back, every byte" exact "$2" "$there" ,driver=af_xdp,mode=zc "$here"
	intact=$?
	check "node $1: the generator was zero-copy on every queue" every_queue gen
	check "node $1: ends in order" end "$echo"
	check "node $1: the echo was zero-copy on every queue" every_queue echo
	[ $intact = 0 ] || show echo
	check "node $1: nothing stays attached" no_xdp "$here"
}
there_and_back 1 200000
there_and_back 0 20000

check "doctor does not know what only the bind tells" doctor_says SKIP zero-copy "$nic1"

# ---- links ----

check "links: macswap" forward echo "$nic1" ,driver=af_xdp,mode=zc macswap
echo=$pid
links 0,1 ,driver=af_xdp,mode=zc

# ---- kill -9 under load, with the peer in a namespace, so that the host's stack can be asked ----

ip addr add 10.9.0.1/24 dev "$nic1"
ip netns add peer
ip link set "$nic0" netns peer
ip netns exec peer ip addr add 10.9.0.2/24 dev "$nic0"
ip netns exec peer ip link set "$nic0" up
pings() { ip netns exec peer ping -c 1 -W 1 10.9.0.1 > /dev/null; }
silent() { ! pings; }

check "kill: the interface is taken from the host" wait_for 10 silent
at="/bin/ip netns exec peer" # not the function: its pid would be a shell's
start load -l 0,1 --iface "$nic0,driver=af_xdp,mode=zc,steer=none" -- --mode txonly --rate 2k \
	--peer-mac "$(mac_of "$nic1")"
at=
load=$pid
before=$(rx "$nic1")
check "kill: load" wait_for 20 more "$nic1" $((before + 500))
kill -KILL "$echo"
check "kill: the program is gone" wait_for 2 no_xdp "$nic1"
check "kill: the host answers ping" wait_for 5 pings
check "kill: a restart takes the queues at once" forward echo "$nic1" ,driver=af_xdp,mode=zc rxonly
echo=$pid
check "kill: the restarted one ends in order" end "$echo"
check "kill: and is zero-copy" said echo '"mode": *"zero-copy"'
check "kill: the load ends in order" end "$load" || { echo "exit code $?"; show load; }
exit 0 # the lines above tell
