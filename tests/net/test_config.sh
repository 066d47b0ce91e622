#!/bin/bash
# SPDX-License-Identifier: MIT
# test_config.sh - the configuration file and pollux config, from outside: forty bad files, each refused with
# its line and column before the network is touched; what a good one starts; the tool's words and exit codes.
# shellcheck source=tests/net/lib.sh
. "$(dirname "$0")/lib.sh"
need strace
POLLUX=$BUILD/apps/pollux
"$POLLUX" config check "$TOP/config/pollux.yaml" 2>&1 | grep -q 'feature yaml' && { echo "SKIP: libyaml"; exit 77; }
F=$TMP/f.yaml
umask 022

# refused LINE:COLUMN TEXT: plx-fwd refuses such a file with exit code 2 and one line that begins with the
# place, and made no socket, program, memory file or thread
refused() {
	local place=$1 rc
	printf '%b' "$2" >"$F"
	strace -f -qq -o "$TMP/trace" -e trace=socket,bpf,memfd_create,clone,clone3,mbind "$FWD" -c "$F" -- --mode io \
		>"$TMP/out" 2>"$TMP/err" </dev/null
	rc=$?
	[ $rc = 2 ] && [ "$(wc -l <"$TMP/err")" = 1 ] && [ ! -s "$TMP/out" ] && grep -q "^plx-fwd: $F:$place: ." "$TMP/err" || {
		echo "exit code $rc"; show "$TMP/err" "$TMP/out"; return 1
	}
	! grep -E 'socket|bpf|memfd|clone|mbind' "$TMP/trace"
}
while IFS='|' read -r place text; do
	check "refused at $place: $text" refused "$place" "$text"
done <<'ROWS'
1:5|mem:\0 64\n
2:3|mem: 64\n# \0351t\0351\n
1:6|mem: \033[1m64\n
2:1|ports:\n\t- name: n\n
2:1|mem: 64\nidle busy\n
1:11|idle: busy: now\n
1:7|idle: 'busy\n
1:8|ports: [n\n
1:9|lcores: @0\n
1:7|idle: busy\n  mem: 64\n
2:1| idle: busy\nmem: 64\n
1:7|idle: &a busy\n
2:7|mem: 64\nidle: *a\n
1:6|mem: !!int 64\n
1:1|<<: {idle: busy}\n
1:1|%YAML 1.2\n---\nidle: busy\n
2:1|idle: busy\n---\nmem: 64\n
1:3|? [a]\n: b\n
1:1|- idle\n
1:1|[[[[[[[[[[[[[[[[[[[[[[[[[[[[\n
1:13|lcores: [0, [1, [2]]]\n
1:13|app: {mode: {a: {b: c}}}\n
2:1|mem: 64\nidel: busy\n
1:1|iface: n\n
1:1|driver: null\n
1:1|m: 64\n
1:1|config: other.yaml\n
1:1|dry-run: true\n
3:1|idle: busy\nmem: 64\nidle: busy\n
2:1|mem: 64\nnode-mem: 64\n
1:1|idle:\n
1:7|idle: no\n
1:7|idle: [busy]\n
1:7|mem:  12:30:00\n
1:6|mem: 1.5G\n
1:13|frame-size: 1500\n
1:13|main-lcore: 9999\n
1:9|lcores: 0-\n
1:8|ports: n\n
2:5|ports:\n  - rxqs: 1\n
3:5|ports:\n  - name: n\n    mood: zc\n
3:10|ports:\n  - name: n\n    rxd: 2k\n
4:5|ports:\n  - name: n\n    stall: 1s\n    stall: 2s\n
3:5|ports:\n  - name: n\n    peer: x\n
2:5|ports:\n  - n,mood=zc\n
2:9|app:\n  mode: oi\n
2:3|app:\n  mod: io\n
3:3|app:\n  mode: io\n  mode: mac\n
ROWS

# ---- good ones ----

cat >"$F" <<-'YAML'
	mem: 64M
	idle: adaptive
	ports:
	  - name: n
	    driver: null
	    size: 128
	app:
	  mode: rxonly
	  count: 1000
	  json: true
YAML
starts() { timeout 20 "$FWD" "$@" >"$TMP/out" 2>"$TMP/err" </dev/null || { echo "exit code $?"; show "$TMP/err"; return 1; }; }
runs() { starts "$@" && is "$TMP/out" total.received -ge 1000; }
check "a file alone starts a program" runs -c "$F" --huge never
by_variable() { POLLUX_CONFIG=$F runs --huge never; }
check "and so does POLLUX_CONFIG" by_variable
plan_says() { # plan_says PATTERN ARGUMENTS...
	local p=$1; shift
	starts --dry-run "$@" && grep -q "$p" "$TMP/out" && return
	show "$TMP/out"
	return 1
}
other_ports() { POLLUX_IFACE='e,driver=null' plan_says '^port  *0  *e ' -c "$F" -- --mode io; }
check "POLLUX_IFACE wins over the file" other_ports
given_ports() { POLLUX_IFACE='e,driver=null' plan_says '^port  *0  *a ' -c "$F" --iface a,driver=null -- --mode io; }
check "--iface wins over both" given_ports
bad_variable() {
	POLLUX_IDEL=busy "$FWD" 2>"$TMP/err" </dev/null
	[ $? = 2 ] && grep -q 'did you mean POLLUX_IDLE' "$TMP/err"
}
check "an unknown POLLUX_ variable is an error" bad_variable
writable() {
	chmod "$1" "$F"; starts -c "$F" --dry-run -- --mode io && return 1
	grep -q "chmod $2 $F" "$TMP/err" && sh -c "$(sed -n 's/.*: chmod/chmod/p' "$TMP/err")" && starts -c "$F" --dry-run -- --mode io
}
if [ "$(id -u)" = 0 ]; then
	check "root refuses a file that its group may write, and the fix fixes" writable 664 g-w
	check "root refuses a file that everyone may write, and the fix fixes" writable 666 go-w
else
	skip "root refuses a file that others may write" "not root"
fi

# ---- the tool ----

tool() { says "$1" "$2" "$POLLUX" "${@:3}"; } # tool CODE PATTERN ARGUMENTS...
short() { tool 0 '^usage: pollux' --help && [ "$(wc -l <"$TMP/out")" -le 24 ] && [ "$(wc -L <"$TMP/out")" -le 80 ]; }
check "pollux --help is one screen"                 short
check "no command is a usage error"                 tool 2 '^usage: pollux COMMAND'
check "unknown command, with the one that was meant" tool 2 "'confg': unknown command, did you mean config\?" confg
check "unknown command, far from all"               tool 2 "'zzzzz': unknown command; pollux --help" zzzzz
check "a command may be shortened"                  tool 0 '^idle: busy' conf sh
check "unless two are meant"                        tool 2 "'s' may be any of show, schema" config s
check "help of a part"                              tool 0 '^usage: pollux config check' help config check
check "--version"                                   tool 0 '^pollux [0-9.]+$' --version
check "check: a good file"                          tool 0 'pollux.yaml: ok' config check "$TOP/config/pollux.yaml"
printf 'idle: no\n' >"$F"
check "check: a bad file is exit code 2"            tool 2 "^$F:1:7: idle 'no'" config check "$F"
check "check: no file is a usage error"             tool 2 'a file is missing' config check
check "check: a file that is not there"             tool 2 '^pollux config check: .*/nosuch.yaml: no such file' config check /nosuch.yaml
# one_code CODE FILE: every command and program that reads such a file ends with the same code
one_code() {
	local code=$1 file=$2 rc; shift 2
	for cmd in "config check" "config show -c" "doctor -c" "topo -c" "setup plan -c" "setup apply -c"; do
		# shellcheck disable=SC2086
		"$@" "$POLLUX" $cmd "$file" >"$TMP/out" 2>&1
		rc=$?
		[ $rc = "$code" ] || { echo "pollux $cmd: exit code $rc"; show "$TMP/out"; return 1; }
	done
	"$@" "$FWD" -c "$file" >"$TMP/out" 2>&1
	rc=$?
	[ $rc = "$code" ] || { echo "plx-fwd -c: exit code $rc"; show "$TMP/out"; return 1; }
}
check "a bad file is exit code 2 of all"            one_code 2 "$F"
check "a file that is not there is too"             one_code 2 /nosuch.yaml
check "and a directory"                             one_code 2 /
mkfifo "$TMP/fifo"
check "and a pipe that nobody writes to, at once"   one_code 2 "$TMP/fifo" timeout 5
if [ "$(id -u)" = 0 ]; then
	foreign() { # of whom: refused by all, and the fix fixes
		chown nobody "$F" && one_code 2 "$F" && tool 2 "^$F: uid [0-9]* may write it.*: chown root $F\$" config check "$F" && chown root "$F" &&
			tool 2 "^$F:1:7" config check "$F"
	}
	check "another user's is refused by root, and the fix fixes" foreign
	mkdir "$TMP/theirs" && cp "$F" "$TMP/theirs/f.yaml" && chown nobody "$TMP/theirs"
	check "and one that another user could replace"  tool 2 'uid [0-9]* may replace it' config check "$TMP/theirs/f.yaml"
	secure() { # setuid root, started by nobody, who may not tell it what to do
		chmod 711 "$TMP"; cp "$POLLUX" "$TMP/suid" && chmod 4755 "$TMP/suid"
		POLLUX_IDLE=adaptive setpriv --reuid 65534 --regid 65534 --clear-groups "$TMP/suid" config show >"$TMP/out" 2>"$TMP/err"
		local rc=$?
		rm "$TMP/suid"; chmod 700 "$TMP"
		[ $rc = 0 ] && grep -q '^idle: busy' "$TMP/out" && grep -q '1 POLLUX_ variable left out' "$TMP/err" || { show "$TMP/out" "$TMP/err"; return 1; }
	}
	check "variables do not reach a setuid program"   secure
	cp "$F" "$TMP/secret.yaml" && chown nobody "$TMP/secret.yaml" && chmod 400 "$TMP/secret.yaml"
	check "one that may not be read is exit code 4 of all" one_code 4 "$TMP/secret.yaml" setpriv --bounding-set=-all --inh-caps=-all
else
	skip "a file that may not be read" "not root"
fi
check "show: a bad option is a usage error"         tool 2 'did you mean --iface' config show --ifac x
check "show: a bad file"                            tool 2 "$F:1:7" config show -c "$F"
printf 'idle: adaptive\n' >"$F"
check "show --origin: file and line"                tool 0 "^idle: adaptive +# $F:1" config show --origin -c "$F"
check "show --origin: argument"                     tool 0 '^mem: 64 +# argument' config show --origin -m 64
check "show --origin: default"                      tool 0 '^huge: prefer +# default' config show --origin
from_variable() { POLLUX_HUGE=never tool 0 '^huge: never +# POLLUX_HUGE' config show --origin; }
check "show --origin: variable"                     from_variable
again() {
	POLLUX_HUGE=never "$POLLUX" config show -l 0 --iface 'n,driver=null,queues=2' --idle adaptive >"$TMP/shown.yaml" || return 1
	"$POLLUX" config show -c "$TMP/shown.yaml" | grep -v '^# config' | diff "$TMP/shown.yaml" -
}
check "what show prints is read again"              again
json() { # json EXPRESSION ARGUMENTS...: true of the value d
	local e=$1; shift
	"$POLLUX" config "$@" >"$TMP/out"
	python3 -c "import json,sys; d = json.load(open(sys.argv[1])); sys.exit(not ($e))" "$TMP/out"
}
check "show --json"   json 'd["mem"] == "64" and d["ports"][0]["name"] == "n"' show --json -m 64 --iface n
printf 'mem: 1\nidle: no\n' >"$F"
check "check --json"  json 'not d[0]["ok"] and (d[0]["line"], d[0]["column"]) == (2, 7)' check --json "$F"
check "schema"        json 'set(d["properties"]) >= {"lcores", "ports", "idle", "app"}' schema
done_testing
