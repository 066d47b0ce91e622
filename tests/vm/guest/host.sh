# SPDX-License-Identifier: MIT
# host.sh - what scripts share that run the tree's own tests on the guest's kernel: they run on the files of the machine
# that boots the guest, mounted for reading, with memory for what they write.  Sourced; $top and $build are there.

mkdir /host && mount -t 9p -o trans=virtio,version=9p2000.L,ro,cache=loose,msize=512000 host /host || {
	echo "not ok the files of the machine below"
	exit 0
}
echo "+cpuset +cpu +memory" > /sys/fs/cgroup/cgroup.subtree_control # as a machine's init does
for d in proc sys dev; do mount -o rbind /$d /host/$d; done
for d in tmp run; do mount -t tmpfs tmpfs /host/$d; done

# below SECONDS WORD...: on those files; times that are judged are an emulated machine's
below() {
	limit=$1; shift
	env -i HOME=/tmp PATH=/usr/bin:/bin:/usr/sbin:/sbin PLX_FAST=1 PLX_SLOW=5 PLX_BUILD="$build" PLX_CONFIG=gcc \
		CMOCKA_MESSAGE_OUTPUT=TAP chroot /host timeout -k 5 "$limit" "$@" < /dev/null 2>&1
}

# told NAME: the TAP of a program as results, line by line; what a skip lacks may stand in a line before it
told() {
	why=
	while IFS= read -r line; do
		case $line in
		*SKIP:*) why=${line#*SKIP: } ;;
		esac
		rest=${line#*ok *[0-9] }
		rest=${rest#- }
		case $line in
		ok\ *'# SKIP '*|not\ ok\ *'# SKIP '*)
			case $rest in
			'# SKIP '*) echo "skip $1: ${rest#\# SKIP }: $why" ;; # cmocka's way
			*)          echo "skip $1: ${rest%% # SKIP *}: ${rest#* # SKIP }" ;;
			esac ;;
		ok\ *)      echo "ok $1: $rest" ;;
		not\ ok\ *) echo "not ok $1: $rest" ;;
		1..*)       ;;
		*)          echo "$line" ;;
		esac
	done
}

# ran NAME SECONDS WORD...: a test program, and how long it took
ran() {
	name=$1 limit=$2; shift 2
	begin=$(cut -d. -f1 /proc/uptime)
	{ below "$limit" "$@"; echo $? > /run/code; } | tee "/run/tap" | told "$name"
	code=$(cat /run/code)
	if [ "$code" = 77 ] && grep -q 'SKIP:' /run/tap && ! grep -q '^1\.\.' /run/tap; then
		echo "skip $name: $(sed -n 's/.*SKIP: //p' /run/tap | tail -n 1)"
	elif [ "$code" = 124 ] || [ "$code" = 137 ]; then
		echo "not ok $name: ends within $limit s"
	elif ! grep -q '^1\.\.' /run/tap; then
		echo "not ok $name: runs to its end (code $code)"
	fi
	echo "$name: $(($(cut -d. -f1 /proc/uptime) - begin)) s"
}
