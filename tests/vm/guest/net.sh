# SPDX-License-Identifier: MIT
# net.sh TOP BUILD [TEST...] - network tests of the tree, as they are, on the guest's kernel: all, if none is named.
# install and layout have nothing to do with a kernel.
set -u
top=$1 build=$2; shift 2
. ./host.sh
[ $# -gt 0 ] || set -- $(ls "/host$top/tests/net" | sed -n 's/^test_\(.*\)\.sh$/\1/p' | grep -v 'install\|layout')

for t; do
	ran "$t" 1800 bash "$top/tests/net/test_$t.sh"
done
exit 0 # the lines above tell
