#!/usr/bin/env bash
# Checks the versions that a build depends on: each is stated once, nothing
# replaces a module behind MODULE.bazel's back, and the Bazel that runs, with
# the modules that it was given, is the one that this repository names.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tools/env.sh
source "$here/../env.sh"
# shellcheck source=tools/bazel/versions.sh
source "$here/versions.sh"
cd "$root"

problems=0
problem() {
	echo "check-pins: $*"
	problems=$((problems + 1))
}

# exact_versions wants every bazel_dep to name one version, on one line.
exact_versions() {
	local dep version='"[0-9]+(\.[0-9]+)+[-.a-z0-9]*"'
	while read -r dep; do
		[[ $dep =~ ^bazel_dep\(name\ =\ \"[a-z0-9_.]+\",\ version\ =\ ${version}[,\)] ]] ||
			problem "MODULE.bazel: a bazel_dep without an exact version on its line: $dep"
	done < <(grep -n '^[^#]*bazel_dep(' MODULE.bazel | cut -d: -f2-)
	for dep in rules_go gazelle; do
		[ "$(module_version "$dep" | wc -l)" -eq 1 ] || problem "MODULE.bazel: no single version of $dep"
	done
	grep -qxE '[0-9]+\.[0-9]+\.[0-9]+' .bazelversion || problem ".bazelversion holds no version x.y.z"
}

# no_override keeps MODULE.bazel usable with a registry, unmodified.
no_override() {
	local override='(archive|git|local_path|single_version|multiple_version)_override'
	! grep -nE "^[^#]*\b$override\(" MODULE.bazel || problem "MODULE.bazel: overrides are for no machine but this one"
	! grep -nE '^[^#]*--(override_module|registry)' .bazelrc || problem ".bazelrc: modules come from where MODULE.bazel says"
}

# one_go keeps the linters' module on the language version of the main one.
one_go() {
	local main lint
	main=$(sed -n 's/^go //p' go.mod)
	lint=$(sed -n 's/^go //p' tools/lint/go.mod)
	[ "$main" = "$lint" ] || problem "go.mod says go $main, tools/lint/go.mod says go $lint"
}

# running_bazel compares what is installed with what is pinned.
running_bazel() {
	local have command
	have=$(bazel --version) || have=none
	[ "$have" = "bazel $(bazel_version)" ] || problem "'bazel --version' says '$have', .bazelversion says $(bazel_version); run tools/setup.sh"
	command=$(readlink -f "$(command -v bazel)")
	case $command in
	"$cache"/bazel/*)
		[ "$command" = "$cache/bazel/$(bazel_stamp)/bin/bazel" ] ||
			problem "the Bazel of this machine was set up for other versions; run tools/setup.sh"
		;;
	esac
}

exact_versions
no_override
one_go
running_bazel
[ "$problems" -eq 0 ]
