# SPDX-License-Identifier: MIT
# kernel.sh - what each kernel has to do: load the steering program and judge by it as the table says, take
# frames of a veth and leave them to the host when nobody reads them, and fall back where it is too old.
. ./lib.sh

older_than() { # MAJOR MINOR
	uname -r | { IFS=.- read -r a b _; [ "$a" -lt "$1" ] || { [ "$a" = "$1" ] && [ "$b" -lt "$2" ]; }; }
}

# the tests of tests/bpf, a line each; what one lacks stands in a line before it
steering() {
	CMOCKA_MESSAGE_OUTPUT=TAP test_steer > /tmp/steer 2>&1
	code=$?
	sed -n 's/.*SKIP: //;T n;h;b;:n
		s/^ok [0-9]* - /ok steering program: /p; s/^not ok [0-9]* - /not ok steering program: /p
		/^\(not \)*ok [0-9]* # SKIP /{ s/.*# SKIP /skip steering program: /; G; s/\n/: /; p }' /tmp/steer
	[ $code = 0 ] || { sed 's/^/test_steer: /' /tmp/steer; return 1; }
}

# va here, vb in the namespace far; both know each other, so that every frame is a test's own
pair() {
	ip netns add far &&
		ip link add va numrxqueues 2 numtxqueues 2 type veth peer name vb numrxqueues 2 numtxqueues 2 netns far &&
		ip addr add 10.9.0.1/24 dev va && ip -n far addr add 10.9.0.2/24 dev vb &&
		ip link set va up && ip -n far link set vb up && wait_for 10 carrier va &&
		ip neigh replace 10.9.0.2 lladdr "$(ip netns exec far cat /sys/class/net/vb/address)" dev va nud permanent &&
		ip -n far neigh replace 10.9.0.1 lladdr "$(mac_of va)" dev vb nud permanent
}
answers() { ip netns exec far ping -q -c 1 -W 1 10.9.0.1 > /dev/null 2>&1; }
silent() { ! answers; }
takes() { # OUT KEYS: plx-fwd has va
	start "$1" -l 0,1 --iface "va$2" -- --mode rxonly
	wait_for 30 running "$1" || { show "$1"; return 1; }
}
received() { n=$(total "$1" received); [ "${n:-0}" -gt 0 ] || { show "$1"; return 1; }; }

life() { # MODE
	check "$1: plx-fwd takes the interface" takes "$1" ",driver=af_xdp,mode=$1" || return
	check "$1: the host gets nothing meanwhile" wait_for 20 silent
	kill -STOP "$pid"
	check "$1: the host answers while the program hangs" wait_for 20 answers
	kill -CONT "$pid"
	check "$1: when it goes on, it has the interface again" wait_for 20 silent
	check "$1: ends in order" end "$pid"
	check "$1: the host answers after the end" wait_for 20 answers
	check "$1: frames were received" received "$1"
	check "$1: nothing stays attached" no_xdp va
}

check "the steering program's tests pass" steering
check "a veth pair" pair || exit 0
check "the host answers" wait_for 20 answers
life native
life generic

check "doctor: the queues are free" doctor_says OK queue-free va
check "plx-fwd takes the interface" takes killed ""
check "doctor: they are taken" doctor_says FAIL queue-free va
check "the host gets nothing meanwhile" wait_for 20 silent
kill -KILL "$pid"
check "kill -9: the host answers" wait_for 20 answers
check "kill -9: nothing stays attached" wait_for 20 no_xdp va

# libxdp's dispatcher, which not every kernel loads
tells() { # PATTERN COMMAND...
	pattern=$1; shift
	"$@" > /tmp/told 2>&1
	tr '\n' ' ' < /tmp/told | grep -qE "$pattern" || { sed 's/^/told: /' /tmp/told; return 1; }
}
export LIBXDP_OBJECT_PATH=/lib/bpf
loads() { # PROGRAM PRIORITY
	xdp-loader load va -m native -P "$2" "/lib/bpf/$1.o" > /tmp/loader 2>&1
}
if loads xsk_def_xdp_prog 20 && loads bare.bpf 70; then
	calls='program [0-9]+ "xsk_def_prog"( \(priority 20\))? and program [0-9]+ "bare"( \(priority 70\))?'
	with=$(echo "$calls" | tr -d '?')
	held="held by libxdp's dispatcher, native program [0-9]+ \"xdp_dispatcher\", which calls"
	check "a dispatcher: doctor tells what it calls" tells "$held $with.* fix: xdp-loader unload va --all" \
		pollux doctor va --only xdp-free
	check "a dispatcher: the plan tells it" tells "$held $with: xdp-loader unload" plx-fwd -l 0 --iface va --dry-run
	check "a dispatcher: a start tells it" tells "$held $with.*\(EBUSY\): xdp-loader unload" \
		plx-fwd -l 0 --iface va,bind-timeout=100ms
	held="$held $calls"
	! older_than 5 13 || held='which does not tell what it calls' # links did not name what they replace a part of
	check "a dispatcher: without its pins the kernel's links tell what it calls" tells "$held" \
		env LIBXDP_BPFFS=/none pollux doctor va --only xdp-free
	check "a dispatcher: a user is told that names are not" tells "told to CAP_SYS_ADMIN only" \
		/bin/setpriv --reuid 1000 --clear-groups --inh-caps=-all pollux doctor va --only xdp-free
	check "a dispatcher: the command takes it off" xdp-loader unload va --all && check "and nothing stays" no_xdp va
else
	echo "skip libxdp's dispatcher: not on this kernel"
	sed 's/^/loader: /' /tmp/loader
	xdp-loader unload va --all > /dev/null 2>&1
fi

caps=+bpf,+net_admin,+net_raw
by() { at="/bin/setpriv --reuid 1000 --regid 1000 --clear-groups --inh-caps=$1 --ambient-caps=$1 --bounding-set=-all,$1"; }
by $caps
check "CAP_BPF without CAP_PERFMON is enough" takes few ",driver=af_xdp" && check "and ends" end "$pid"

# Before 5.11 maps are locked memory, of which CAP_IPC_LOCK does not lift the limit
told() {
	start told -l 0,1 --iface va,driver=af_xdp -- --mode rxonly
	finish told "$pid" 20
	code=$?
	[ $code = 4 ] && said told "raise it with ulimit -l 128 " || { echo "exit code $code"; return 1; }
}
if older_than 5 11; then
	by $caps,+ipc_lock
	ulimit -l 64
	check "ulimit -l 64: a start is refused, and tells how much is needed" told
	ulimit -l 128
	check "ulimit -l 128, as it says, is enough" takes locked ",driver=af_xdp" && check "and ends" end "$pid"
	ulimit -l unlimited
fi
at=

# Packets of several buffers came with 6.6
want=af_xdp
! older_than 6 6 || want=packet
ip link set va mtu 9000 && ip -n far link set vb mtu 9000
check "MTU 9000, default options: it runs" takes big "" && {
	check "MTU 9000: the host's traffic is as the driver has it" wait_for 20 eval "[ $want = packet ] && answers || silent"
	check "MTU 9000: ends in order" end "$pid"
	check "MTU 9000: frames were received" received big
	check "MTU 9000: the driver is $want" said big "\"driver\": *\"$want\""
}

# from far by va, the program and vc to a third host
third_host() {
	ip netns add far2 && ip link add vc mtu 9000 type veth peer name vd mtu 9000 netns far2 &&
		ip -n far2 addr add 10.9.0.3/24 dev vd && ip link set vc up && ip -n far2 link set vd up && wait_for 10 carrier vc
}
between() {
	start between -l 0,1 --iface va --iface vc -- --mode io
	wait_for 30 running between || { show between; return 1; }
}
check "MTU 9000: a third host" third_host && check "MTU 9000: a program between two veths" between && {
	check "MTU 9000: frames of 9014 bytes pass" wait_for 20 pinged far 10.9.0.3 8972 || show between
	check "MTU 9000: so do small ones" wait_for 20 pinged far 10.9.0.3 56 || show between
	check "MTU 9000: it ends in order" end "$pid"
}
jumbo
exit 0 # the lines above tell
