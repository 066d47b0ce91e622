# shellcheck shell=sh
# SPDX-License-Identifier: MIT
# apt.sh - an apt state of its own for fetch and fetch-qemu: packages of another release are downloaded and
# unpacked, and nothing of them enters the system.  Sourced; $w is a folder for it.
#
# The mirrors are those that this machine's apt is configured with: the release's, and the one of its security
# updates.

keyring=/usr/share/keyrings/debian-archive-keyring.gpg

skip() { echo "$*"; exit 77; }

codename() { (. /etc/os-release && echo "${VERSION_CODENAME:-}"); }
mirror_of() {
	apt-get indextargets --format '$(REPO_URI) $(CODENAME)' 'Created-By: Packages' 2> /dev/null |
		awk -v c="$1" '$2 == c { print $1; exit }'
}

# apt_state SUITE: $w becomes the state, with the lists of SUITE; $w/log has what apt says of them
apt_state() {
	[ "$(dpkg --print-architecture 2> /dev/null)" = amd64 ] ||
		skip "the guest is amd64 and runs this machine's programs: $(uname -m) cannot"
	mirror=$(mirror_of "$(codename)")
	security=$(mirror_of "$(codename)-security")
	[ -n "$mirror" ] || skip "apt has no source for $(codename); as root: apt-get update"
	mkdir -p "$w/lists/partial" "$w/cache/archives/partial" "$w/empty" "$w/root"
	: > "$w/status"
	echo "deb [signed-by=$keyring] $mirror $1 main" > "$w/sources.list"
	case $1 in
	*-*) ;;
	*)   [ -z "$security" ] || echo "deb [signed-by=$keyring] $security $1-security main" >> "$w/sources.list" ;;
	esac
	# update succeeds with a warning when a mirror cannot be reached: what is asked for next tells
	apt apt-get update -qq > "$w/log" 2>&1
}

# apt TOOL WORD...: bounded in time, on that state
apt() {
	tool=$1; shift
	timeout -k 5 300 nice -n 19 "$tool" -o Dir::Etc::sourcelist="$w/sources.list" \
		-o Dir::Etc::sourceparts="$w/empty" -o Dir::State::status="$w/status" \
		-o Dir::State::lists="$w/lists" -o Dir::Cache="$w/cache" -o APT::Sandbox::User=root \
		-o Acquire::http::Timeout=30 -o Acquire::https::Timeout=30 -o Acquire::Retries=2 "$@"
}

# apt_get PACKAGE...: their files into $w
apt_get() {
	(cd "$w" && apt apt-get download -qq "$@") > "$w/log" 2>&1 || skip "cannot download $*: $(apt_said)"
}
apt_said() { grep -m 1 '^[EW]:' "$w/log" || echo "apt says no more"; }
