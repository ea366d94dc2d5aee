#!/usr/bin/env bash
# Runs every fuzz target for a while each: tools/fuzz.sh 10s.
set -euo pipefail

# shellcheck source=tools/env.sh
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"
cd "$root"

# targets prints "package target" for each fuzz target.
targets() {
	go test -list '^Fuzz' -json ./... | sed -nE \
		's/.*"Action":"output","Package":"([^"]+)","Output":"(Fuzz[^\\"]*)\\n".*/\1 \2/p'
}

main() {
	local package target found=0
	while read -r package target; do
		echo "== $package $target"
		go test -run '^$' -fuzz "^$target\$" -fuzztime "$1" -timeout 1h "$package" </dev/null
		found=$((found + 1))
	done < <(targets)
	[ "$found" -gt 0 ] || fail "no fuzz target found"
	echo "$found fuzz targets, $1 each: nothing found"
}

main "${1:-10s}"
