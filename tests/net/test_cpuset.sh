#!/bin/bash
# SPDX-License-Identifier: MIT
# test_cpuset.sh - programs within a cgroup that leaves them one CPU, some of its time, or both: `-l auto` takes
# what is left, -l outside is refused with a reason; and within one that limits memory: what does not fit is refused
# rather than killed.  The cgroups are this test's own and go with it.
# shellcheck source=tests/net/lib.sh
. "$(dirname "$0")/lib.sh"
[ "$(id -u)" = 0 ] || { echo "SKIP: not root"; exit 77; }
ALL=$(nproc --all)
IN=$(lcores 1)
OUT=$(lcores 2); OUT=${OUT##*,}

# hierarchy CONTROLLER: directory of this shell's own cgroup in the hierarchy that has it; V its version
hierarchy() {
	local mount own
	mount=$(awk -v c="$1" '{ n = split($NF, o, ","); for (i = 1; i <= n; i++) if ($(NF-2) == "cgroup" && o[i] == c) { print $5; exit } }' /proc/self/mountinfo)
	if [ -n "$mount" ]; then
		V=1 own=$(awk -F: -v c="$1" '{ n = split($2, o, ","); for (i = 1; i <= n; i++) if (o[i] == c) print $3 }' /proc/self/cgroup)
	else
		mount=$(awk '$(NF-2) == "cgroup2" { print $5; exit }' /proc/self/mountinfo)
		V=2 own=$(sed -n 's/^0:://p' /proc/self/cgroup)
		grep -qw "$1" "$mount$own/cgroup.subtree_control" 2>/dev/null || return 1
	fi
	[ -d "$mount$own" ] || own=/
	D=${mount}${own%/} OWN=${own%/}
}
MADE=()
# uncage removes the cgroups, once nothing runs in them any more
uncage() {
	local d
	for d in ${MADE[@]+"${MADE[@]}"}; do
		[ -d "$d" ] || continue
		within 5 rmdir "$d" 2>/dev/null || echo "# $d is left: $(cat "$d/cgroup.procs")"
	done
}
trap 'cleanup; uncage' EXIT

# cage DIR: makes a cgroup; newest first in MADE
cage() { mkdir "$1" && MADE=("$1" ${MADE[@]+"${MADE[@]}"}); }
hierarchy cpuset || { echo "SKIP: no cpuset hierarchy"; exit 77; }
CAGE=$D/$NS VC=$V CG=$OWN/$NS
cage "$CAGE" 2>/dev/null || { echo "SKIP: cgroups cannot be made in $D"; exit 77; }
cat "$D/cpuset.mems.effective" "$D/cpuset.effective_mems" 2>/dev/null >"$CAGE/cpuset.mems"
echo "$IN" >"$CAGE/cpuset.cpus" || { echo "SKIP: $CAGE/cpuset.cpus cannot be written"; exit 77; }
# within_cage DIR COMMAND...: the command runs there from its first instruction on
printf '#!/bin/sh\nd=$1; shift; echo $$ >"$d/cgroup.procs" && exec "$@"\n' >"$TMP/in"; chmod +x "$TMP/in"

# caged DIR CODE PATTERN ARGUMENTS...: plx-fwd in a cgroup ends so and says so
caged() {
	local dir=$1 code=$2 pattern=$3 rc; shift 3
	timeout 20 "$TMP/in" "$dir" "$FWD" "$@" >"$TMP/out" 2>"$TMP/err" </dev/null; rc=$?
	[ $rc = "$code" ] && cat "$TMP/out" "$TMP/err" | grep -qE -- "$pattern" && return
	echo "exit code $rc"; show "$TMP/out" "$TMP/err"
	return 1
}
one_line() { [ "$(grep -c "error: " "$TMP/err")" = 1 ] && ! grep -vE "^plx-fwd: (error|notice|warning): " "$TMP/err"; }
NULL="--iface n,driver=null,queues=2 --huge never"
# shellcheck disable=SC2086
{
	check "-l auto takes the CPU that is left"    caged "$CAGE" 0 "^lcore +$IN +CPU $IN +node .* polls n:0-1" --dry-run -l auto $NULL
	check "the plan tells the CPUs"               caged "$CAGE" 0 "^machine .*CPUs $IN allowed" --dry-run $NULL
	check "and a program runs so"                 caged "$CAGE" 0 '"received":[0-9]{5}' $NULL -m 16M -- --mode rxonly --count 20000 --json
	check "-l with that CPU"                      caged "$CAGE" 0 '"received"' -l "5@$IN" $NULL -m 16M -- --mode rxonly --count 20000 --json
	if [ "$IN" != "$OUT" ]; then
		check "-l outside is an error"            caged "$CAGE" 2 "^plx-fwd: .*lcore $OUT: CPU $OUT is not in this process's cpuset \($IN of cgroup $CG\): use -l $IN\$" -l "$OUT" $NULL
		check "one error, and no other noise"                   one_line
		check "also beside one that is inside"    caged "$CAGE" 2 "lcore 7: CPU $OUT is not in this process's cpuset" -l "$IN,7@$OUT" $NULL
		check "--main-lcore outside"              caged "$CAGE" 2 "--main-lcore $OUT: CPU $OUT is not in this process's cpuset" --main-lcore "$OUT" $NULL
		check "the affinity is told apart"        taskset -c "$IN" sh -c "'$FWD' -l $OUT $NULL 2>&1 | grep \"affinity ($IN): use -l $IN, or taskset -c $IN,$OUT\""
	else
		skip "-l outside is an error" "one CPU"
	fi
	check "-l on a CPU that is not there"         caged "$CAGE" 2 "CPU 999 is not there" -l 0@999 $NULL
}
fix() { # the -l that the error names works
	caged "$CAGE" 2 . -l "0@$OUT" --iface n,driver=null
	local l; l=$(sed -n 's/.*: use -l //p' "$TMP/err")
	[ -n "$l" ] && caged "$CAGE" 0 "^lcore +$l " --dry-run -l "$l" --iface n,driver=null
}
[ "$IN" = "$OUT" ] || check "the fix that it names fixes" fix
pictured() {
	"$TMP/in" "$CAGE" "$BUILD/apps/pollux" topo >"$TMP/out" || return 1
	grep -q "^allowed  CPUs $IN; cpuset of cgroup $CG (v$VC)" "$TMP/out" && { [ "$IN" = "$OUT" ] || grep -qE "[[ ]$OUT-" "$TMP/out"; } ||
		{ show "$TMP/out"; return 1; }
}
check "pollux topo shows what is outside"     pictured
cage "$CAGE/inner"
[ "$VC" = 2 ] || { cat "$CAGE/cpuset.mems" >"$CAGE/inner/cpuset.mems"; cat "$CAGE/cpuset.cpus" >"$CAGE/inner/cpuset.cpus"; }
[ "$IN" = "$OUT" ] || check "a cgroup within it" caged "$CAGE/inner" 2 "\($IN of cgroup $CG/inner\): use -l $IN" -l "$OUT" --iface n,driver=null

# ---- over veth, polling on one CPU ----

pair 2
# start_caged OUT END COMMAND...: as start, from within the cgroup; sysfs of a namespace shows no cgroups
start_caged() {
	local out=$TMP/$1 end=$2; shift 2
	: >"$out" >"$out.err"
	"$TMP/in" "$CAGE" env --default-signal=INT,QUIT ip netns exec "$NS$end" "$@" >"$out" 2>"$out.err" </dev/null &
	PID=$!
	PIDS+=("$PID")
}
traffic() {
	start_caged fwd a "$FWD" -l auto -m 64M --idle adaptive --iface va -- --mode macswap --json
	local pid=$PID
	within $PATIENCE running fwd || { show "$TMP/fwd.err"; return 1; }
	! grep -h '^Cpus_allowed_list' "/proc/$pid/task/"*/status | grep -qv "	$IN\$" || { echo "a thread is elsewhere"; return 1; }
	generate gen b vb 5000 5k && intact gen 5000 && end "$pid"
}
refused_there() {
	start_caged bad a "$FWD" -l "$OUT" --iface va
	finish "$PID" 10
	[ $? = 2 ] && grep -q "CPU $OUT is not in this process's cpuset ($IN): use -l $IN" "$TMP/bad.err" || { show "$TMP/bad.err"; return 1; }
}
[ "$IN" = "$OUT" ] || check "-l outside, where no cgroup can be seen" refused_there
check "5000 packets and back, all threads on the CPU that is left" traffic

# ---- a part of the time ----

if hierarchy cpu && cage "$D/$NS-time" 2>/dev/null; then
	TIME=$D/$NS-time
	half() { if [ "$V" = 1 ]; then echo 50000 >"$TIME/cpu.cfs_quota_us"; else echo "50000 100000" >"$TIME/cpu.max"; fi; }
	check "half of a CPU's time can be set"   half
	check "the plan notes it"                 caged "$TIME" 0 "^note +cgroup $OWN/$NS-time has the time of 0.5 CPUs .*1 busy lcore will" --dry-run -l "$IN" --iface n,driver=null
	quiet() { caged "$TIME" 0 '^lcore' --dry-run -l "$IN" --idle adaptive --iface n,driver=null && ! grep 'the time of' "$TMP/out"; }
	check "not of lcores that sleep"          quiet
else
	skip "the plan notes a CPU quota" "no cpu hierarchy to write to"
fi

# ---- a part of the memory ----

if hierarchy memory && cage "$D/$NS-memory" 2>/dev/null; then
	MEMORY=$D/$NS-memory LIMIT=memory.max LIFT=max
	[ "$V" = 2 ] || LIMIT=memory.limit_in_bytes LIFT=-1
	NULL="-l 0 --iface n,driver=null --huge never"
	limit() { echo 32M >"$MEMORY/$LIMIT"; }
	WHY="memory limit: 64 MiB wanted .*/$NS-memory/$LIMIT leaves [0-9]+ MiB: -m [0-9]+, or echo $LIFT > .*/$NS-memory/$LIMIT\$"
	check "32 MiB of memory can be set"                limit
	# shellcheck disable=SC2086
	{
		check "a pool of 64 MiB is refused, not killed"     caged "$MEMORY" 5 "$WHY" $NULL -m 64M
		check "one error, and no other noise"               one_line
		check "--dry-run says so too"                       caged "$MEMORY" 5 "$WHY" --dry-run $NULL -m 64M
		less() { local m; m=$(sed -n 's/.*: -m \([0-9]*\), or.*/\1/p' "$TMP/err") && caged "$MEMORY" 0 '"received":[0-9]{5}' $NULL -m "$m" -- --mode rxonly --count 20000 --json; }
		check "the -m that it names fits"                   less
		lifted() { caged "$MEMORY" 5 . $NULL -m 64M; sh -c "$(sed -n 's/.*, or echo/echo/p' "$TMP/err")" && caged "$MEMORY" 0 '"received":[0-9]{5}' $NULL -m 64M -- --mode rxonly --count 20000 --json; }
		check "and without the limit it starts"             lifted
	}
else
	skip "a pool beyond the memory of the cgroup is refused" "no memory hierarchy to write to"
fi
note "$ALL CPUs, cpuset v$VC"
done_testing
