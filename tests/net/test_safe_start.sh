#!/bin/bash
# SPDX-License-Identifier: MIT
# test_safe_start.sh - a start that would cut off the host's default route, or whoever starts it, is refused
# before anything has changed, and --dry-run alike; with the key that forces it, steer=none or driver=packet it goes on.
# shellcheck source=tests/net/lib.sh
. "$(dirname "$0")/lib.sh"

OPTS=(-l "$LC" -m 64M --idle adaptive)
# fwd [OPTION...]: plx-fwd at a, for as long as it takes to start and stop
fwd() { at a "$FWD" "${OPTS[@]}" --huge never "$@" -- --mode rxonly --duration 0.2; }
dry() { at a "$FWD" "${OPTS[@]}" --dry-run "$@"; }
one_line() { [ "$(grep -c . "$TMP/out")" = 1 ] || { show "$TMP/out"; return 1; }; }
refused() { # refused PATTERN OPTION...: by a start and by --dry-run, in one line, and nothing has changed
	local what=$1; shift
	says 2 "error: va: steer=all would cut off $what: .*steer=none.*--iface va,force=yes; see pollux doctor va\$" fwd "$@" && one_line &&
		no_xdp va && says 2 "would cut off $what: " dry "$@" && one_line
}
allowed() { says 0 'result: ok' fwd "$@" && says 0 'nothing was changed' dry "$@"; }
forced() { says 0 "notice: va: takes all frames of its queues, $1 too \(force=yes\)" fwd --iface va,force=yes; }
others() { # the other ways to leave it to the host
	allowed --iface va,steer=none && allowed --iface va,driver=packet && allowed --iface n,driver=null
}

pair 2
check "no default route, nobody logged in: it starts"  allowed --iface va
route() { at a ip route replace default via 10.9.0.2; }
check "a default route"                           route
ROUTE='the default route via 10\.9\.0\.2'
check "is not cut off"                            refused "$ROUTE" --iface va
check "nor with driver=af_xdp"                    refused "$ROUTE" --iface va,driver=af_xdp
check "nor by another port of the start"          refused "$ROUTE" --iface lo,steer=none --iface va
check "nor after changes to the host"             refused "$ROUTE" --iface va --setup=apply
check "unless it is forced"                       forced "$ROUTE"
check "or left to the host"                       others
file() { printf 'ports:\n  - name: va\n    force: yes\n' >"$TMP/f.yaml"; allowed -c "$TMP/f.yaml"; }
if "$BUILD/apps/pollux" config check "$TOP/config/pollux.yaml" 2>&1 | grep -q 'feature yaml'; then
	skip "also in a file" "libyaml"
else
	check "also in a file"                    file
fi
nobody() { # without rights for XDP an undecided port copies
	says 0 'result: ok' at a setpriv --bounding-set=-all,+net_raw --inh-caps=-all "$FWD" "${OPTS[@]}" --huge never --iface va -- --mode rxonly --duration 0.2
}
check "or where rights suffice for a copy only"   nobody
unroute() { at a ip route del default; }
check "the route goes"                            unroute
check "and it starts"                             allowed --iface va
v6() { at a sh -c 'echo 0 >/proc/sys/net/ipv6/conf/va/disable_ipv6' && at a ip -6 addr add fd09::1/64 dev va nodad && at a ip -6 route add default via fd09::2; }
check "a default route of IPv6"                   v6
check "is not cut off"                            refused 'the default route via fd09::2' --iface va
v6_off() { at a ip -6 route del default; }
check "it goes"                                   v6_off

bridge() { at a ip link add br0 type bridge && at a ip link set br0 up && at a ip link set va master br0 && at a ip addr del 10.9.0.1/24 dev va && at a ip addr add 10.9.0.1/24 dev br0 && route; }
check "a default route by the bridge of the port" bridge
check "is not cut off"                            refused "$ROUTE by br0, which stands on va" --iface va
unbridge() { at a ip link del br0 && at a ip addr add 10.9.0.1/24 dev va; }
check "the bridge goes"                           unbridge

# ---- logins ----

check "a listener at the other end"               listener b 10.9.0.2 2222
LISTENER=$PID
# A program that holds a TCP connection and starts another, as an sshd or an agent does, at a: what it starts
# knows of the connection neither by a descriptor nor by its environment.
cat >"$TMP/agent.py" <<'PY'
import os, socket, subprocess, sys
s = socket.create_connection((sys.argv[1], int(sys.argv[2])))
env = {k: v for k, v in os.environ.items() if not k.startswith("SSH_")}
code = subprocess.call(["setsid", "--wait", "sh", "-c", '"$@"; exit $?', "sh"] + sys.argv[3:], env=env, stdin=subprocess.DEVNULL)
s.getpeername()
sys.exit(code)
PY
agent() { at a python3 "$TMP/agent.py" 10.9.0.2 2222 "$FWD" "${OPTS[@]}" --huge never "$@"; }
LOGIN='the connection of python3[0-9.]* \(process [0-9]+\) with 10\.9\.0\.2:2222'
by_agent() { says 2 "error: va: steer=all would cut off $LOGIN: .*force=yes" agent --iface va && one_line && no_xdp va; }
dry_agent() { says 2 "would cut off $LOGIN: " agent --iface va --dry-run; }
free_agent() { says 0 'result: ok' agent --iface "va,$1" -- --mode rxonly --duration 0.2; }
check "an ancestor's connection is not cut off"   by_agent
check "--dry-run says so too"                     dry_agent
check "unless it is forced"                       free_agent force=yes
check "or left to the host"                       free_agent steer=none

# hold NAME: a process of this name at a, which is no ancestor of what is started later, holds a connection
hold() {
	start "$1" a python3 -c 'import signal, socket, sys
open("/proc/self/comm", "w").write(sys.argv[1])
s = socket.create_connection(("10.9.0.2", 2222)); print("open", flush=True); signal.pause()' "$1"
	within $PATIENCE grep -q open "$TMP/$1"
}
release() { kill -KILL "$1"; wait "$1" 2>/dev/null; } # PID
check "a connection of another process"           hold backup
OTHER=$PID
check "is no login"                               allowed --iface va
release "$OTHER"
check "a session of an sshd that is no ancestor"  hold sshd-session
SESSION=$PID
SSH='the ssh session from 10\.9\.0\.2:2222'
check "is not cut off"                            refused "$SSH" --iface va
check "unless it is forced"                       forced "$SSH"
doctor() { says 1 "^FAIL +ssh-session +va .*$SSH" at a "$BUILD/apps/pollux" doctor va -l 0 --only ssh-session; }
check "doctor has the same answer"                doctor
plan() { says 1 "^FAIL +plan +.* would cut off $SSH: " at a "$BUILD/apps/pollux" doctor va -l 0 --only plan; }
check "and says that a start would be refused"    plan
check "route and session are told in one line"    route
check "both"                                      refused "$ROUTE and $SSH" --iface va
check "the route goes"                            unroute
release "$SESSION"
check "the session goes, and it starts"           within $PATIENCE allowed --iface va
release "$LISTENER"

# The plan of a dry run with set-up counts the pages that would be made, not a number that means "enough".
made_pages() {
	dry --iface va,steer=none --huge prefer --setup=apply >"$TMP/out" 2>"$TMP/err"
	grep -q 'in pages of 2 MiB, [0-9]* of [0-9]\{1,8\} free' "$TMP/out" || { show "$TMP/out" "$TMP/err"; return 1; }
}
check "--dry-run --setup=apply tells of pages as they would be" made_pages
done_testing
