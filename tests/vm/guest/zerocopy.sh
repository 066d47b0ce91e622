# SPDX-License-Identifier: MIT
# zerocopy.sh - a NIC that takes zero-copy: every queue has it, its frames stand on its node, no
# byte is lost or changed, and links, kills and restarts leave it working.
. ./lib.sh

# frames_on_node PID NODE: the hugepages it maps are there, and on that node alone
frames_on_node() {
	grep -q " huge .*N$2=" "/proc/$1/numa_maps" &&
		! grep " huge " "/proc/$1/numa_maps" | grep -q "N$((1 - $2))=" ||
		{ grep huge "/proc/$1/numa_maps"; return 1; }
}
# zero_copy OUT QUEUES: the port runs in that mode with as many queues
zero_copy() {
	said "$1" '"mode": *"zero-copy"' || return 1
}

for node in 1 0; do
	eval "here=\$nic$node there=\$nic$((1 - node))"
	check "node $node: macswap with mode=zc" forward echo "$here" ,driver=af_xdp,mode=zc macswap || continue
	echo=$pid
	check "node $node: frames on hugepages of its node" frames_on_node "$echo" "$node"
	check "node $node: 200000 packets there and back, every byte" exact 200000 "$there" ,driver=af_xdp,mode=zc "$here"
	intact=$?
	check "node $node: the sender too was zero-copy" zero_copy gen
	check "node $node: ends in order" end "$echo"
	check "node $node: all queues were zero-copy" zero_copy echo
	[ $intact = 0 ] || show echo
	check "node $node: nothing stays attached" no_xdp "$here"
done
