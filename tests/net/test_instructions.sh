#!/bin/bash
# SPDX-License-Identifier: MIT
# test_instructions.sh - what the runtime alone executes for a packet: null to null, counted by callgrind, which needs
# no counters of the machine and says the same on a busy one.
# shellcheck source=tests/net/lib.sh
. "$(dirname "$0")/lib.sh"

# ground COUNT: executed instructions and forwarded packets of a run
ground() {
	timeout -k 1 120 valgrind --fair-sched=yes --tool=callgrind --callgrind-out-file=/dev/null \
		"$FWD" -l "${LC##*[-,]}" -m 64M --huge never --idle busy --log-level error \
		--iface n0,driver=null --iface n1,driver=null \
		-- --json --max-loss 100% --stats-period 0 --mode io --count "$1" >"$TMP/grind" 2>&1 </dev/null ||
		{ show "$TMP/grind" >&2; return 1; }
	sed -n 's/.*Collected : \([0-9]*\).*/\1/p' "$TMP/grind"
	sed -n 's/.*"total":{[^}]*"received":\([0-9]*\).*/\1/p' "$TMP/grind"
}
# The longer run less the shorter one: start, end and what does not depend on packets is in both.
at_most() {
	local few many
	few=$(ground 200000) && many=$(ground 2200000) || return 1
	# shellcheck disable=SC2086 # lists of numbers
	echo $few $many | awk -v most="$1" '{ n = ($3 - $1) / ($4 - $2)
		printf "%.1f instructions a packet, at most %s\n", n, most
		exit NF != 4 || n < 1 || n > most }' >"$TMP/said" # a figure below 1 is a mistake of this script
	local rc=$?
	note "$(cat "$TMP/said")"
	[ $rc = 0 ] || echo "instructions and packets of two runs: $few, $many"
	return $rc
}
if command -v valgrind >/dev/null; then
	check "null to null at burst 32: instructions a packet" at_most 42
else
	skip "null to null at burst 32: instructions a packet" "valgrind is not installed"
fi
done_testing
