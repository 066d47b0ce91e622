#!/bin/bash
# SPDX-License-Identifier: MIT
# test_rooms.sh - an include or a call that points upwards between the rooms of lib, drivers and runtime fails.
cd "$(dirname "$0")/../.." && exec python3 tests/net/rooms.py "${PLX_BUILD:-build}" </dev/null
