# SPDX-License-Identifier: MIT
# suites.sh TOP BUILD [NAME...] - the programs of unit, contract, bpf and fault, as they are, on the guest's kernel: all, or
# those suites or programs that are named.  The file suites, which run made, has a line each: name, seconds, words.
set -u
top=$1 build=$2; shift 2
. ./host.sh
wanted=" $* "

while read -r name seconds words; do
	case $wanted in
	'  '|*" ${name#*/} "*|*" ${name%/*} "*) ;;
	*) continue ;;
	esac
	# shellcheck disable=SC2086 # words
	ran "$name" $((seconds * 5)) $words
done < suites
exit 0 # the lines above tell
