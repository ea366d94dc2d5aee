#!/usr/bin/env bash
# Sets up what building and testing need and this machine lacks: programs from
# Debian (as root; anyone else is told what to install), Bazel, and the linters and
# generators of tools/lint.
# It may be run again: it then only looks.
set -euo pipefail

# shellcheck source=tools/env.sh
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"
cd "$root"

# check_go refuses a Go that is older than go.mod demands.
check_go() {
	local have want
	command -v go >/dev/null || fail "Go is missing: install it from https://go.dev/dl/"
	have=$(go env GOVERSION)
	want=$(sed -n 's/^go //p' go.mod)
	printf '%s\n' "$want" "${have#go}" | sort --check=quiet --version-sort ||
		fail "this is $have; go.mod needs $want or newer: install it from https://go.dev/dl/"
}

# reaches_registry tells whether the machine's own bazel can load MODULE.bazel,
# which takes a registry. The answer is kept until the versions change.
reaches_registry() {
	local proof
	proof=$cache/registry-$(cat .bazelversion MODULE.bazel | sha256sum | cut -c1-16)
	[ -e "$proof" ] && return
	timeout 300 bazel mod graph >/dev/null 2>&1 || return 1
	mkdir -p "$cache"
	touch "$proof"
}

# foreign_bazel tells whether there is a bazel that install.sh did not put there.
foreign_bazel() {
	local command
	command=$(command -v bazel) || return 1
	case $(readlink -f "$command") in "$cache"/*) return 1 ;; esac
}

set_up_bazel() {
	if foreign_bazel && reaches_registry; then return; fi
	tools/bazel/install.sh
}

set_up_linters() {
	[ -e "$lint_bin/complete" ] && return
	echo "setup: building the linters and generators (once for each version of them and of Go)"
	mkdir -p "$lint_bin"
	go build -C tools/lint -trimpath -o "$lint_bin/" tool
	touch "$lint_bin/complete"
}

check_go
tools/packages.sh git make gcc shellcheck protoc=protobuf-compiler swtpm swtpm_setup=swtpm-tools spin etcd=etcd-server
set_up_bazel
set_up_linters
