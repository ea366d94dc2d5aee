#!/usr/bin/env bash
# Tests check-pins.sh: it accepts the repository as it is, and refuses each pin
# that is moved in a copy.
set -euo pipefail

# shellcheck source=tools/env.sh
source "$(dirname "${BASH_SOURCE[0]}")/../env.sh"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
failures=0

# fresh_copy makes a copy of what check-pins.sh reads.
fresh_copy() {
	rm -rf "$scratch/tree"
	mkdir -p "$scratch/tree/tools"
	cp -r "$root"/{MODULE.bazel,go.mod,.bazelrc,.bazelversion} "$scratch/tree"
	cp -r "$root"/tools/{bazel,lint,env.sh} "$scratch/tree/tools"
}

# expect checks that a change to the copy is refused with a message; an empty
# message stands for acceptance.
expect() {
	local message=$1 file=$2 change=$3 output status=0
	fresh_copy
	sed -i -E "$change" "$scratch/tree/$file"
	output=$("$scratch/tree/tools/bazel/check-pins.sh" 2>&1) || status=$?
	if [ -z "$message" ] && [ "$status" -eq 0 ]; then return; fi
	if [ -n "$message" ] && [ "$status" -ne 0 ] && [[ $output == *"$message"* ]]; then return; fi
	echo "check-pins-test: '$change' on $file: exit code $status, wanted '${message:-success}', got: $output"
	failures=$((failures + 1))
}

# installed_here tells whether install.sh set up the Bazel that runs: it is then
# made of the pinned modules, where another one fetches them.
installed_here() {
	case $(readlink -f "$(command -v bazel)") in "$cache"/bazel/*) ;; *) return 1 ;; esac
}

expect '' MODULE.bazel ''
if installed_here; then
	expect 'set up for other versions' MODULE.bazel 's/(name = "rules_go", version = ")[^"]*/\19.9.9/'
	expect 'set up for other versions' tools/lint/go.mod 's/(buildtools v0\.0\.0)-[0-9]{4}/\1-2001/'
fi
expect 'without an exact version' MODULE.bazel 's/(name = "gazelle"), version = "[^"]*"/\1/'
expect 'no single version of rules_go' MODULE.bazel 's/^(bazel_dep\(name = "rules_go".*)$/\1\n\1/'
expect 'overrides are for no machine' MODULE.bazel '$ s/$/\ngit_override(module_name = "gazelle")/'
expect 'modules come from where' .bazelrc '$ s/$/\ncommon --override_module=gazelle=elsewhere/'
expect 'no version x.y.z' .bazelversion 's/.*/latest/'
expect '.bazelversion says 7.0.0' .bazelversion 's/.*/7.0.0/'
expect 'tools/lint/go.mod says go 1.20.0' tools/lint/go.mod 's/^go .*/go 1.20.0/'
[ "$failures" -eq 0 ]
