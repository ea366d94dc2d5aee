#!/usr/bin/env bash
# Stage: suites that need machines of their own (virtual, or namespaces).
#
# A suite is a folder of e2e/ with an executable run.sh. It is given the folder
# of results and its name, and leaves there gotest/<name>.json, the output of
# `go test -json`; where this machine cannot run it, it writes the reason to
# skip/<name> and exits 0.
set -euo pipefail

# shellcheck source=tools/env.sh
source "$(dirname "${BASH_SOURCE[0]}")/../env.sh"
cd "$root"

suites() { find e2e -mindepth 2 -maxdepth 2 -name run.sh -perm -u+x | sort; }

main() {
	local suite name found=0
	mkdir -p "$results"/{gotest,skip}
	while read -r suite; do
		name=$(basename "$(dirname "$suite")")
		echo "suite $name"
		"$suite" "$results" "$name" </dev/null
		found=$((found + 1))
	done < <(suites)
	if [ "$found" -eq 0 ]; then echo "no suite: e2e/ holds no run.sh yet"; fi
}

main
