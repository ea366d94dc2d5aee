#!/usr/bin/env bash
# Sees to it that programs are on this machine.
#
#   tools/packages.sh program[=package]...
#
# What is missing comes from Debian when root asks; anyone else is told what to
# install. The package is named where its name is not the program's. Programs of
# the administrator count too: Debian keeps their folders out of users' PATH. Only
# programs are wanted: a daemon that comes with one is neither started nor enabled.
set -euo pipefail

missing_packages() {
	local wanted
	for wanted; do
		PATH=$PATH:/usr/sbin:/sbin command -v "${wanted%%=*}" >/dev/null || echo "${wanted##*=}"
	done
}

install_packages() {
	local apt=(apt-get -o DPkg::Lock::Timeout=300 -qq)
	export DEBIAN_FRONTEND=noninteractive
	"${apt[@]}" update
	without_daemons "${apt[@]}" install --yes --no-install-recommends "$@" >/dev/null
	disable_daemons "$@"
}

# without_daemons runs a command while this system's policy is to start nothing
# (policy-rc.d), unless the administrator has a policy of their own. Of several at
# one time one installs after the other.
without_daemons() {
	local policy=/usr/sbin/policy-rc.d ours='exit 101 # until programs are installed'
	(
		flock --wait 600 9
		if [ -e "$policy" ] && ! grep -qsF "$ours" "$policy"; then
			"$@"
			exit
		fi
		# shellcheck disable=SC2064 # the path is known now
		trap "rm -f $policy" EXIT
		printf '#!/bin/sh\n%s\n' "$ours" >"$policy"
		chmod 755 "$policy"
		"$@"
	) 9>"${TMPDIR:-/tmp}/asterism-packages.lock"
}

disable_daemons() {
	local unit
	command -v systemctl >/dev/null || return 0
	for unit in $(dpkg -L "$@" | sed -n 's|^\(/usr\)\?/lib/systemd/system/\([^/@]*\.service\)$|\2|p'); do
		systemctl disable --quiet "$unit" >/dev/null 2>&1 || true
	done
}

main() {
	local packages
	mapfile -t packages < <(missing_packages "$@")
	if [ ${#packages[@]} -eq 0 ]; then return; fi
	if ! command -v apt-get >/dev/null; then
		echo "packages: install these with this system's package manager, then run again: ${packages[*]}" >&2
		return 1
	elif [ "$(id -u)" -ne 0 ]; then
		echo "packages: run 'sudo apt-get install --no-install-recommends ${packages[*]}', then run again" >&2
		return 1
	fi
	echo "packages: installing ${packages[*]}"
	install_packages "${packages[@]}"
}

main "$@"
