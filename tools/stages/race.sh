#!/usr/bin/env bash
# Stage: the tests again under the race detector, which Bazel's pure Go lacks.
set -euo pipefail

# shellcheck source=tools/env.sh
source "$(dirname "${BASH_SOURCE[0]}")/../env.sh"
cd "$root"

# Under the race detector these take longer to compile than everything else, and
# their own projects run it.
heavy='^(k8s\.io/client-go|go\.etcd\.io/etcd/server/v3)(/|$)'

# packages prints the packages that have tests which link nothing heavy.
packages() {
	local format='{{if .ForTest}}{{else}}{{with .Name}}{{if eq . "main"}}{{$.ImportPath}}{{range $.Deps}} {{.}}{{end}}{{end}}{{end}}{{end}}'
	go list -test -f "$format" ./... | awk -v heavy="$heavy" '
		$1 ~ /\.test$/ {
			for (i = 2; i <= NF; i++) if ($i ~ heavy) next
			print substr($1, 1, length($1) - 5)
		}'
}

main() {
	local tested
	mapfile -t tested < <(packages)
	[ ${#tested[@]} -gt 0 ] || fail "go list names no package with tests"
	echo "${#tested[@]} packages"
	mkdir -p "$results/gotest"
	CGO_ENABLED=1 go test -race -json -timeout 10m "${tested[@]}" >"$results/gotest/race.json"
}

main
