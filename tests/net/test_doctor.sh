#!/bin/bash
# SPDX-License-Identifier: MIT
# test_doctor.sh - pollux doctor and what it is for: a table of things that are wrong, each made in namespaces of
# its own; doctor has to name it, and the command that it prints, run as it is printed, has to mend it.
# shellcheck source=tests/net/lib.sh disable=SC2034,SC2016,SC2154
. "$(dirname "$0")/lib.sh"
export POLLUX=$BUILD/apps/pollux NS TMP
HUGE=/sys/devices/system/node/node0/hugepages/hugepages-2048kB/nr_hugepages
HUGE_HAD=

# ---- things to be wrong ----

# child CONTROLLER: a cgroup of version 1 of our own; its path in $G.  false = the host has none
child() {
	G=/sys/fs/cgroup/$1/$NS
	[ -d "/sys/fs/cgroup/$1" ] && mkdir -p "$G" && [ -e "$G/tasks" ] || return 1
	[ "$1" != cpuset ] || echo 0 >"$G/cpuset.mems" || return 1
	export G
}
tidy() {
	local c p
	for c in cpuset cpu memory; do
		p=/sys/fs/cgroup/$c/$NS
		[ ! -d "$p" ] || within 5 rmdir "$p" 2>/dev/null
	done
	[ -z "$HUGE_HAD" ] || echo "$HUGE_HAD" >"$HUGE"
	HUGE_HAD=
}
trap 'tidy; cleanup' EXIT
no_pages() { [ -w "$HUGE" ] && HUGE_HAD=$(cat "$HUGE") && echo 0 >"$HUGE" && [ "$(cat "$HUGE")" -lt 17 ]; }
program() { # an XDP program of somebody else's
	[ -e "$TMP/xdp.o" ] || echo '__attribute__((section("xdp"), used)) int theirs(void *c) { return 2; }' |
		clang -O2 -target bpf -c -xc - -o "$TMP/xdp.o" && at a ip link set dev va "$1" obj "$TMP/xdp.o" sec xdp
}
bridge() { at a ip link add br0 type bridge && at a ip link set br0 up && at a ip link set va master br0; }
altname() { at a ip link property add dev va altname lan0; }
cpus() { [ "$(nproc)" -ge "$1" ]; }
# A user without rights, and a copy of the program that the mend may give some.
nobody() {
	chmod 711 "$TMP"
	rm -f "$TMP/pollux" && cp "$BUILD/apps/pollux" "$TMP/pollux" && chmod 755 "$TMP/pollux" || return 1
	AS="setpriv --reuid 65534 --regid 65534 --clear-groups --inh-caps=-all --bounding-set=+all"
	COPY=$TMP/pollux
}

# ---- one of them ----

# The shell in which an operator would paste: makes the rest of it wrong (INNER), asks, pastes, asks again.
cat >"$TMP/case.sh" <<-'SH'
	said() { # said FILE: status of the check; its mend goes to $TMP/mend
		python3 - "$1" "$CHECK" "$TMP/mend" <<-'PY'
		import json, sys
		f = [r for r in json.load(open(sys.argv[1])) if r["name"] == sys.argv[2]]
		bad = [r for r in f if r["status"] in ("WARN", "FAIL")] or f
		open(sys.argv[3], "w").write(bad[0]["mend"])
		print(bad[0]["status"])
		PY
	}
	doctor() { eval "$AS $POLLUX doctor $ARGS --json --only $CHECK" >"$TMP/said"; }
	mended() { doctor && [ "$(said "$TMP/said")" = OK ]; }
	eval "$INNER" || { echo "cannot make it wrong: $INNER"; exit 1; }
	doctor
	code=$? status=$(said "$TMP/said")
	cat "$TMP/said"
	[ "$status" = "$STATUS" ] || { echo "said $status, wanted $STATUS"; exit 1; }
	[ $code = "$([ "$status" = FAIL ] && echo 1 || echo 0)" ] || { echo "exit code $code"; exit 1; }
	mend=$(cat "$TMP/mend")
	[ -n "$mend" ] || { echo "no mend"; exit 1; }
	eval "$mend" >"$TMP/mended" 2>&1
	case $mend in
	*"$POLLUX doctor"*) # better options: they are tried by the command itself
		cat "$TMP/mended"
		grep -q "^OK *$CHECK " "$TMP/mended" && ! grep -qE "^(WARN|FAIL) *$CHECK " "$TMP/mended"
		exit ;;
	esac
	for _ in $(seq 100); do
		mended && exit 0
		sleep 0.05 # a process that was ended lets go a little later
	done
	cat "$TMP/mended" "$TMP/said"
	exit 1
SH

wrong() { # wrong SEED STATUS CHECK CONTEXT INNER ARGS
	local ok=0
	AS='' COPY=$BUILD/apps/pollux
	pair 2
	if eval "$1"; then
		AS=$AS POLLUX=$COPY STATUS=$2 CHECK=$3 INNER=$5 ARGS=$6 eval "$4 bash $TMP/case.sh" || ok=1
	else
		echo "cannot make it wrong: $1"
		ok=1
	fi
	tidy
	for p in ${PIDS[@]+"${PIDS[@]}"}; do kill -KILL "$p" 2>/dev/null; wait "$p" 2>/dev/null; done
	PIDS=()
	unpair
	return $ok
}

A="ip netns exec ${NS}a" B="ip netns exec ${NS}b"
# name | what is done from outside | status | check | where the shell is | what is done in the shell | arguments
table() {
	cat <<'ROWS'
interface down|at a ip link set va down|FAIL|iface-up|$A|true|va
no carrier|at b ip link set vb down|WARN|carrier|$A|true|va
wrong network namespace|true|FAIL|iface-exists|$B|true|va
misspelt name|true|FAIL|iface-exists|$A|true|vaa,rxqs=1
alternative name|altname|WARN|iface-name|$A|true|lan0,rxqs=1
/sys of another namespace|true|WARN|iface-sysfs|nsenter --net=/run/netns/${NS}a|true|va
ROWS
}
while IFS='|' read -r name seed status check where inner args; do
	check "$name: $check says $status, and its mend mends" wrong "$seed" "$status" "$check" "$where" "$inner" "$args"
done < <(table)

# ---- the command itself ----

tool() { # tool CODE PATTERN ARGUMENTS...: words on either output
	local code=$1 pattern=$2 rc; shift 2
	"$POLLUX" "$@" >"$TMP/out" 2>&1 </dev/null
	rc=$?
	[ $rc = "$code" ] && grep -qE -- "$pattern" "$TMP/out" && return
	echo "exit code $rc"; show "$TMP/out"
	return 1
}
check "help"                                     tool 0 '^usage: pollux doctor' doctor --help
check "--list has a line for each check"         tool 0 '^memlock +rights' doctor --list
check "a summary ends the text"                  tool 0 '^[0-9]+ ok, [0-9]+ warn, 0 fail, [0-9]+ skip$' doctor
check "an unknown check, with the one meant"     tool 2 "'memlok': no such check, did you mean memlock" doctor --only memlok
check "--only without a name"                    tool 2 'a name is missing' doctor --only
check "a bad option is a usage error"            tool 2 'did you mean --iface' doctor --ifac x
check "a bad lcore list is a usage error"        tool 2 'a number is missing' doctor -l x
check "a check of interfaces without one"        tool 0 '^SKIP +carrier' doctor --only carrier
in_docs() { # the page and --list have the same checks, groups and sentences, in the same order
	"$POLLUX" doctor --list | sed -E 's/^([^ ]+) +([^ ]+) +(.*)$/| `\1` | \2 | \3 |/' >"$TMP/list"
	sed -nE '/^\| `/s/^(\| `[^|]*\|[^|]*\|[^|]*\|).*/\1/p' "$TOP/docs/doctor.md" | diff "$TMP/list" -
}
check "docs/doctor.md has what --list has"       in_docs
quick() { # all checks of an interface in well under a second
	local t
	pair 2
	t=$(now_ms)
	at a "$POLLUX" doctor va -l "$LC" >/dev/null
	t=$(($(now_ms) - t))
	unpair
	note "all checks of one interface took $t ms"
	[ "$t" -lt 1000 ]
}
check "takes less than a second"                 quick
done_testing
