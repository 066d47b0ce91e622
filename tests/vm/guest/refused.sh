# SPDX-License-Identifier: MIT
# refused.sh - the NIC advertises zero-copy and its bind refuses (EINVAL): native copy takes over.
. ./lib.sh

check "doctor knows that the device cannot" doctor_says WARN zero-copy "$nic1"
check "doctor knows that virtio_net switches off what glues packets together" doctor_says OK gro-hw "$nic1"
check "mode=auto runs" forward echo "$nic1" "" macswap || exit 0
echo=$pid
check "50000 packets there and back, every byte" exact 50000 "$nic0" "" "$nic1"
check "ends in order" end "$echo"
check "mode is native copy" said echo '"mode": *"native copy"'
check "the reason is told" said echo 'EINVAL'
check "mode=zc is refused, in one line" refuses 3 -l 2,3 --iface "$nic1,mode=zc" -- --mode macswap
check "nothing stays attached" no_xdp "$nic1"
exit 0 # the lines above tell
