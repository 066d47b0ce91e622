# SPDX-License-Identifier: MIT
# queues.sh - eight queue pairs on four CPUs: attaching a program raises the receive queues from 4 to
# 8, so a count read before the attach would leave half of the traffic to nobody.
. ./lib.sh

check "4 receive queues before" [ "$(rxqs_of "$nic1")" = 4 ]
check "mode=zc runs" forward echo "$nic1" ,mode=zc macswap || exit 0
echo=$pid
check "8 receive queues with a program attached" [ "$(rxqs_of "$nic1")" = 8 ]
check "50000 packets there and back, every byte" exact 50000 "$nic0" ,mode=zc "$nic1"
check "ends in order" end "$echo"
check "4 receive queues again" [ "$(rxqs_of "$nic1")" = 4 ]
exit 0 # the lines above tell
