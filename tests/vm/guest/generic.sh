# SPDX-License-Identifier: MIT
. ./lib.sh
