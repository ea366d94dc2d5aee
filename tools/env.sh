# shellcheck shell=bash
# Where things are: sourced by the other scripts, it creates nothing.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

# What a machine may lose at any time and get back by running make again.
cache=${ASTERISM_CACHE:-${XDG_CACHE_HOME:-${HOME:?is not set}/.cache}/asterism}

# Logs and reports of the last run; git and Bazel ignore it.
# shellcheck disable=SC2034 # for those who source this file
results=$root/.results

# A newer Go is never fetched behind the developer's back.
export GOTOOLCHAIN=local

# The linters and the generators are built once for each version of themselves and
# of Go.
lint_bin=$cache/lint/$({
	go version
	cat "$root"/tools/lint/go.{mod,sum}
} | sha256sum | cut -c1-16)

# Our Bazel goes first: it is there only where no other one could work.
export PATH=$lint_bin:$cache/bin:$PATH

# fail prints why a script cannot go on, and ends it.
fail() {
	printf '%s: %s\n' "$(basename "$0")" "$*" >&2
	exit 1
}
