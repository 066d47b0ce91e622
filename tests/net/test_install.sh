#!/bin/bash
# SPDX-License-Identifier: MIT
# test_install.sh - what `make install` gives: README's program builds outside the tree against the
# installed headers, pollux.pc and both libraries, and forwards packets.
# shellcheck source=tests/net/lib.sh
. "$(dirname "$0")/lib.sh"

meson install -C "$BUILD" --no-rebuild --destdir "$TMP/root" >"$TMP/install.log" 2>&1
check "meson install" test $? = 0
pc=$(find "$TMP/root" -name pollux.pc)
prefix=${pc%/lib/*}
pkg() { PKG_CONFIG_PATH=$(dirname "$pc") pkg-config --define-variable=prefix="$prefix" "$@" pollux; }
libdir=$(pkg --variable=libdir)
check "the library lies where linkers look" test "$libdir" = "$prefix/lib"
check "pollux.pc names the version" test "$(pkg --modversion)" = "$(sed -n "s/.*version: '\([0-9.]*\)'.*/\1/p;T;q" "$TOP/meson.build")"
check "headers are flat and all there" diff <(ls "$prefix/include/pollux") <(ls "$BUILD/include/pollux")
for p in plx-fwd plx-l2fwd pollux; do
	check "$p is installed and runs from where it lies" "$prefix/bin/$p" --version
done
awk '/^```c$/ { on = 1; next } /^```$/ { if (on) exit } on' "$TOP/README.md" >"$TMP/fwd.c"
# as installed by default; below a prefix of its own, shared and static
grep '^cc -o fwd ' "$TOP/README.md" >"$TMP/lines"

cd "$TMP" || exit 1
san=
case ${PLX_CONFIG:-gcc} in asan) san=-fsanitize=address,undefined ;; esac
mkdir "$TMP/pc" && sed "s|^prefix=.*|prefix=$prefix|" "$pc" >"$TMP/pc/pollux.pc"
# readme LINE PROGRAM: what README says in that line, with a PREFIX
readme() {
	local line; line=$(sed -n "$1p" "$TMP/lines")
	PKG_CONFIG_PATH=$TMP/pc bash -ec "${line/cc -o fwd /cc -std=c11 -Wall -Wextra -Werror $san -o $2 }"
}
check "README's program compiles against the shared library" readme 1 fwd-shared
check "and as README says for another prefix" readme 2 fwd-there
check "and against the static library, as README says" readme 3 fwd-static
starts() { "$TMP/$1" --version; }
check "the one for another prefix finds its library" starts fwd-there
needs_library() { ldd "$1" | grep -q libpollux; }
check "the shared one needs libpollux.so" needs_library fwd-shared
check "the static one does not" test "$(ldd fwd-static | grep -c libpollux)" = 0

# Its echo is checked byte by byte by plx-fwd's generator at the other end.
forwards() {
	pair 2
	start fwd a env LD_LIBRARY_PATH="$libdir" "$TMP/$1" -l "$(lcores 2)" -m 64M --idle adaptive --iface va
	local fwd=$PID
	within $PATIENCE running fwd || { show "$TMP/fwd.err"; unpair; return 1; }
	local rc=0
	generate gen b vb 20000 50k && intact gen 20000 || { show "$TMP/fwd.err"; rc=1; }
	end $fwd || { echo "the program ended with $?"; rc=1; }
	unpair
	return $rc
}
check "README's program (shared) echoes 20000 packets" forwards fwd-shared
check "README's program (static) echoes 20000 packets" forwards fwd-static
done_testing
