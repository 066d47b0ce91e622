#!/bin/bash
# SPDX-License-Identifier: MIT
# test_layout.sh - the rules of the house that a compiler does not check: who includes whom,
# what the library exports, that each public header stands alone, that README shows what is tested.
# shellcheck source=tests/net/lib.sh
. "$(dirname "$0")/lib.sh"

cd "$TOP" || exit 1
private() { find "$@" -name '*.h' ! -name 'plx*' -printf '%f\n' 2>/dev/null; } # headers that are not installed, a line each
# no_include FOLDER NAMES: no file of the folder includes one of these headers
no_include() {
	local folder=$1 names; shift
	names=$(printf '%s\n' "$@" | sed 's/[.]/\\./g' | paste -sd'|')
	[ -n "$names" ] || return 0
	! grep -rnE "^#include [\"<](.*/)?($names)[\">]" --include='*.[ch]' "$folder" | grep .
}
# shellcheck disable=SC2046 # lists of words
apps_see_no_insides() {
	local names; names=$(private lib drivers runtime bpf)
	[ -n "$names" ] && no_include apps/fwd $names && no_include apps/examples $names
}
check "no app but the operator's tool includes a private header of the library" apps_see_no_insides
# shellcheck disable=SC2046
check "the operator's tool includes no header of a driver's folder" \
	no_include apps/pollux $(find drivers/af_xdp drivers/packet drivers/mem drivers/xsk bpf -name '*.h' -printf '%f\n')
unique() { # a header is told by its name
	! find lib drivers runtime apps bpf -name '*.h' -printf '%f\n' | sort | uniq -d | grep .
}
check "no two headers have one name" unique
prefix() { # plx_ is for what is installed
	! find lib drivers runtime apps bpf -name 'plx*.h' -printf '%f\n' | grep -vxF "$(ls "$BUILD/include/pollux")" | grep .
}
check "a private header does not bear the prefix" prefix
shadows() { # shadows: a private header of the name of a system header
	local h
	for h in $(private lib drivers runtime apps bpf); do
		! echo "#include <$h>" | cc -x c -fsyntax-only - 2>/dev/null || echo "$h"
	done
}
no_shadow() { ! shadows | grep .; }
check "no header hides one of the system" no_shadow
small_rooms() { # folders of more than 16 sources
	find lib drivers runtime apps -name '*.c' -printf '%h\n' | sort | uniq -c | awk '$1 > 16 { print; n = 1 } END { exit n }'
}
check "no folder holds more than 16 sources" small_rooms
once() { # once PATTERN FOLDER...: the pattern stands in no source of these folders
	local pattern=$1; shift
	! grep -rnE "$pattern" --include='*.[ch]' "$@" | grep .
}
check "one function finds a driver by its name" once 'plx_drivers\[' runtime apps
one_reader() { ! grep -rn 'CapEff' --include='*.[ch]' lib drivers runtime apps | grep -v '^drivers/os/privileges[.]' | grep .; }
check "one function reads the capabilities of a process" one_reader
one_cpuset() { ! grep -rnE '(<<|>>) [a-z0-9_>.-]+ % 64' --include='*.[ch]' runtime apps/pollux drivers |
	grep -vE 'cpuset\.[ch]:|setup\.h:' | grep .; }
check "the words of a set of CPUs are touched in one place" one_cpuset
apps_through_pollux() { ! grep -rnE '#include <plx|#include "plx' apps --exclude-dir=pollux --exclude-dir=common | grep .; }
no_counters() { ! grep -rnE '(q|rx|tx|\])->(stats|user)\b' apps README.md docs/*.md | grep .; }
check "apps read counters by calls, not in the queues" no_counters
check "apps but the operator's tool include <pollux/...>, as a user's program does" apps_through_pollux

so=$BUILD/libpollux.so
exported() { nm -D --defined-only "$so" | awk '$2 != "A" { print $NF }'; } # A: the versions themselves
foreign() { exported | grep -v '^plx_' | grep .; }
nothing_foreign() { ! foreign; }
check "every exported symbol starts with plx_" nothing_foreign
unversioned() { exported | grep -v '@@POLLUX_[0-9.]*$' | grep .; }
all_versioned() { exported | grep -q . && ! unversioned; }
check "every exported symbol has a version" all_versioned
declared() { # each exported function stands in a public header
	local s
	for s in $(exported | sed 's/@.*//'); do
		grep -qwh "$s" "$BUILD"/include/pollux/*.h || { echo "$s is exported and in no public header"; return 1; }
	done
}
check "every exported symbol stands in a public header" declared
defined() { # the address of each function that a public header declares, or defines, can be taken
	{
		echo '#include <pollux/plx.h>'
		for h in "$BUILD"/include/pollux/*.h; do echo "#include <pollux/${h##*/}>"; done
		echo 'const void *const addresses[] = {'
		for h in "$BUILD"/include/pollux/*.h; do gcc -fpreprocessed -dD -E -P "$h" 2>/dev/null; done |
			grep -oE '\bplx_[a-z0-9_]+\(' | tr -d '(' | sort -u |
			sed 's/.*/#ifndef &\n(const void *)&,\n#endif/'
		echo '}; int main(void) { return !addresses[0]; }'
	} >"$TMP/all.c"
	cc -std=gnu11 -w -I"$BUILD/include" "$TMP/all.c" -o "$TMP/all" "$so"
}
check "every function of the public headers exists" defined

alone() { # alone LANGUAGE STANDARD COMPILER: each public header compiles first and by itself
	local h
	for h in "$BUILD"/include/pollux/*.h; do
		echo "#include <pollux/${h##*/}>" | "$3" -x "$1" -std="$2" -D_GNU_SOURCE -Wall -Wextra -Werror \
			-I"$BUILD/include" -fsyntax-only - || { echo "${h##*/}"; return 1; }
	done
}
check "public headers compile alone as C11" alone c c11 gcc
check "public headers compile alone as C11 (clang)" alone c c11 clang
if command -v g++ >/dev/null; then
	check "public headers compile alone as C++17" alone c++ c++17 g++
else
	skip "public headers compile alone as C++17" "g++ is not installed"
fi

# shellcheck disable=SC2046,SC2059,SC2086 # lists of words
beside() { # beside LANGUAGE STANDARD COMPILER: with the system's headers of networks, before and behind them
	local of ours system
	ours=$(printf '#include <pollux/%s>\n' $(cd "$BUILD/include/pollux" && ls))
	for of in "net: ethernet if if_arp if_packet route" "netinet: ether icmp6 if_ether igmp in ip ip6 ip_icmp tcp udp" \
	          "linux: bpf errqueue ethtool filter icmp icmpv6 if if_arp if_ether if_link if_packet if_tun if_vlan if_xdp" \
	          "linux: igmp in in6 ip ipv6 neighbour net_tstamp netlink nexthop rtnetlink socket tcp udp"; do
		system=$(printf "#include <${of%%:*}/%s.h>\n" ${of#*: })
		printf '#include <sys/socket.h>\n%s\n%s\n' "$system" "$ours" >"$TMP/before.c"
		printf '%s\n#include <sys/socket.h>\n%s\n' "$ours" "$system" >"$TMP/behind.c"
		"$3" -x "$1" -std="$2" -D_GNU_SOURCE -Wall -Wextra -Werror -I"$BUILD/include" -fsyntax-only \
			"$TMP/before.c" "$TMP/behind.c" || { echo "$of"; return 1; }
	done
}
check "public headers go with the system's as C11" beside c gnu11 gcc
if command -v g++ >/dev/null; then
	check "public headers go with the system's as C++17" beside c++ gnu++17 g++
fi

cat >"$TMP/pollers.c" <<-'C'
	#include <pollux/plx.h>
	static int poll_one(void *arg) { (void)arg; return 0; }
	int add(struct plx_env *env, struct plx_rxq *q, struct plx_rxq **also);
	int add(struct plx_env *env, struct plx_rxq *q, struct plx_rxq **also)
	{
		return plx_poller_add(env, PLX_POLLER(.name = "a", .fn = poll_one)) ||
		       plx_poller_add(env, PLX_POLLER_ON(1, .fn = poll_one)) || plx_poller_add(env, PLX_POLLER(.fn = poll_one)) ||
		       plx_poller_add(env, PLX_POLLER(.fn = poll_one, .name = "out of order", .lcore = 3, .arg = &q)) ||
		       plx_poller_add(env, PLX_POLLER(.lcore = 0, .name = "all", .fn = poll_one, .arg = q, .rxq = q,
		                                      .period_ns = 1, .service = true, .also = also));
	}
C
pollers() { "$@" -D_GNU_SOURCE -Wall -Wextra -Werror -I"$BUILD/include" -fsyntax-only "$TMP/pollers.c"; }
check "PLX_POLLER and PLX_POLLER_ON as C11"         pollers gcc -std=c11
check "PLX_POLLER and PLX_POLLER_ON as C11 (clang)" pollers clang -std=c11
if command -v g++ >/dev/null; then
	for std in 11 17 20; do
		check "PLX_POLLER and PLX_POLLER_ON as C++$std" pollers g++ -x c++ -std=c++$std
	done
fi

shown() { # the first C block of README.md
	awk '/^```c$/ { on = 1; next } /^```$/ { if (on) exit } on' README.md
}
check "README's program is tests/net/readme.c" diff -u <(shown) tests/net/readme.c
long_files() { find lib drivers runtime bpf apps -name '*.[ch]' -exec wc -l {} + | awk '$2 != "total" && $1 > 600 { print; n = 1 } END { exit n }'; }
check "no source file is longer than 600 lines" long_files
wide_lines() { # a tab is 8 columns
	local f bad=0
	while read -r f; do
		expand -t8 "$f" | LC_ALL=C.UTF-8 awk -v f="$f" 'length($0) > 120 { print f ":" NR; n = 1 } END { exit n }' || bad=1
	done < <(find lib drivers runtime bpf apps tests -name '*.[ch]')
	return $bad
}
check "no line of C is wider than 120 columns" wide_lines
spdx() { ! find lib drivers runtime bpf apps tests '(' -name '*.[ch]' -o -name '*.sh' ')' ! -name readme.c -exec grep -L 'SPDX-License-Identifier' {} + | grep .; }
check "every source file names its licence" spdx
links() { # every relative link of the documents leads to a file
	local f l bad=0
	for f in README.md docs/*.md; do
		for l in $(grep -oE '\]\([^)#:]+' "$f" | sed 's/](//'); do
			[ -e "$(dirname "$f")/$l" ] || { echo "$f: $l"; bad=1; }
		done
	done
	return $bad
}
check "links in the documents lead somewhere" links
counters() { # the manual names each reason by which a frame is lost, passed or has to wait
	local n bad=0 found=0
	for n in $(cpp -P -Ilib/base -Ilib/mem -Ilib/port -Ibpf -x c - <<-'C' | sed '1,/^NAMES/d'
		#include "plx_queue.h"
		#include "steer.h"
		NAMES
		#define X(id, why) rx_drop_##id
		PLX_RX_DROPS(X)
		#undef X
		#define X(id, why) tx_drop_##id
		PLX_TX_DROPS(X)
		#undef X
		#define X(id, why) tx_stop_##id
		PLX_STOPS(X)
		#undef X
		#define X(id, why) steer_##id
		STEER_VERDICTS(X)
		C
	); do
		found=1
		grep -q "\`$n\`" docs/manual.md || { echo "docs/manual.md has no $n"; bad=1; }
	done
	[ $found = 1 ] && return $bad
}
check "the manual names every drop, stop and verdict" counters
toured() { # each station of the tour names functions that its file has
	sed -n 's/^### [0-9. ]*`\([^`]*\)`: /\1 /p' docs/tour.md | tr -d '`(),' >"$TMP/stations"
	local file names n bad=0
	while read -r file names; do
		for n in $names; do
			grep -qE "^[^ 	].*\b$n\(" "$file" || { echo "docs/tour.md: $file has no $n()"; bad=1; }
		done
	done <"$TMP/stations"
	[ -s "$TMP/stations" ] && return $bad
}
check "the tour names files and functions that exist" toured
# Ninja would build the tree that a copied build directory was set up for.
set_up_for() {
	mkdir -p "$TMP/b/meson-info" && : >"$TMP/b/build.ninja" && echo "{\"directories\": {\"source\": \"$1\"}}" >"$TMP/b/meson-info/meson-info.json"
}
of_another() { set_up_for /elsewhere && says 0 'another source tree' tests/here "$TMP/b" && [ ! -e "$TMP/b/build.ninja" ]; }
of_this() { set_up_for "$TOP" && tests/here "$TMP/b" && [ -e "$TMP/b/build.ninja" ]; }
check "a build directory of another tree is set up anew" of_another
check "and one of this tree stays" of_this
done_testing
