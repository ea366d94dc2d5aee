#!/usr/bin/env bash
# Builds the programs twice from nothing, in output bases of their own that
# share no cache, and compares the bytes. Which programs: the arguments, by
# default every binary of apps/.
set -euo pipefail

# shellcheck source=tools/env.sh
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"
cd "$root"

scratch=$cache/reproducible.$$

# fresh_bazel runs a command of Bazel in the nth of two fresh output bases.
fresh_bazel() {
	local base=$scratch/$1 command=$2
	shift 2
	bazel --output_base="$base" "$command" --config=release --disk_cache= --noshow_progress "$@"
}

# build prints "label file digest" for every program that the nth output base made.
build() {
	local label file
	fresh_bazel "$1" build "${programs[@]}" >&2
	for label in "${programs[@]}"; do
		file=$(fresh_bazel "$1" cquery --output=files "$label" 2>/dev/null)
		echo "$label $(sha256sum <"$scratch/$1/execroot/_main/$file" | cut -d' ' -f1)"
	done
	bazel --output_base="$scratch/$1" shutdown
}

# clean_up makes writable what Bazel made read-only, and removes it.
clean_up() {
	local base
	for base in "$scratch"/*/; do bazel --output_base="$base" shutdown || true; done
	chmod -R u+w "$scratch"
	rm -rf "$scratch"
}

all_programs() { bazel query --output=label 'kind(go_binary, //apps/...)' 2>/dev/null; }

main() {
	programs=("$@")
	if [ $# -eq 0 ]; then mapfile -t programs < <(all_programs); fi
	[ ${#programs[@]} -gt 0 ] || fail "no program in apps/"
	mkdir -p "$scratch"
	trap clean_up EXIT
	build 1 >"$scratch/first"
	build 2 >"$scratch/second"
	diff "$scratch/first" "$scratch/second" || fail "the same sources made different programs"
	cat "$scratch/first"
	echo "reproducible: programs: ${#programs[@]}, bit for bit the same from two output bases"
}

main "$@"
