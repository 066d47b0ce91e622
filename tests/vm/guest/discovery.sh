# SPDX-License-Identifier: MIT
# discovery.sh - bed "discovery": what the plan says of each queue's interrupt, its CPU and node
# against the kernel's own files, and where it puts the lcores then.
. ./lib.sh

plan() { plx-fwd --dry-run --iface "$@" 2>&1; }

# irq_of NIC QUEUE - by the names the driver gave, found another way than discovery does
irq_of() {
	v=$(basename "$(readlink -f "/sys/class/net/$1/device")")
	sed -n "s/^ *\([0-9]*\):.* $v-input\.$2\$/\1/p" /proc/interrupts
}
on_node() { # CPU NODE
	[ -e "/sys/devices/system/node/node$2/cpu$1" ]
}

# cpu_of IRQ - the CPU it goes to.  A new affinity takes effect with the next interrupt: what the files call
# effective is where the last one went
cpu_of() {
	cpu=$(cat "/proc/irq/$1/smp_affinity_list")
	case $cpu in
	*[-,]*) cat "/proc/irq/$1/effective_affinity_list" ;;
	*)      echo "$cpu" ;;
	esac
}

# irqs_agree NIC - the plan's line of each queue is what the files say
irqs_agree() {
	plan "$1" > /tmp/plan
	for q in 0 1 2 3; do
		irq=$(irq_of "$1" "$q")
		cpu=$(cpu_of "$irq")
		node=0; on_node "$cpu" 1 && node=1
		grep -q "^queue    $1:$q interrupt $irq on CPU $cpu node $node (by " /tmp/plan || {
			echo "queue $q: irq $irq CPU $cpu node $node; the plan:"; cat /tmp/plan; return 1
		}
	done
}
cpu_polling() { # NIC QUEUE, of /tmp/plan with a queue for each lcore: the CPU
	sed -n "s/^lcore .* CPU \([0-9]*\) .*polls $1:$2\$/\1/p" /tmp/plan
}

check "interrupts of the NIC on node 1" irqs_agree "$nic1"
check "interrupts of the NIC on node 0" irqs_agree "$nic0"
check "the NIC's node" grep -q " node 0 MTU" /tmp/plan

# The interrupt of queue 0 goes to CPU 2: a single lcore polls beside it, on the node, or on it when asked
irq=$(irq_of "$nic1" 0)
echo 2 > "/proc/irq/$irq/smp_affinity_list"
plan "$nic1" > /tmp/plan
check "a change that no interrupt has followed yet counts" grep -q "^queue    $nic1:0 interrupt $irq on CPU 2 " /tmp/plan
moved() {
	# the change takes effect with the next interrupt
	ping -c 1 -W 1 -I "$nic1" 192.0.2.77 > /dev/null 2>&1
	ping -c 1 -W 1 -I "$nic0" 192.0.2.77 > /dev/null 2>&1
	[ "$(cat "/proc/irq/$irq/effective_affinity_list")" = 2 ]
}
ip addr add 192.0.2.1/24 dev "$nic1"
ip addr add 192.0.2.2/24 dev "$nic0"
check "the interrupt moved to CPU 2" wait_for 20 moved
plan "$nic1,rxqs=1,txqs=1" > /tmp/plan
check "auto: beside, on the node" [ "$(cpu_polling "$nic1" 0)" = 3 ] || cat /tmp/plan
plan "$nic1,rxqs=1,txqs=1" --placement same-core > /tmp/plan
check "same-core: on it" [ "$(cpu_polling "$nic1" 0)" = 2 ] || cat /tmp/plan
