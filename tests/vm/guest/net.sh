# SPDX-License-Identifier: MIT
# net.sh TOP BUILD [TEST...] - network tests of the tree, as they are, on the guest's kernel: they run on the files of
# the machine that boots the guest, mounted for reading, with memory for what they write.
set -u
top=$1 build=$2; shift 2
[ $# -gt 0 ] || set -- kill link

mkdir /host && mount -t 9p -o trans=virtio,version=9p2000.L,ro,cache=loose,msize=512000 host /host || {
	echo "not ok the files of the machine below"
	exit 0
}
for d in proc sys dev; do mount -o rbind /$d /host/$d; done
for d in tmp run; do mount -t tmpfs tmpfs /host/$d; done

# told TEST: its TAP as this machine's results, line by line
told() {
	while IFS= read -r line; do
		rest=${line#*ok * - }
		case $line in
		ok\ *' # SKIP '*) echo "skip $1: ${rest%% # SKIP *}: ${rest#* # SKIP }" ;;
		ok\ *)           echo "ok $1: $rest" ;;
		not\ ok\ *)      echo "not ok $1: $rest" ;;
		1..*)            ;;
		*)               echo "$line" ;;
		esac
	done
}

for t; do
	begin=$(cut -d. -f1 /proc/uptime)
	env -i HOME=/tmp PATH=/usr/bin:/bin:/usr/sbin:/sbin PLX_FAST=1 PLX_SLOW=5 PLX_BUILD="$build" \
		chroot /host bash "$top/tests/net/test_$t.sh" 2>&1 | tee "/run/$t" | told "$t"
	grep -q '^1\.\.' "/run/$t" || echo "not ok $t: runs to its end"
	echo "$t: $(($(cut -d. -f1 /proc/uptime) - begin)) s"
done
exit 0 # the lines above tell
