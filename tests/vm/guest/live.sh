# SPDX-License-Identifier: MIT
# live.sh - bed "live": what a running program finds on real interrupts and nodes.  The interrupts of
# its queues move onto its lcore's CPU and back; then its lcore is on the other node than the NIC.
. ./lib.sh

# One lcore on the node of the NIC; the node's other CPU has the interrupts
lcore=3 beside=2

irqs_to() { # CPU [WHICH]: of both NICs, or of queues of one direction
	for i in $(sed -n "s/^ *\([0-9]*\):.* virtio[0-9]*-${2:-[io][nu]}.*put\.[0-9]*\$/\1/p" /proc/interrupts); do
		echo "$1" > "/proc/irq/$i/smp_affinity_list" || return 1
	done
}
program() { # CPU: on NIC 1, all its queues
	start fwd -l "$1" --name live --iface "$nic1,stall=off" -- --mode rxonly
	fwd=$pid
	wait_for 30 running fwd || { show fwd; return 1; }
}
# found PATTERN: what pollux live tells has it.  An emulated CPU is slow, and the program looks no
# oftener than once in two hundred times of what a look takes.
long=120
found() { pollux live live > /tmp/live 2>&1; grep -q -- "$1" /tmp/live; }
not_found() { ! found "$1" && grep -q '^lcore' /tmp/live; }
compared() { pollux live --json live > /tmp/live 2>&1; [ "$(sed -n 's/^ *"samples": \([0-9]*\),*$/\1/p' /tmp/live)" -ge 1 ]; }

check "interrupts go beside the lcore" irqs_to $beside
start gen -l 0 --iface "$nic0,stall=off" -- --mode txonly --flows 64 --length 60 --rate 2k --duration 600 --peer-mac "$(mac_of "$nic1")"
gen=$pid
check "frames come" wait_for 30 running gen || show gen
sleep 1 # an interrupt moves when it comes
check "a program starts" program $lcore
check "it is compared with the plan" wait_for $long compared || cat /tmp/live
check "interrupts and nodes are as planned" not_found 'irq_moved\|irq_here\|far_' || cat /tmp/live

check "interrupts move onto the lcore's CPU" irqs_to $lcore in
check "that they moved is found" wait_for $long found "^FOUND    $nic1 queue [0-3]: irq_moved, .* went from CPU $beside to CPU $lcore\$" || cat /tmp/live
check "that they land on the lcore is found" wait_for $long found "^FOUND    lcore $lcore: irq_here, .* (virtio[0-9]*-input.[0-3]) comes [0-9]* times a second on CPU $lcore\$" || cat /tmp/live
check "both are told in the log" eval 'grep -q "warning: .*: irq_moved: " /tmp/fwd.err && grep -q "warning: .*: irq_here: " /tmp/fwd.err' || show fwd
fix=$(sed -n 's/^         fix: \(echo [0-9]* > [^,]*\),.*/\1/p' /tmp/live | head -n 1)
check "the command that is told moves one back" sh -c "$fix" || echo "fix: $fix"
check "the others go back" irqs_to $beside
check "and are found to be there" wait_for $long not_found irq_moved || cat /tmp/live
check "the program ends" end "$fwd"

check "a program on the other node starts" program 1
check "that its lcore is far from the NIC is found" wait_for $long found "^FOUND    $nic1: far_lcore, .* on node 1, and 4 of its 4 receive queues are polled on other nodes: queue 0 by lcore 1 on node 0\$" || cat /tmp/live
check "it ends" end "$fwd"
check "the frames end" end "$gen"
exit 0 # the lines above tell
