#!/bin/bash
# SPDX-License-Identifier: MIT
# test_abi.sh - programs that were built with headers of an older or a newer library run with this one: option structures
# tell their size, and what this library does not know is refused.
# shellcheck source=tests/net/lib.sh
. "$(dirname "$0")/lib.sh"

# headers AGE: a copy of the public headers, with structures that end earlier, or go on
headers() {
	mkdir -p "$TMP/$1/pollux" && cp -L "$BUILD"/include/pollux/*.h "$TMP/$1/pollux"
}
change() { # change AGE HEADER SED: an edit that must not be in vain
	sed -i.was "$3" "$TMP/$1/pollux/$2" && ! cmp -s "$TMP/$1/pollux/$2" "$TMP/$1/pollux/$2.was"
}
older() {
	headers old && change old plx_env.h '/struct plx_rxq \*const \*also;/d' && change old plx_env.h '/^	struct plx_log log;/d' &&
		change old plx_pool.h '/^	uint16_t headroom; /,/^};/{/^};/!d}'
}
newer() {
	headers new && change new plx_env.h '/\*const \*also;/a	uint64_t later;' && change new plx_env.h '/^	struct plx_log log;/a	uint64_t later;' &&
		change new plx_pool.h '/^struct plx_pool_conf {/,/^};/s/^};/	uint64_t later;\n&/'
}
build() { # build AGE [FLAGS]
	local san=; case ${PLX_CONFIG:-gcc} in asan) san=-fsanitize=address,undefined ;; esac
	# shellcheck disable=SC2086 # words
	gcc -std=gnu11 -D_GNU_SOURCE -Wall -Wextra -Werror $san -I"$TMP/$1" "${@:2}" "$HERE/abi.c" -o "$TMP/abi-$1" "$BUILD/libpollux.so" \
		-Wl,-rpath,"$BUILD"
}
sizes() { # sizes AGE LESS|MORE: the copy does what it is for
	local s
	for s in plx_env_conf plx_poller_conf plx_pool_conf; do
		printf '#include <pollux/plx.h>\n#include <stdio.h>\nint main(void) { printf("%%zu\\n", sizeof(struct %s)); }\n' $s >"$TMP/s.c"
		gcc -w -D_GNU_SOURCE -I"$TMP/$1" "$TMP/s.c" -o "$TMP/s" && gcc -w -D_GNU_SOURCE -I"$BUILD/include" "$TMP/s.c" -o "$TMP/t" || return 1
		[ "$("$TMP/s")" "-$2" "$("$TMP/t")" ] || { echo "$s: $("$TMP/s"), and $("$TMP/t") here"; return 1; }
	done
}
answers() { # answers WANT AGE [STRUCTURE]
	local got; got=$(timeout 60 "$TMP/abi-$2" "$(lcores 1)" ${3:+"$3"} 2>"$TMP/err") || echo "it ended with $?"
	[ "$got" = "$1" ] || { echo "$got"; show "$TMP/err"; return 1; }
}
refused() { answers E2BIG new "$1" && { [ "$1" = pool ] || grep -q 'asks for what this library does not know (E2BIG)' "$TMP/err"; }; }

headers now
check "a program of this library's age builds" build now
check "and runs" answers ok now
check "headers of an older library" older
check "have shorter structures" sizes old lt
check "a program of them builds" build old
check "and runs: it gets defaults" answers ok old
check "headers of a newer library" newer
check "have longer structures" sizes new gt
check "a program of them builds" build new -DLATER
check "and runs, as long as it uses nothing new" answers ok new
for s in env port poller pool; do
	check "else it is refused: $s" refused $s
done
done_testing
