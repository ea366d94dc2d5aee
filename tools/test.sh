#!/usr/bin/env bash
# Runs every test that this machine can run, in stages, and stops at the first
# stage that fails or leaves its budget far behind. The last line of the output
# counts the tests; the exit code is 0 only if everything passed.
set -euo pipefail

# shellcheck source=tools/env.sh
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"
# shellcheck source=tools/budget.sh
source "$root/tools/budget.sh"
cd "$root"

# run_stage runs one stage and compares its time with its budget.
run_stage() {
	local stage=$1 start=$SECONDS took status=0
	printf '\n== %s\n' "$stage"
	"tools/stages/$stage.sh" </dev/null || status=$?
	took=$((SECONDS - start))
	echo "== $stage: $took s"
	if [ "$status" -ne 0 ]; then
		echo "== $stage failed" >&2
		return "$status"
	fi
	within_budget "$stage" "$took"
}

run_stages() {
	local stage
	for stage in setup check bazel race machines; do run_stage "$stage" || return 1; done
	within_budget total "$SECONDS"
}

# summarise counts what the stages left in the results folder.
summarise() {
	local arguments=(-fail-on-empty) file
	for file in "$results"/bep/*.json; do arguments+=(-bep "$file"); done
	for file in "$results"/gotest/*.json; do arguments+=(-gotest "$file"); done
	for file in "$results"/skip/*; do arguments+=(-skip "$(basename "$file"): $(cat "$file")"); done
	echo
	# Not `go run`, which has the last word where the summary fails.
	go build -o "$results/testsummary" ./tools/testsummary
	"$results/testsummary" "${arguments[@]}"
}

main() {
	local status=0
	shopt -s nullglob
	rm -rf "$results"
	mkdir -p "$results"/{bep,gotest,skip}
	decide_temperature
	run_stages || status=1
	summarise || status=1
	if [ "$status" -eq 0 ]; then remember_warm; fi
	return "$status"
}

main
