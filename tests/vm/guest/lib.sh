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
	if "$@"; then ok "$name"; else code=$?; not_ok "$name"; return $code; fi
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

# ---- plx-fwd ----

# a process nobody has waited for yet is still there, as a zombie
gone() { ! grep -q '^State:.[^Z]' "/proc/$1/status" 2> /dev/null; }

# show OUT: what a program said and counted, for the log
show() {
	tail -n 20 "/tmp/$1.err" | sed "s/^/$1: /"
	tail -n 1 "/tmp/$1" | tr '{,' '\n\n' | grep '[_a-z]":[1-9]' | tr '\n' ' ' | sed "s/^/$1: /"
	echo
}

# start OUT ARGUMENT...: plx-fwd in the background, output to /tmp/OUT and /tmp/OUT.err; pid in $pid
start() {
	out=$1; shift
	: > "/tmp/$out.err"
	# shellcheck disable=SC2086 # words, or none
	$at plx-fwd --idle adaptive "$@" --json > "/tmp/$out" 2> "/tmp/$out.err" &
	pid=$!
}
at= # what it is run by
running() { grep -q running "/tmp/$1.err"; }

# forward OUT NIC KEYS MODE [OPTION...]: starts it on NIC's node, with these options before --, waits until it forwards
forward() {
	out=$1 nic=$2 keys=$3 mode=$4; shift 4
	start "$out" -l "$(lcores_of "$nic")" --iface "$nic$keys,stall=off" "$@" -- --mode "$mode" ${allowed:-}
	wait_for 30 running "$out" || { show "$out"; return 1; }
}
lcores_of() { [ "$(node_of "$1")" = 0 ] && echo 0,1 || echo 2,3; }

# end PID: asks it to end; its exit code, 124 if it does not
end() {
	kill -INT "$1" 2> /dev/null
	wait_for 20 gone "$1" || { kill -KILL "$1"; return 124; }
	wait "$1"
}

# finish OUT PID SECONDS: its exit code once it ended by itself, 124 if it does not
finish() {
	wait_for "$3" gone "$2" || { end "$2"; echo "$1: not at its end after $3 s"; show "$1"; return 124; }
	wait "$2"
}

# total OUT KEY: a number of the summary; busybox has no JSON reader
total() { sed -n 's/.*"total": *{\([^{}]*\)}.*/\1/p' "/tmp/$1" | tail -n 1 | tr ',' '\n' | sed -n "s/^ *\"$2\": *//p"; }
# said OUT TEXT: the summary or the log has it
said() { grep -q -- "$2" "/tmp/$1" "/tmp/$1.err" || { echo "no \"$2\" in:"; show "$1"; return 1; }; }

# exact COUNT NIC KEYS PEER: sends COUNT packets of every size by NIC to the NIC PEER; each must come
# back once, in order within its flow, with every byte right.  So few are on the way at once that
# no ring overflows, however the host parts its time.  A guest that did not get a CPU for a while must
# not look like a program that hangs: stall=off
exact() {
	count=$1 nic=$2 keys=$3 peer=$4
	start gen -l "$(lcores_of "$nic")" --iface "$nic$keys,stall=off" -- --mode flowgen --verify --flows 64 \
		--length 60-1514 --count "$count" --rate 20k --window 128 --drain 10s --peer-mac "$(mac_of "$peer")"
	finish gen "$pid" $((count / 1000 + 60))
	code=$?
	good=1
	for k in sent received; do [ "$(total gen $k)" = "$count" ] || good=0; done
	for k in lost duplicates reordered corrupt; do [ "$(total gen $k)" = 0 ] || good=0; done
	[ $code = 0 ] && [ $good = 1 ] && return
	echo "flowgen: exit code $code, $(for k in sent received lost duplicates reordered corrupt; do printf '%s %s ' $k "$(total gen $k)"; done)"
	show gen
	return 1
}
# pinged NAMESPACE ADDRESS BYTES: one answer, unfragmented, with what was sent in it
pinged() {
	ip netns exec "$1" /bin/ping -n -c 1 -W 1 -M do -s "$3" "$2" > /tmp/ping 2>&1 && ! grep -i 'wrong\|corrupt' /tmp/ping
}
# jumbo: MTU 9000 and default options; frames of 9014 bytes from the other NIC, in a namespace, by the program to a third host
jumbo_ends() {
	ip link set "$nic1" mtu 9000 promisc on && # it forwards for others
		ip netns add peer && ip link set "$nic0" netns peer && ip -n peer addr add 10.8.0.2/24 dev "$nic0" &&
		ip -n peer link set "$nic0" mtu 9000 up && ip netns add behind &&
		ip link add vx mtu 9000 type veth peer name vy mtu 9000 netns behind &&
		ip -n behind addr add 10.8.0.1/24 dev vy && ip link set vx up && ip -n behind link set vy up
}
jumbo() {
	check "MTU 9000: the NIC, and hosts at both ends" jumbo_ends || return
	check "MTU 9000, default options: the NIC's program runs" forward jumbo "$nic1" "" io --iface vx,stall=off || return
	check "MTU 9000: frames of 9014 bytes pass the NIC" wait_for 20 pinged peer 10.8.0.1 8972 || show jumbo
	check "MTU 9000: so do small ones" wait_for 20 pinged peer 10.8.0.1 56 || show jumbo
	check "MTU 9000: the NIC's program ends in order" end "$pid"
	grep 'driver \(af_xdp\|packet\)' /tmp/jumbo.err
}
# doctor_says STATUS CHECK NIC[,key=value..]
doctor_says() { pollux doctor "$3" --only "$2" > /tmp/doctor 2>&1; grep -q "^$1 *$2 " /tmp/doctor || { cat /tmp/doctor; return 1; }; }
no_xdp() { ! ip link show "$1" | grep -q xdp; }

# refuses NAME CODE ARGUMENT...: plx-fwd ends with CODE and one line that says why
refuses() {
	want=$1; shift
	start refused "$@"
	finish refused "$pid" 20
	code=$?
	lines=$(grep -c . /tmp/refused.err)
	cat /tmp/refused.err
	[ $code = "$want" ] && [ "$lines" = 1 ] || { echo "exit code $code, $lines lines"; return 1; }
}

rx() { cat "/sys/class/net/$1/statistics/rx_packets"; }
more() { [ "$(rx "$1")" -gt "$2" ]; }
moving() { wait_for 30 more "$1" $(($(rx "$1") + 500)); } # NIC: what it sent goes on coming back
flap() { # NIC
	ip link set "$1" down && sleep 1 && ip link set "$1" up && wait_for 20 carrier "$1"
}
# links LCORES KEYS [ARG...]: a generator on nic0, by these lcores, keys and arguments, while the program "echo" answers
# on nic1, and either link goes down and up
links() {
	lcores=$1 keys=$2; shift 2
	start load -l "$lcores" --iface "$nic0$keys,stall=off" -- --mode flowgen --rate 2k "$@" \
		--peer-mac "$(mac_of "$nic1")" --max-loss 100%
	load=$pid
	check "links: traffic comes back" moving "$nic0"
	check "links: the echo's goes down and up" flap "$nic1"
	check "links: traffic comes back again" moving "$nic0" || { show echo; show load; }
	check "links: the generator's goes down and up" flap "$nic0"
	check "links: traffic comes back again after that" moving "$nic0" || { show echo; show load; }
	check "links: the generator ends in order" end "$load"
	check "links: 5000 packets there and back, every byte" exact 5000 "$nic0" "$keys" "$nic1"
}
