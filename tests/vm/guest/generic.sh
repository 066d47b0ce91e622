# SPDX-License-Identifier: MIT
# generic.sh - receive offloads that cannot be turned off: the native attach refuses (EOPNOTSUPP),
# and with a generic program a zero-copy bind would succeed and receive nothing.
. ./lib.sh

check "mode=auto runs" forward echo "$nic1" "" macswap || exit 0
echo=$pid
check "50000 packets there and back, every byte" exact 50000 "$nic0" "" "$nic1"
check "ends in order" end "$echo"
check "mode is generic copy" said echo '"mode": *"generic copy"'
check "the reason is told" said echo 'EOPNOTSUPP'
check "mode=native is refused, in one line" refuses 3 -l 2,3 --iface "$nic1,driver=af_xdp,mode=native" -- --mode macswap
check "nothing stays attached" no_xdp "$nic1"
exit 0 # the lines above tell
