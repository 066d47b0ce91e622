# SPDX-License-Identifier: MIT
# igb.sh - bed "igb": a NIC of hardware's manners (82576).  Its driver tells it the size of receive buffers in units of
# 1 KiB and hands up what does not fit as further packets, it takes the link down to attach a program, and it
# refuses programs for frames beyond a buffer.
. ./lib.sh
allowed="--max-loss 100%" # of what forwards: links flap

driver_of() { basename "$(readlink "/sys/class/net/$1/device/driver")"; }
check "the NICs are igb" [ "$(driver_of "$nic0") $(driver_of "$nic1")" = "igb igb" ] || exit 1

# echoes KEYS: the program runs, and the link was back before it said so
echoes() {
	forward echo "$nic1" "$1" macswap || return
	carrier "$nic1" || { echo "running without a carrier"; return 1; }
	echo=$pid
}
# bytes_exact COUNT KEYS: few packets first, since wrong ones take long
bytes_exact() {
	exact 2000 "$nic0" "$2" "$nic1" && exact "$1" "$nic0" "$2" "$nic1" || { show echo; return 1; }
}
# there_and_back NAME KEYS WORD COUNT: every frame of 60 to 1514 bytes once, byte for byte, in the mode WORD
there_and_back() {
	title=$1 with=$2 word=$3 number=$4
	check "$title: runs, with a link" echoes "$with" || return
	check "$title: $number packets there and back, every byte" bytes_exact "$number" "$with"
	check "$title: ends in order" end "$echo"
	check "$title: mode is $word" said echo "\"mode\": *\"$word\""
	check "$title: so is the sender's" said gen "\"mode\": *\"$word\""
	check "$title: nothing stays attached" no_xdp "$nic1"
}
there_and_back "default options" "" zero-copy 100000
there_and_back "mode=zc" ,mode=zc zero-copy 10000
there_and_back "mode=native" ,mode=native "native copy" 10000
there_and_back "mode=generic" ,mode=generic "generic copy" 10000

# ---- links ----

check "links: macswap" echoes ""
links "$(lcores_of "$nic0")" "" --window 128

# ---- MTU 9000 ----

kept() { [ "$(cat "/sys/class/net/$nic1/mtu")" = 1500 ]; }
refused() { ! ip link set "$nic1" mtu 9000 2> /dev/null; }
check "MTU 9000 under a program: the device's driver refuses it" refused
check "the MTU is as it was" kept
check "links: the echo ends in order" end "$echo"
jumbo
exit 0 # the lines above tell
