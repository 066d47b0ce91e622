#!/bin/bash
# SPDX-License-Identifier: MIT
# test_tool.sh - what every command of pollux keeps: output that cannot be written is an error,
# closed descriptors are not written to, names that others chose harm neither the terminal nor
# the shell that a command is pasted into.
# shellcheck source=tests/net/lib.sh
. "$(dirname "$0")/lib.sh"
need strace
need ethtool
POLLUX=$BUILD/apps/pollux
D=$TMP/dir
mkdir "$D"
for e in a b; do ip netns add "$NS$e" || exit 1; done

# ---- output ----

COMMANDS=("--help" "--version" "config show" "doctor --list" "doctor --json --only tools" "topo" "topo --json" "live --help"
	"setup --help" "setup plan --help" "setup plan sysctl" "setup status --dir $D" "setup restore --dir $D"
	"setup restore --json --dir $D")
# unwritten HOW COMMAND: exit code 1 and one line
unwritten() {
	local how=$1 rc; shift
	case $how in
	full)   at a "$POLLUX" "$@" >/dev/full 2>"$TMP/err" ;;
	closed) at a "$POLLUX" "$@" >&- 2>"$TMP/err" ;;
	esac
	rc=$?
	[ $rc = 1 ] && [ "$(wc -l <"$TMP/err")" = 1 ] && grep -q 'cannot be written\|cannot write' "$TMP/err" && return
	echo "exit code $rc"; show "$TMP/err"
	return 1
}
for c in "${COMMANDS[@]}"; do
	# shellcheck disable=SC2086
	check "$c: on a full disk" unwritten full $c
	# shellcheck disable=SC2086
	check "$c: standard output closed" unwritten closed $c
done
# the journal would be the next file that is opened, and get what is printed
closed_apply() {
	at a "$POLLUX" setup restore --dir "$D" >&- 2>&- <&-
	[ ! -s "$D/setup.lock" ] && [ ! -e "$D/setup.journal" ]
}
check "nothing is printed into a file of ours" closed_apply

# a descriptor that cannot be asked about, or held, is told: closed, without a /dev/null to take its place
unheld() { # unheld ERROR COMMAND...
	local error=$1; shift
	"$@" </dev/null >"$TMP/out" 2>"$TMP/err"
	[ $? = 1 ] && grep -qE "^(pollux|plx-fwd): error: standard descriptor 0: $error: start it with 0<>/dev/null" "$TMP/err"
}
no_null() { unshare -m sh -c 'mount -t tmpfs none /dev && exec "$@" <&-' sh "$@"; }
for p in "$POLLUX" "$FWD"; do
	check "${p##*/}: fcntl fails" unheld 'Input/output error' strace -qq -e trace=fcntl -e inject=fcntl:error=EIO:when=1 -o "$TMP/trace" "$p" --version
	check "${p##*/}: no descriptor and no /dev/null" unheld 'No such file or directory' no_null "$p" --version
done

# ---- programs ----

# crowd N NAME..: sockets of N programs and of these names (\x: bytes) in namespace a, until its input ends
crowd() {
	coproc CROWD { ip netns exec "${NS}a" python3 -c 'import socket, sys
held = []
for n in ["p%d" % i for i in range(int(sys.argv[1]))] + sys.argv[2:]:
    s = socket.socket(socket.AF_UNIX)
    s.bind(b"\0pollux/" + n.encode().decode("unicode_escape").encode("latin-1"))
    s.listen(1)
    held.append(s)
print("held", flush=True)
sys.stdin.read()' "$@"; }
	local line
	PIDS+=("$CROWD_PID")
	read -r -t 10 line <&"${CROWD[0]}" && [ "$line" = held ]
}
check "300 programs, and names that no program has" crowd 300 '\x1b[31mred' 'a b' '\x80' good 'x;y'
live() { at a "$POLLUX" live "$@" >"$TMP/out" 2>"$TMP/err" </dev/null; }
lists() { live && [ "$(grep -c ' netns this$' "$TMP/out")" = 303 ] && grep -q '^good  ' "$TMP/out" && grep -q '^p299  ' "$TMP/out" && grep -q '^a b  ' "$TMP/out" && ! grep -q '[^ -~]' "$TMP/out"; }
check "those that may be programs are listed, all of them" lists
unknown() { live zzzzzz; [ $? = 3 ] && grep -qE 'and (28[3-9]|29.|[3-9]..) more' "$TMP/err" && [ "$(wc -c <"$TMP/err")" -lt 300 ] && ! grep -q '[^ -~]' "$TMP/err"; }
check "an unknown one: the first of them, and how many more" unknown
absent() { live "$1"; [ $? = 3 ] && grep -q 'does not run' "$TMP/err"; }
check "a name too long for any program" absent "$(printf 'a%.0s' {1..200})"
check "a name that no program has" absent $'a\x1bb'
check "no name" absent ''
dash() { live --jsn; [ $? = 2 ] && grep -q 'unknown option' "$TMP/err"; }
check "an option that is none" dash
drips() { grep -qa '@pollux/drip' "/proc/$PID/net/unix"; }
drip() { # a listener that sends a byte at a time, for ever
	start drip a python3 -c 'import socket, time
s = socket.socket(socket.AF_UNIX)
s.bind(b"\0pollux/drip"); s.listen(1)
c, _ = s.accept()
try:
    while True: c.send(b" "); time.sleep(0.2)
except OSError: pass'
	within $PATIENCE drips || return 1
	at a timeout 15 "$POLLUX" live drip >"$TMP/out" 2>"$TMP/err"
	[ $? = 1 ] && grep -q 'within 3 s' "$TMP/err"
}
check "one that answers for ever is given up" drip
no_proc() { # without /proc nobody can say that there is none
	at a unshare -m sh -c 'mount -t tmpfs none /proc && exec "$0" live' "$POLLUX" >"$TMP/out" 2>"$TMP/err"
	[ $? = 1 ] && grep -q 'mount -t proc' "$TMP/err"
}
check "no /proc is not no programs" no_proc

# ---- names of interfaces ----

# shellcheck disable=SC2016
HERE_IF='$(>pwned)' PEER_IF='b;>pwned#`x`'
odd() { ip -n "${NS}a" link add "$HERE_IF" numtxqueues 64 numrxqueues 64 type veth peer name "$PEER_IF" netns "${NS}b"; }
check "interfaces of odd names, and of 64 queues" odd
# pasted: each fix, parsed by a shell whose commands are all the same, which does nothing
pasted() {
	at a "$POLLUX" doctor "$HERE_IF" >"$TMP/out" 2>"$TMP/err"
	sed -n 's/^ *fix: //p' "$TMP/out" | grep -F 'pwned' >"$TMP/fixes"
	[ -s "$TMP/fixes" ] || { show "$TMP/out" "$TMP/err"; return 1; }
	mkdir -p "$TMP/cwd" "$TMP/bin"
	printf '#!/bin/sh\n:\n' >"$TMP/bin/true"; chmod +x "$TMP/bin/true"
	for c in ip ethtool nsenter pollux; do cp "$TMP/bin/true" "$TMP/bin/$c"; done
	(cd "$TMP/cwd" && PATH=$TMP/bin /bin/sh "$TMP/fixes") >/dev/null 2>"$TMP/sh.err"
	[ -z "$(ls "$TMP/cwd")" ] || { ls "$TMP/cwd"; cat "$TMP/fixes"; return 1; }
}
check "fixes of an interface that is down" pasted
up() { ip -n "${NS}a" link set "$HERE_IF" up && ip -n "${NS}b" link set "$PEER_IF" up && at a ethtool -K "$HERE_IF" gro on; }
check "(both are up)" up
check "fixes of its other end" pasted
script() {
	at a "$POLLUX" setup plan channels rss offloads napi --iface "$HERE_IF,queues=4" -l "${LC%%,*}" >"$TMP/plan" 2>"$TMP/err" || { show "$TMP/err"; return 1; }
	grep -q "^[a-z].*'\\\$(>pwned)'" "$TMP/plan" || { cat "$TMP/plan"; return 1; }
	(cd "$TMP/cwd" && PATH=$TMP/bin /bin/sh "$TMP/plan") >/dev/null 2>&1
	[ -z "$(ls "$TMP/cwd")" ]
}
check "the script of a plan" script
done_testing
