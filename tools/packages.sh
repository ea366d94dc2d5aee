#!/usr/bin/env bash
# Sees to it that programs are on this machine.
#
#   tools/packages.sh program[=package]...
#
# What is missing comes from Debian when root asks; anyone else is told what to
# install. The package is named where its name is not the program's. Programs of
# the administrator count too: Debian keeps their folders out of users' PATH.
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
	"${apt[@]}" install --yes --no-install-recommends "$@" >/dev/null
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
