#!/bin/bash
# SPDX-License-Identifier: MIT
# test_setup.sh - changes to the host: pollux setup and --setup of a program make what they say, and whatever
# kills them, between any two system calls, restore puts every value back.
# shellcheck source=tests/net/lib.sh
. "$(dirname "$0")/lib.sh"
need strace
need ethtool
POLLUX=$BUILD/apps/pollux
D=$TMP/journal
POINTS=30; [ -z "$FAST" ] || POINTS=10

# ---- the host's own values: read first, put back on every way out ----

HOST=(/sys/devices/system/node/node*/hugepages/hugepages-2048kB/nr_hugepages /proc/sys/net/core/bpf_jit_enable
	/proc/sys/kernel/{numa_balancing,timer_migration,nmi_watchdog} /proc/sys/vm/{stat_interval,compaction_proactiveness})
declare -A WAS
for f in "${HOST[@]}"; do [ ! -r "$f" ] || WAS[$f]=$(cat "$f"); done
put_host_back() {
	local f
	for f in "${!WAS[@]}"; do [ "$(cat "$f")" = "${WAS[$f]}" ] || echo "${WAS[$f]}" >"$f"; done
}
way_out() {
	trap '' INT TERM HUP
	local p
	for p in ${PIDS[@]+"${PIDS[@]}"}; do kill -KILL "$p" 2>/dev/null; wait "$p" 2>/dev/null; done
	[ -z "${OURS:-}" ] || "$POLLUX" setup restore >/dev/null 2>&1 # of /run/pollux, which was empty
	put_host_back
	cleanup
}
trap way_out EXIT

# ---- a pair whose ends are both in one namespace, four queues of which two are in use ----

pair 2
at a ip link add sa numtxqueues 4 numrxqueues 4 type veth peer name sb numtxqueues 4 numrxqueues 4 || exit 1
for l in sa sb; do at a ip link set $l up && at a ethtool -L $l rx 2 tx 2 || exit 1; done

# snapshot: all that a set-up of these stages may touch, and what it must not
snapshot() {
	local f i
	for f in "${HOST[@]}"; do [ ! -r "$f" ] || echo "$f $(cat "$f")"; done
	for i in sa sb; do at a sh -c "ethtool -l $i; ethtool -x $i; ethtool -k $i" 2>&1; done
	at a sh -c 'grep -H . /sys/class/net/s[ab]/gro_flush_timeout /sys/class/net/s[ab]/napi_defer_hard_irqs'
	grep -H . /proc/irq/[0-9]*/smp_affinity_list 2>/dev/null
	return 0
}
as_before() { # as_before [SNAPSHOT]: nothing differs, and no journal is left
	snapshot >"$TMP/now"
	diff "${1:-$TMP/before}" "$TMP/now" && [ ! -e "$D/setup.journal" ]
}
snapshot >"$TMP/before"

# Pages more than are free, on the node where the frames go, and as many as the rings of the ports can hold.
FREE=$(cat /sys/devices/system/node/node*/hugepages/hugepages-2048kB/free_hugepages | sort -n | tail -1)
MEM=$((2 * FREE + 64))
STAGES=(hugepages sysctl channels rss offloads)
OPTS=(--iface sa,rxqs=4,txqs=4 -l "$LC" -m "$MEM")
setup() { at a "$POLLUX" setup "$@"; }
apply() { setup apply "${STAGES[@]}" --dir "$D" "${OPTS[@]}"; }
restore() { setup restore --dir "$D"; }
json() { python3 -c "import json,sys; d = json.load(open(sys.argv[1])); sys.exit(not ($2))" "$1"; }

# ---- words ----

check "unknown stage, with the one that was meant"  says 2 "'hugepage': unknown stage, did you mean hugepages" setup plan hugepage
check "unknown option"                              says 2 'did you mean --iface' setup plan --ifac sa
check "a directory that is no path"                 says 2 "begins with '/'" setup restore --dir x
check "status takes no stage"                         says 2 'name none' setup status sysctl
check "status takes no option of restore"             says 2 "'--all'" setup status --all
check "plan takes no option of restore"               says 2 '^pollux setup plan: .*--orphans' setup plan --orphans
check "plan writes no journal"                        says 2 'plan writes no journal' setup plan --dir "$D"
check "all and orphans"                               says 2 'give one of them' setup restore --all --orphans
check "the version by a command"                      says 0 'pollux [0-9]' setup plan --version
nowhere() { says 1 'cannot make .*/a/b: No such file or directory: mkdir -p' setup apply channels --dir "$D/a/b" "${OPTS[@]}"; }
check "apply into a directory that cannot be made"    nowhere
check "an interface that is not there"              says 3 'no such interface' setup plan --iface nosuch0
check "the same for apply"                          says 3 'no such interface' setup apply sysctl --iface nosuch0 --dir "$D"
check "queues beyond the device"                    says 2 'sa' setup plan rss --iface sa,queues=9
check "memory beyond a pool"                        says 2 'more than a pool can hold' setup plan hugepages -m 900G
check "a stage behind the options"                  says 2 'stages stand before the options' setup plan --iface sa channels
check "queues are told as a start has them"         says 0 'ports use 2 receive and 2 transmit queues of sa' setup plan channels --iface sa -l "(0-1)@${LC%%,*}"
check "restore of a folder that is not there"       says 2 'no such folder' setup restore --dir "$TMP/nosuch"
mkdir -p "$D"
check "restore with nothing to restore"             says 0 '^0 values put back' setup restore --dir "$D"
check "status with nothing set up"                  says 0 '^nothing is set up' setup status --dir "$D"
unprivileged() { says 4 'run as root' setpriv --reuid 65534 --clear-groups "$POLLUX" setup apply sysctl --dir "$D"; }
check "apply without rights"                        unprivileged
check "and none of these changed anything"          as_before

# ---- plan, apply, status, restore ----

check "plan shows the channels' command"            says 0 '^ethtool -L sa .*4' setup plan "${STAGES[@]}" "${OPTS[@]}"
cp "$TMP/out" "$TMP/plan.sh"
check "plan changes nothing"                        as_before
setup plan "${STAGES[@]}" --json "${OPTS[@]}" >"$TMP/plan.json"
check "plan --json"                                 json "$TMP/plan.json" 'd["changes"] >= 3 and all(i["command"] for i in d["items"] if i["state"] == "change")'
at a "$FWD" --dry-run --json --setup check -l "$LC" -m "$MEM" --iface sa,rxqs=4,txqs=4 >"$TMP/both.json"
check "a dry run's plan has it under setup"         json "$TMP/both.json" 'd["ports"][0]["name"] == "sa" and d["setup"]["changes"] >= 1 and d["setup"]["items"] and "notes" in d'
check "apply"                                       says 0 'restore takes it back' apply
snapshot >"$TMP/applied"
changed() { ! diff -q "$TMP/before" "$TMP/applied" && [ "$(at a sh -c 'ls -d /sys/class/net/sa/queues/rx-*' | wc -l)" = 4 ]; }
check "the host is changed"                         changed
setup status --json --dir "$D" >"$TMP/status.json"
check "status: before, set and now"                 json "$TMP/status.json" 'all(v["guard"] or v["now"] == v["set"] != v["old"] for v in d["sessions"][0]["values"])'
check "applied twice changes nothing more"          says 0 'nothing to change' apply
one_stage() {
	says 0 'values? put back' setup restore channels --dir "$D" || return 1
	[ "$(at a sh -c 'ls -d /sys/class/net/sa/queues/rx-*' | wc -l)" = 2 ] && [ -e "$D/setup.journal" ]
}
check "restore of one stage"                        one_stage
check "restore"                                     says 0 'values? put back' restore
check "everything is as before"                     as_before
script() { # the plan as a script comes to the same, but for pages that others took or freed in between
	at a sh "$TMP/plan.sh" && diff <(grep -v nr_hugepages "$TMP/applied") <(snapshot | grep -v nr_hugepages)
}
check "the printed commands do what apply does"     script
put_host_back
restore_pair() {
	local was
	for was in "sa rx 2 tx 2" "sb rx 2 tx 2"; do at a ethtool -L $was; done
	for was in sa sb; do
		awk -v i=$was '$1 == "Features" { on = $3 == i ":" } on && !/fixed/ && /: (on|off)/ { sub(":", "", $1); print $1, $2 }' "$TMP/before" >"$TMP/k"
		at a ethtool -K $was $(tr '\n' ' ' <"$TMP/k") >/dev/null 2>&1
	done
	as_before
}
check "(put back by hand)"                          restore_pair
from_outside() { apply >/dev/null && says 0 'values? put back' "$POLLUX" setup restore --dir "$D" && as_before; }
check "restore enters the namespace by itself"      from_outside

# ---- killed between any two system calls ----

# points FILE COUNT: for COUNT places spread over a traced run, from the lock to the end, the name of a
# system call and which one of its name it is
points() {
	python3 - "$1" "$2" <<-'PY'
	import random, re, sys
	calls = [m[1] for m in (re.match(r"(?:\d+ +)?(\w+)\((.*)", l) for l in open(sys.argv[1])) if m]
	lines = [l for l in open(sys.argv[1]) if re.match(r"(?:\d+ +)?\w+\(", l)]
	begin = next(i for i, l in enumerate(lines) if "setup.lock" in l)
	n, count = len(calls) - 1 - begin, int(sys.argv[2])  # but for exit_group
	for k in range(count):
	    at = begin + random.randrange(n * k // count, max(n * (k + 1) // count, n * k // count + 1))
	    print(calls[at], calls[:at + 1].count(calls[at]))
	PY
}
# killed CALL NTH COMMAND...: runs it to that call, which it does not live to make
killed() {
	local call=$1 nth=$2 rc; shift 2
	at a strace -qq -o "$TMP/trace" -e inject="$call":signal=KILL:when="$nth" "$@" >"$TMP/out" 2>&1
	rc=$?
	[ $rc = 137 ] || note "not killed at $call $nth: exit code $rc"
}
again() { # the way from any state back to before
	says 0 'values? put back' restore && as_before && return
	show "$TMP/trace"
	return 1
}
kill_apply() { killed "$1" "$2" "$POLLUX" setup apply "${STAGES[@]}" --dir "$D" "${OPTS[@]}"; again; }
kill_restore() {
	apply >/dev/null || return 1
	killed "$1" "$2" "$POLLUX" setup restore --dir "$D"
	again
}
at a strace -qq -o "$TMP/apply.trace" "$POLLUX" setup apply "${STAGES[@]}" --dir "$D" "${OPTS[@]}" >/dev/null 2>&1
at a strace -qq -o "$TMP/restore.trace" "$POLLUX" setup restore --dir "$D" >/dev/null 2>&1
check "as before when both are traced"              as_before
mapfile -t AT < <(points "$TMP/apply.trace" $((POINTS * 2 / 3)))
for p in "${AT[@]}"; do check "apply killed before $p"   kill_apply ${p% *} ${p#* }; done
mapfile -t AT < <(points "$TMP/restore.trace" $((POINTS / 3)))
for p in "${AT[@]}"; do check "restore killed before $p" kill_restore ${p% *} ${p#* }; done

# ---- many at once ----

# Eight that apply and restore whatever they find, and one is killed in between: none sees half of another's.
crowd() {
	local i pids=()
	for i in 1 2 3 4 5 6 7 8; do
		if [ $((i % 3)) = 0 ]; then
			start "crowd$i" a "$POLLUX" setup restore --dir "$D"
		else
			start "crowd$i" a "$POLLUX" setup apply "${STAGES[@]}" --dir "$D" "${OPTS[@]::4}" -m $((MEM + 2 * i))
		fi
		pids+=("$PID")
	done
	kill -KILL "${pids[4]}"
	for i in "${pids[@]}"; do finish "$i" 30; done 2>/dev/null
	grep -l damaged "$TMP"/crowd*.err && return 1
	[ "$(cat "$TMP"/crowd*[0-9] | grep -c 'takes it back')" -ge 1 ] || { show "$TMP"/crowd*.err; return 1; }
	restore
	as_before
}
check "many at once" crowd

# ---- a program ----

# The interrupts of the host are none of this test's: the program sees none.
QUIET=(sh -c 'mount -t tmpfs none /proc/irq && exec "$@"' sh)
program() { # program OUT WORD MEM ARGUMENT...: in the background; pid in $PID
	local out=$1 word=$2 mem=$3; shift 3
	start "$out" a "${QUIET[@]}" "$FWD" --log-level info --setup "$word" -l "$LC" -m "$mem" --iface sa,rxqs=4,txqs=4 -- --mode rxonly "$@"
}
RUN=/run/pollux/setup.journal
if [ -e $RUN ]; then
	skip "--setup of a program" "something is set up on this host"
	done_testing
fi
OURS=yes
check_refuses() {
	program c check "$MEM"; finish "$PID" 20
	[ $? = 6 ] && grep -q 'setup: channels: .*: ethtool -L sa' "$TMP/c.err" && return
	show "$TMP/c.err"
	return 1
}
check "--setup=check refuses, with the commands"    check_refuses
check "and changes nothing"                         as_before
by_itself() {
	program p apply "$MEM" --duration 1; finish "$PID" 20 || { show "$TMP/p.err"; return 1; }
	grep -q '4+4 queues' "$TMP/p.err" && grep -q 'ethtool -L sa' "$TMP/p.err" && [ ! -e $RUN ] && return
	show "$TMP/p.err"
	return 1
}
check "--setup=apply starts on four queues"         by_itself
check "and puts back at its end"                    as_before
later() { # a start that fails after the set-up
	at a "${QUIET[@]}" "$FWD" --setup apply -l "$LC" -m "$MEM" --iface sa,rxqs=4,txqs=4 --iface sb,rxqs=9 -- --mode rxonly >"$TMP/l" 2>&1
	[ $? != 0 ] && [ ! -e $RUN ] && as_before
}
check "a start that fails puts back too"            later
dies() {
	program k apply "$MEM"; within 20 running k || { show "$TMP/k.err"; return 1; }
	says 0 'keeps what it set up' setup restore && [ -e $RUN ] || return 1
	kill -KILL "$PID"; finish "$PID" 5
	[ -e $RUN ] && says 0 'dead' setup status
}
check "killed, its journal tells"                   dies
others() { program o none 64M --duration 1; finish "$PID" 20; grep -q 'pollux setup restore' "$TMP/o.err"; }
check "another start says so"                       others
check "the next one with --setup puts back"         check_refuses
no_journal() { as_before && [ ! -e $RUN ]; }
check "everything is as before"                     no_journal

# ---- another device, and other people's directories ----

again() { # another pair of the same name and number, but another address
	setup apply channels --dir "$D" "${OPTS[@]}" || return 1
	local i; i=$(at a cat /sys/class/net/sa/ifindex)
	at a ip link del sa
	at a ip link add sa index "$i" numtxqueues 4 numrxqueues 4 type veth peer name sb numtxqueues 4 numrxqueues 4 || return 1
	at a ip link set sa up && at a ip link set sb up && at a ethtool -L sa rx 4 tx 4 && [ "$(at a cat /sys/class/net/sa/ifindex)" = "$i" ]
}
check "an interface goes, and another has its name and number" again
left() {
	says 1 "channels [0-9]*/sa: another device's now, left as it is: it was if mac=" restore &&
		[ "$(at a sh -c 'ls -d /sys/class/net/sa/queues/rx-*' | wc -l)" = 4 ]
}
check "its values are left as they are, and that is told" left
check "once"                                        says 0 '^0 values put back' restore
check "and nothing is left in the journal"          test ! -e "$D/setup.journal"
cut_short() {
	setup apply channels --dir "$D" --iface sa,rxqs=2,txqs=2 --iface sb,rxqs=4,txqs=4 -l "$LC" && sed -i '$d' "$D/setup.journal" &&
		says 1 'setup.journal: it is not whole, line [0-9]* of [0-9]* is missing' restore && [ -e "$D/setup.journal.damaged" ]
}
check "a journal whose last line is gone is told"   cut_short
trap_it() { # trap_it FILE CODE PATTERN: a pipe stands in its place
	mkdir -p "$TMP/theirs" && rm -f "$TMP/theirs"/* && mkfifo "$TMP/theirs/$1" && chown -R nobody "$TMP/theirs" || return 1
	says "$2" "$3" timeout 20 ip netns exec "${NS}a" "$POLLUX" setup apply channels --dir "$TMP/theirs" --iface sb,rxqs=3,txqs=3 -l "$LC" || return 1
	says 0 'put back' timeout 20 ip netns exec "${NS}a" "$POLLUX" setup restore --dir "$TMP/theirs" || [ "$2" = 1 ]
}
check "a pipe as journal in another's directory"    trap_it setup.journal 1 'setup.journal is no file: rm '
check "a pipe as its lock"                          trap_it setup.lock 1 'setup.lock is no file: rm '
check "a pipe where the journal is written"         trap_it setup.journal.new 0 'restore takes it back'
done_testing
