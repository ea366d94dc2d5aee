#!/usr/bin/env bash
# Stage: everything builds, and every test that Bazel knows passes.
set -euo pipefail

# shellcheck source=tools/env.sh
source "$(dirname "${BASH_SOURCE[0]}")/../env.sh"
cd "$root"

# run_bazel runs a command of Bazel on everything and keeps its build events.
run_bazel() {
	local command=$1
	shift
	mkdir -p "$results/bep"
	bazel "$command" --keep_going --noshow_progress --build_event_json_file="$results/bep/$command.json" "$@" //...
}

run_bazel build
# The summary prints failing tests' output; here it would be printed twice.
run_bazel test --test_output=summary
