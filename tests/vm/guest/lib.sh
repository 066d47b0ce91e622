# SPDX-License-Identifier: MIT
# lib.sh - what the guest's test scripts share: results, the two NICs, waiting.  Sourced by
# guest/*.sh; runs under busybox sh as root, with the machine to itself.
#
# One result a line: "ok NAME", "not ok NAME", "skip NAME: REASON"; run counts them.
set -u

# busybox would take its own ip, which knows neither XDP nor namespaces
ip() { /bin/ip "$@"; }

ok() { echo "ok $*"; }
not_ok() { echo "not ok $*"; }
check() { # NAME COMMAND...
	name=$1; shift
	if "$@"; then ok "$name"; else not_ok "$name"; return 1; fi
}

# wait_for SECONDS COMMAND... - polls until it succeeds
wait_for() {
	end=$(($(cut -d. -f1 /proc/uptime) + $1)); shift
	until "$@"; do
		[ "$(cut -d. -f1 /proc/uptime)" -le "$end" ] || return 1
		sleep 0.1
	done
}

node_of() { cat "/sys/class/net/$1/device/../numa_node"; }
mac_of() { cat "/sys/class/net/$1/address"; }
rxqs_of() { set -- "/sys/class/net/$1/queues"/rx-*; echo $#; }

# nic_on_node NODE - probe order is not the order of the command line: NICs go by their node
nic_on_node() {
	for n in /sys/class/net/eth*; do
		[ "$(node_of "${n##*/}")" = "$1" ] && echo "${n##*/}"
	done
}

nic0=$(nic_on_node 0)
nic1=$(nic_on_node 1)
if [ -z "$nic0" ] || [ -z "$nic1" ]; then
	not_ok "a NIC on either node"
	exit 1
fi
ip link set "$nic0" up
ip link set "$nic1" up
carrier() { [ "$(cat "/sys/class/net/$1/carrier" 2> /dev/null)" = 1 ]; }
check "both NICs have a link" eval 'wait_for 10 carrier "$nic0" && wait_for 10 carrier "$nic1"' || exit 1
