#!/usr/bin/env bash
# Runs every go:generate directive. With -diff it does so in a copy of the tree,
# which leaves the work of its author alone, and fails where anything differs.
set -euo pipefail

# shellcheck source=tools/env.sh
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"
cd "$root"

# copy_tree copies what git tracks, and what is new and not ignored.
copy_tree() {
	git ls-files -z --cached --others --exclude-standard --deduplicate |
		while IFS= read -r -d '' file; do [ ! -e "$file" ] || printf '%s\0' "$file"; done |
		tar -c --null --files-from=- | tar -x -C "$1"
}

check_fresh() {
	local scratch
	scratch=$(mktemp -d)
	# shellcheck disable=SC2064 # the folder of now, not of then
	trap "rm -rf '$scratch'" EXIT
	mkdir "$scratch"/{tree,fresh}
	copy_tree "$scratch/tree"
	cp -r "$scratch/tree/." "$scratch/fresh"
	(cd "$scratch/fresh" && go generate ./...)
	(cd "$scratch" && diff -ruN tree fresh) || fail "generated files are stale: run 'make generate'"
}

case ${1-} in
'') go generate ./... ;;
-diff) check_fresh ;;
*) fail "unknown argument $1" ;;
esac
