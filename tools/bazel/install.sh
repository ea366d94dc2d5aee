#!/usr/bin/env bash
# Gives Bazel, and the Bazel modules that MODULE.bazel names, to an amd64 Debian
# machine that reaches only Debian's packages and the Go module proxy. Where
# bazelisk and the Bazel Central Registry can be reached neither is needed.
#
# Everything lands in $ASTERISM_CACHE (by default ~/.cache/asterism), and a link
# in /usr/local/bin where that can be written. Root is needed only where patchelf
# or gcc is missing. It may be run again: it then does nothing.
#
#   BAZEL_SUITE   the Debian suite to take Bazel from
#   BAZEL_MIRROR  the Debian mirror to take it from
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tools/env.sh
source "$here/../env.sh"
# shellcheck source=tools/bazel/versions.sh
source "$here/versions.sh"
# shellcheck source=tools/bazel/debian.sh
source "$here/debian.sh"
# shellcheck source=tools/bazel/modules.sh
source "$here/modules.sh"

prefix=$cache/bazel/$(bazel_stamp)
share=$prefix/root/usr/share/bazel
java=$prefix/root/usr/lib/jvm/java-21-openjdk-amd64
command=$prefix/bin/bazel

# write_bazelrc names the modules of this machine in place of a registry's.
write_bazelrc() {
	local module
	echo "startup --install_base=$share"
	echo "startup --trust_install_base"
	echo "startup --server_javabase=$java"
	for module in "$prefix"/modules/*; do
		echo "common --override_module=$(basename "$module")=$module"
	done
}

write_command() {
	mkdir -p "$prefix/bin"
	cat >"$command" <<-EOF
		#!/bin/sh
		# Debian's build does not know its version; rule sets ask for it.
		export BAZEL_DEV_VERSION_OVERRIDE=$(bazel_version)
		exec $prefix/root/usr/bin/bazel --nosystem_rc --bazelrc=$prefix/bazelrc "\$@"
	EOF
	chmod +x "$command"
}

# publish links the command where the scripts, and people, find it. A command
# that another set-up put there stays, unless its link leads nowhere.
publish() {
	local public=/usr/local/bin/bazel
	mkdir -p "$cache/bin"
	ln -sfn "$command" "$cache/bin/bazel"
	if [ -w "${public%/*}" ] && { [ -L "$public" ] || [ ! -e "$public" ]; }; then
		case $(readlink -e "$public") in
		'' | "$cache"/*) ln -sfn "$command" "$public" ;;
		esac
	fi
}

# tidy_up removes the scratch folder, an installation that failed half-way, and
# what nobody has needed for a month.
tidy_up() {
	rm -rf "$work"
	[ -e "$prefix/complete" ] || rm -rf "$prefix"
	find "$cache/bazel" -mindepth 1 -maxdepth 1 -type d -mtime +30 ! -path "$prefix" -exec rm -rf {} +
}

build() {
	work=$(mktemp -d)
	trap tidy_up EXIT
	rm -rf "$prefix"
	fetch_debian
	unpack_debian
	keep_links_inside
	patch_programs
	patch_classpath
	install_modules
	write_bazelrc >"$prefix/bazelrc"
	write_command
	touch "$prefix/complete"
}

check_machine() {
	[ "$(uname -m)" = x86_64 ] || fail "Debian's Bazel is set up for amd64 only; install bazelisk"
	command -v apt-get >/dev/null || fail "this is no Debian machine; install bazelisk"
	"$here/../packages.sh" patchelf gcc
}

main() {
	mkdir -p "$cache/bazel"
	# One at a time: two checkouts may be set up at once.
	exec 9>"$cache/bazel/lock"
	flock --timeout 900 9 || fail "another set-up has held $cache/bazel/lock for 15 minutes"
	if [ ! -e "$prefix/complete" ]; then
		check_machine
		echo "bazel: installing $(bazel_version) in $prefix"
		build
	fi
	publish
}

main "$@"
