#!/bin/bash
# SPDX-License-Identifier: MIT
# test_bad_input.sh - what people get wrong: each case ends at once with the documented exit code,
# one line on standard error that names the fix, nothing on standard output, and nothing left.
# shellcheck source=tests/net/lib.sh
. "$(dirname "$0")/lib.sh"

pair 2
LONG=va-by-a-name-of-127-bytes$(printf '%0102d' 0) # as long as the kernel takes
at a ip link set va alias "bad input" && at a ip link property add dev va altname va-again altname "$LONG" || exit 1
at a ip link add down0 type veth peer name down1 || exit 1
at a ip link add 'a;b' type veth peer name '$(id);x' || exit 1 # the kernel allows such names
at a ip link add grün0 up type veth peer name grün1 || exit 1
at a ip link add big0 mtu 9000 up type veth peer name big1 mtu 9000 || exit 1
CPUS=$(python3 -c 'import os; print(max(os.sched_getaffinity(0)))') # the highest one
FIRST=$(lcores 1)
mapfile -t MANY < <(seq -f --iface=n%g,driver=null 65)
NO_RIGHTS=(setpriv --bounding-set=-all --inh-caps=-all)

# left: what a case may not leave: a process in the namespaces, an XDP program
left() {
	local p e
	for e in a b; do
		p=$(ip netns pids "$NS$e")
		[ -z "$p" ] || { echo "process left in $NS$e: $p"; return 0; }
		at $e ip -d link | grep 'prog/xdp' && return 0
	done
	return 1
}

# run CODE PATTERN COMMAND...
run() {
	local code=$1 pattern=$2 rc lines; shift 2
	at a timeout -k 1 $((10 * SLOW)) "$@" >"$TMP/out" 2>"$TMP/err" </dev/null
	rc=$?
	lines=$(wc -l <"$TMP/err")
	[ $rc = "$code" ] || { echo "exit code $rc, wanted $code"; show "$TMP/err" "$TMP/out"; return 1; }
	[ "$lines" = 1 ] || { echo "$lines lines on standard error, wanted one"; show "$TMP/err"; return 1; }
	grep -qE -- "$pattern" "$TMP/err" || { echo "no match for: $pattern"; show "$TMP/err"; return 1; }
	[ ! -s "$TMP/out" ] || { echo "words on standard output"; show "$TMP/out"; return 1; }
	! left
}
# bad NAME CODE PATTERN ARGUMENTS...: a case of plx-fwd; the words of $WITH stand before it
WITH=()
bad() {
	local name=$1 code=$2 pattern=$3; shift 3
	check "$name" run "$code" "$pattern" ${WITH[@]+"${WITH[@]}"} "$FWD" "$@"
}
N="--iface n,driver=null"

# ---- words ----
bad "unknown option, with the one that was meant"  2 "'--ifac': unknown option, did you mean --iface\?" --ifac va
bad "unknown option, far from all"                 2 "'--zzzzzzzz': unknown option; --help shows all"    --zzzzzzzz
bad "unknown short option"                         2 "'-x': unknown option"                              -x
bad "a word that is no option"                     2 "'va': unexpected word; an interface is given by --iface" va
bad "-c with the mask of DPDK's"                    2 "-c 0x3: no such file; .*lcores are a list: -l 0-3" -c 0x3
bad "-n of DPDK's"                                 2 "'-n': unknown option; memory channels"             -n 4
bad "--no-huge of DPDK's"                          2 "'--no-huge': unknown option; write --huge never"   --no-huge
bad "option of the application before --"          2 "'--mode': stands behind --"                        --mode io
bad "option of the environment behind --"          2 "'--iface': stands before --"                       -- --iface va
bad "value missing"                                2 "^plx-fwd: --iface: a value is missing: --iface NAME" --iface
bad "value missing before another option"          2 "-l: a value is missing"                            -l --iface va
bad "empty value"                                  2 "--name: a value is missing"                        --name=
bad "value for a flag"                             2 "--dry-run=yes: takes no value"                     --dry-run=yes
bad "option given twice"                           2 "-m: given twice"                                   -m 64 -m 65
bad "-m with --node-mem"                           2 "--mem and --node-mem: "                            -m 64 --node-mem 64
bad "--json without --dry-run"                     2 "--json needs --dry-run"                            --json

# ---- numbers and words of the environment ----
bad "-m of garbage is not 0"                       2 "-m 'abc': not a size: .*64M"                       -m abc
bad "-m negative"                                  2 "-m '-5': not a size"                               -m -5
bad "-m zero"                                      2 "-m '0': outside 1M to 1024G"                       -m 0
bad "-m beyond all"                                2 "-m '99999999999999999999': outside"                -m 99999999999999999999
bad "-m with garbage behind it"                    2 "-m '64Mx': not a size"                             -m 64Mx
bad "--node-mem of garbage"                        2 "--node-mem '64,x': .*\(node 1\)"                   --node-mem 64,x
bad "--huge with an unknown word"                  2 "--huge 'requir': .*did you mean require\?"         --huge=requir
bad "--idle with an unknown word"                  2 "--idle 'lazy': .*busy, adaptive, interrupt"        --idle lazy
bad "--frame-size of no frame"                     2 "--frame-size '1500': .*2048 or 4096"               --frame-size 1500
bad "--log-level with an unknown word"             2 "--log-level 'loud': .*notice"                      --log-level loud
bad "--name that is no name"                       2 "--name 'a/b': "                                    --name a/b

# ---- lcores ----
bad "lcore list of garbage"                        2 "-l '0-x': a number is missing at 'x'"              -l 0-x
bad "lcore twice"                                  2 "-l '0,0': lcore 0 is there twice"                  -l 0,0
bad "lcore number above all, with one that works"  2 "-l '130': .*use -l 0@130"                          -l 130
bad "range before @ without parentheses"           2 "needs parentheses, as in \(1-3\)@20"               -l 1-3@0
# shellcheck disable=SC2086
bad "lcore on a CPU that is not there"             2 "lcore 99: CPU 99 is not there or offline: use -l of [0-9,-]+" -l 99 $N
bad "service lcore list of garbage"                2 "-S '1-': a number is missing at 'the end'"         -S 1-
bad "an lcore of -l that is in -S too"             2 "lcore $FIRST is in -l and in -S: take it out of one of them; .*$FIRST@$FIRST" \
	-l "$FIRST" -S "$FIRST" --iface n,driver=null
# shellcheck disable=SC2086
bad "service lcore on a CPU that is not there"     2 "service lcore 99: CPU 99 is not there or offline: use -S of [0-9,-]+" -S 99 $N
bad "--registered-threads that is no number"          2 "--registered-threads 'all': not a number in 0-127"    --registered-threads all
bad "more lcores and threads than places"          2 "2 lcores and 127 threads that may register as one are more than 128: use --registered-threads 126" \
	-l "$FIRST" -S "99@$FIRST" --registered-threads 127 --iface n,driver=null
# shellcheck disable=SC2086
bad "--main-lcore on a CPU that is not there"      2 "--main-lcore 99: CPU 99 is not there"              --main-lcore 99 $N
if [ "$FIRST" != "$CPUS" ]; then
	WITH=(taskset -c "$FIRST")
	# shellcheck disable=SC2086
	bad "lcore outside the cpuset" 2 "lcore $CPUS: CPU $CPUS is not in this process's (cpuset|affinity) \($FIRST\): use -l $FIRST" \
		-l "$FIRST,$CPUS" $N
	WITH=()
else
	skip "lcore outside the cpuset" "one CPU"
fi

# ---- interfaces ----
bad "interface missing"                            3 "nosuch: no such interface \(ENODEV\).*ip link"     --iface nosuch
bad "interface missing, with the one that was meant" 3 "did you mean.*down[01]"                           --iface downn
bad "interface down"                               3 "down0: .*down \(ENETDOWN\): ip link set down0 up"  --iface down0
bad "interface down, with a name a shell would run" 3 "ip link set '\\$\(id\);x' up"                 --iface '$(id);x'
bad "interface name of nothing"                    2 "--iface ',driver=null': "                          --iface ,driver=null
bad "unknown key"                                  2 "unknown key \"mod\".*did you mean \"mode\""        --iface va,mod=zc
bad "unknown driver"                               2 "\"dpdk\" is none of .*af_xdp"                      --iface va,driver=dpdk
bad "unknown XDP mode"                             2 "mode: \"fast\" is none of auto, zc, native, generic" --iface va,mode=fast
bad "key without value"                            2 "key \"rxqs\" has no value"                         --iface va,rxqs
bad "key twice"                                    2 "key \"rxd\" is given twice"                        --iface va,rxd=64,rxd=128
bad "key of another driver"                        2 "\"peer\" belongs to driver=loop"                   --iface va,peer=x
bad "ring size of garbage"                         2 "rxd: \"2k\" is not a number"                       --iface va,rxd=2k
bad "ring size that is no power of two"            2 "rxd: 1000 is not a power of two: take 512 or 1024" --iface va,rxd=1000
bad "queues zero"                                  2 "queues: \"0\" is not a number from 1 to 256"       --iface va,queues=0
bad "queues negative"                              2 "rxqs: \"-1\" is not a number"                      --iface va,rxqs=-1
bad "queues beyond 64 bits"                        2 "txqs: \"18446744073709551617\" is not a number"    --iface va,txqs=18446744073709551617
bad "queue beyond the channels"                    2 "va: rx queue 2 is asked for, the interface has 2 \(0-1\): use queue=1 or lower" --iface va,queue=2
bad "more receive queues than channels"            2 "va: rx queue 3 is asked for.*use rxqs=2 or fewer"  --iface va,rxqs=4,driver=af_xdp
bad "more transmit queues than channels"           2 "va: tx queue 7 is asked for.*use txqs=2 or fewer"  --iface va,txqs=8,driver=af_xdp
bad "one interface twice"                          2 "va: given by --iface twice"                        --iface va --iface va
bad "two ports on one queue, by another name"      2 "va and va-again are one interface, and both want its queue 0" \
	--iface va --iface va-again
bad "two ports on one queue, by a long name"       2 "$LONG and va are one interface, and both want its queue 0" \
	--iface "$LONG" --iface va
bad "a name longer than the kernel takes"          2 "a name has at most 127 bytes"                      --iface "${LONG}0"
bad "a long name that no interface has"            3 "no such interface \(ENODEV\)"                    --iface "${LONG%00}1"
# given: plan, doctor, topo and set-up take a name of any length, and say the kernel's too
given() {
	at a "$FWD" --dry-run --iface "$LONG,driver=packet" >"$TMP/out" 2>&1 && grep -q "port *0 *va .*given as $LONG" "$TMP/out" || return 1
	at a "$BUILD/apps/pollux" topo --iface "$LONG" >"$TMP/out" 2>&1 && grep -qw va "$TMP/out" || return 1
	at a "$BUILD/apps/pollux" setup plan rss channels --iface "$LONG,queues=1" >"$TMP/out" 2>&1 && grep -q "ethtool -L va " "$TMP/out" || return 1
	at a "$BUILD/apps/pollux" doctor --only iface-name "$LONG" >"$TMP/out" 2>&1; grep -q "$LONG is another name of va" "$TMP/out"
}
check "a name of 127 bytes is taken by all" given
bad "a name that is not UTF-8"                     2 "byte 0xfc of the name is not UTF-8: .*altname"     \
	--iface $'gr\xfcn0'
bad "a name that holds a ="                        2 "ip link property add dev a=b altname OTHER"        --iface a=b
bad "a name that holds a ,"                        2 "if the name holds the ',', give it one more without" --iface a,b
if [ -c /dev/net/tun ]; then
	at a ip tuntap add dev tun0 mode tun && at a ip link set tun0 up || exit 1
	for d in auto packet af_xdp; do
		bad "an interface without Ethernet headers, driver=$d" 3 \
			"tun0: it has no Ethernet header \(type 65534, ARPHRD_NONE\) \(EOPNOTSUPP\): use a tap" \
			--iface tun0,driver=$d
	done
	bad "the same, of a dry run" 3 "tun0: it has no Ethernet header .*: use a tap" --dry-run --iface tun0
	headless() {
		at a "$BUILD/apps/pollux" doctor --only iface-header tun0 lo va >"$TMP/out" && return 1
		grep -q '^FAIL .* tun0 .*no Ethernet header' "$TMP/out" && [ "$(grep -c '^OK' "$TMP/out")" = 2 ]
	}
	check "the same, of the doctor" headless
else
	skip "an interface without Ethernet headers" "/dev/net/tun"
fi
bad "loop peer that is not there"                  2 "peer=y is no loop port: add --iface y,driver=loop" --iface x,driver=loop,peer=y
bad "MTU beyond the frame without multi-buffer"    2 "big0: MTU 9000 .*multibuf=prefer, or ip link set big0 mtu 3818" \
	--iface big0,driver=af_xdp,multibuf=never
bad "no interface at all"                          2 "no port: name an interface, as in --iface"       -- --mode io
bad "65 interfaces"                                2 "more than 64 interfaces"                        "${MANY[@]}"

# ---- memory ----
bad "-m too small for the rings, with what is needed" 5 "memory of node .*frames.*-m [0-9]+ or more"     -m 2 --iface va
bad "-m beyond what a pool holds"                   2 "memory of node .*65536 MiB are more than a pool can hold.*: -m [0-9]+ or less"  -m 64G --huge never --iface va
bad "--node-mem too small for the rings"           5 "memory of node .* frames.*--node-mem [0-9]+"       --node-mem 1 \
	--iface va
bad "--node-mem for a node that is not there"      2 "--node-mem gives 64 MiB to node [0-9]+, which is not there" \
	--node-mem 64,0,0,0,0,0,0,0,0,0,0,0,0,0,0,64 --iface va
bad "more memory than the machine has"             5 "memory: .*MiB available: -m [0-9]+ or less"     -m 33000M --huge=never --iface va
# shellcheck disable=SC2086
bad "rings of driver=packet beyond the memory"      5 \
	"memory: .* MiB beside, .*MiB available: use smaller rings by rxd=" \
	--iface big0,driver=packet,queues=64,rxd=65536,txd=65536
bad "more hugepages than there are, with require"  5 "--huge=require wants [0-9]+ hugepages .*echo [0-9]+ > /.*nr_hugepages" \
	-m 33000M --huge=require $N

# ---- rights ----
WITH=("${NO_RIGHTS[@]}")
bad "no rights: all that is missing, with the call that needs it" 4 \
	"va: missing CAP_NET_RAW for socket\(AF_XDP\), CAP_NET_ADMIN for .*, CAP_BPF for .*: run as root, or setcap cap_net_raw,cap_net_admin,cap_bpf" \
	--iface va,driver=af_xdp
bad "no rights, any driver"                        4 "va: missing CAP_NET_RAW .*CAP_NET_ADMIN .*CAP_BPF" --iface va
bad "no rights, driver=packet"                     4 "va: missing CAP_NET_RAW for socket\(AF_PACKET\): run as root, or setcap cap_net_raw" \
	--iface va,driver=packet
WITH=(setpriv "--bounding-set=-all,+net_raw,+net_admin" --inh-caps=-all)
bad "one right is missing"                         4 "va: missing CAP_BPF for bpf\(BPF_PROG_LOAD\).*: run as root, or setcap cap_bpf" \
	--iface va,driver=af_xdp
WITH=(bash -c 'ulimit -l 64; exec "$@"' x setpriv "--bounding-set=-all,+net_raw,+net_admin,+bpf" --inh-caps=-all)
bad "too little locked memory"                     4 "va: missing CAP_IPC_LOCK for setsockopt\(XDP_UMEM_REG\) \(or ulimit -l [0-9]+\)" \
	--iface va,driver=af_xdp
WITH=()

WITH=(bash -c 'ulimit -n 8; exec "$@"' x)
bad "too few descriptors"                          1 "va: no descriptors for .*EMFILE.*: raise ulimit -n" --huge never --iface va
WITH=()

# ---- the application's own ----
bad "unknown mode"                                 2 "--mode 'macswp': .*did you mean macswap\?"         --iface va -- --mode macswp
bad "burst zero"                                   2 "--burst '0': .*1 to 512"                           --iface va -- --burst 0
bad "burst of garbage"                             2 "--burst '3x2': "                                   --iface va -- --burst 3x2
bad "duration negative"                            2 "--duration '-1': "                                 --iface va -- --duration -1
bad "frame length beyond Ethernet's least"         2 "--length '10': .*60"                               --iface va -- --length 10
bad "frame length beyond every frame"              2 "--length '65536': .*60 to 65535"                   --iface va \
	-- --length 65536
bad "frame length beyond the MTU"                  2 \
	"va: --length 2000 is more than the 1518 bytes that it sends: raise its MTU" \
	--log-level error -l "$FIRST" --iface va -- --mode txonly --length 2000
bad "a range of lengths beyond the MTU"            2 \
	"va: --length 9014 is more than the 1514 bytes that it sends: raise its MTU" \
	--log-level error -l "$FIRST" --iface va,driver=packet -- --mode txonly --length 60-9014
bad "a MAC address that is none"                   2 "--peer-mac '02:00:zz': "                           --iface va -- --peer-mac 02:00:zz
bad "a word behind --"                             2 "'io': unexpected word"                             --iface va -- io

# ---- runs that are over in no time: no rate is made of a few steps of a clock ----
# untimed KIND OPTION...: flowgen's and txonly's few packets
untimed() {
	local i rate
	for i in 1 2 3; do
		at a timeout -k 1 $PATIENCE "$FWD" -l "$FIRST" --huge never --log-level error --iface l,driver=loop \
			-- --count 10 "$@" >"$TMP/out" 2>"$TMP/err" ||
			{ echo "exit code $?"; show "$TMP/err" "$TMP/out"; return 1; }
		if [ "${*: -1}" = --json ]; then
			rate=$(field "$TMP/out" total.packets_per_second)
			[ "$(field "$TMP/out" duration_ns)" -ge 1000000 ] || [ "$rate" = None ] ||
				{ echo "rate $rate"; show "$TMP/out"; return 1; }
		elif grep -q ' mode .* 0.000 s' "$TMP/out" && grep 'pps' "$TMP/out"; then
			return 1
		fi
	done
}
check "10 packets, flowgen"            untimed --mode flowgen --drain 5s
check "10 packets, txonly, JSON"       untimed --mode txonly --json
check "10 packets, flowgen, JSON"      untimed --mode flowgen --drain 5s --json
too_short() { # unless the lcore lost its CPU in between
	local i
	for i in $(seq 20); do
		says 6 '(are too short a run for|below) --min-pps' "$FWD" -l "$FIRST" --huge never --log-level error \
			--iface l,driver=loop -- --mode txonly --count 1 --min-pps 1000G || return 1
		grep -q 'too short' "$TMP/out" && return
	done
	return 1
}
if [ "$SLOW" = 1 ]; then
	check "--min-pps of one packet" too_short
else
	skip "--min-pps of one packet" "no run of an emulated machine is below 1 ms"
fi

# ---- nobody reads it ----
# unwritten CODE COMMAND...: its standard output takes nothing
unwritten() {
	local code=$1 rc to; shift
	for to in '>/dev/full' '>&-'; do
		at a timeout -k 1 $((10 * SLOW)) bash -c "exec \"\$@\" $to" x "$@" 2>"$TMP/err" </dev/null; rc=$?
		[ $rc = "$code" ] || { echo "exit code $rc, wanted $code"; show "$TMP/err"; return 1; }
		grep -q 'error: standard output: cannot be written' "$TMP/err" || { show "$TMP/err"; return 1; }
	done
}
# shellcheck disable=SC2086
check "standard output that takes no summary" unwritten 1 "$FWD" -l "$FIRST" $N -- --duration 100ms --json
check "standard output that takes no help"    unwritten 1 "$FWD" --help

# ---- taken by others ----
busy() { # busy IFACE: the second program names the first and takes no lesser driver
	local rc=1 fwd
	start first a "$FWD" -l "$FIRST" --idle adaptive --iface va -- --mode rxonly --duration 30
	fwd=$PID
	if within $PATIENCE has_xdp va; then
		at a timeout -k 1 $((10 * SLOW)) "$FWD" -l "$FIRST" --huge=never --iface "$1" >"$TMP/out" 2>"$TMP/err"
		rc=$?
	fi
	end "$fwd" || { echo "the first program ended badly"; show "$TMP/first.err"; return 1; }
	[ $rc = 3 ] || { echo "exit code $rc, wanted 3"; show "$TMP/err" "$TMP/first.err"; return 1; }
	[ "$(wc -l <"$TMP/err")" = 1 ] || { echo "not one line"; show "$TMP/err"; return 1; }
	grep -qE "va: .* held by .* of pid $fwd .*EBUSY.*kill $fwd" "$TMP/err" || { show "$TMP/err"; return 1; }
	! left
}
check "XDP hook taken by another process, driver=auto" busy va
check "XDP hook taken by another process, driver=af_xdp" busy va,driver=af_xdp,bind-timeout=100ms

# ---- plx-l2fwd: the same parser, no options of its own ----
L2FWD=$BUILD/apps/plx-l2fwd
check "plx-l2fwd: -m of garbage"      run 2 "-m 'abc': not a size"                    "$L2FWD" -m abc
check "plx-l2fwd: interface missing"  run 3 "nosuch: no such interface"               "$L2FWD" --iface nosuch
check "plx-l2fwd: no rights"          run 4 "va: missing CAP_NET_RAW"                 "${NO_RIGHTS[@]}" "$L2FWD" --iface va
check "README's program compiles" cc -std=c11 -I"$BUILD/include" -o "$TMP/fwd" "$HERE/readme.c" -L"$BUILD" \
	-Wl,-rpath,"$BUILD" -lpollux
QUIET="--log-level error -l $FIRST"
for p in "$L2FWD" "$TMP/fwd"; do
	# shellcheck disable=SC2086
	{
		check "${p##*/}: no port"             run 2 "^${p##*/}: nothing to receive: .*--iface NAME" "$p" $QUIET
		check "${p##*/}: ports that only send" run 2 "^${p##*/}: nothing to receive: .*rxqs=0"      \
			"$p" $QUIET --iface va,rxqs=0 --iface big0,rxqs=0
	}
done

# ---- not errors ----
prints() { # prints PATTERN COMMAND...: exit code 0, PATTERN on standard output, nothing on standard error
	local pattern=$1; shift
	at a "$@" >"$TMP/out" 2>"$TMP/err" </dev/null || { echo "exit code $?"; show "$TMP/err"; return 1; }
	[ ! -s "$TMP/err" ] || { show "$TMP/err"; return 1; }
	grep -qE -- "$pattern" "$TMP/out" || { show "$TMP/out"; return 1; }
	! left
}
short() { prints "^usage: plx-fwd" "$FWD" --help && [ "$(wc -l <"$TMP/out")" -le 24 ] && [ "$(wc -L <"$TMP/out")" -le 80 ]; }
json() { prints . "$FWD" --dry-run --json --iface va && python3 -m json.tool <"$TMP/out" >/dev/null; }
# no_sys: where /sys is empty it runs all the same, and libbpf keeps its words to itself
no_sys() {
	at a unshare -m bash -c 'mount -t tmpfs none /sys && exec "$@"' x "$FWD" -l "$FIRST" --iface va,driver=af_xdp -- \
		--duration 100ms --json >"$TMP/out" 2>"$TMP/err" || { echo "exit code $?"; show "$TMP/err"; return 1; }
	! grep libbpf "$TMP/err"
}
check "an empty /sys"                  no_sys
check "--help fits a screen"           short
led() { for o in mode duration rate verify; do prints "^ +--$o " "$FWD" --help || return 1; done; }
check "--help has what the README begins with" led
check "--help-all has every key"       prints "bind-timeout=1ms..60s" "$FWD" --help-all
# known: each option and key of --help-all has its row in the manual
known() {
	local w missing=0
	prints . "$FWD" --help-all || return 1
	for w in $(sed -n '/^Environment/,/^Application/s/^  .*--\([a-z-]*\).*/--\1/p; /^Keys/,$s/^  \([a-z-]*\)=.*/`\1`/p' "$TMP/out"); do
		grep -qF -- "$w" "$TOP/docs/manual.md" || { echo "docs/manual.md does not know $w"; missing=1; }
	done
	return $missing
}
check "the manual knows every option"  known
check "--version"                      prints "^plx-fwd .*[0-9]+\.[0-9]+" "$FWD" --version
check "--dry-run changes nothing"      prints "^nothing was changed" "$FWD" --dry-run --iface va
check "--dry-run tells what rings take" prints "rings of big0 64\.[0-9]\)?$" "$FWD" --dry-run \
	--iface big0,driver=packet,queues=1
utf8() {
	prints "port .*grün0" "$FWD" --dry-run --iface grün0 && prints . "$FWD" --dry-run --json --iface grün0 &&
		python3 -c 'import json,sys; assert json.load(sys.stdin)["ports"][0]["name"] == "grün0"' <"$TMP/out"
}
check "a name may be of any letters"   utf8
check "--dry-run --json is JSON"       json
check "--dry-run without rights falls back to packet" prints "note .*driver=packet, since af_xdp misses CAP_NET_ADMIN" \
	setpriv --bounding-set=-all,+net_raw --inh-caps=-all "$FWD" --dry-run --iface va
done_testing
