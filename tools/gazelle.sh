#!/usr/bin/env bash
# Writes the BUILD files; with -mode=diff it only says what it would write.
#
# Gazelle gives a package its room's visibility where a BUILD file is there to
# put it in, and makes a package without one public: so new packages get an
# empty file first. Changes to go.mod reach MODULE.bazel through `bazel mod tidy`.
set -euo pipefail

# shellcheck source=tools/env.sh
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"
cd "$root"

# new_packages prints the folders that hold Go files and no BUILD file.
new_packages() {
	git ls-files --cached --others --exclude-standard '*.go' |
		grep -vE '(^|/)testdata/' | xargs -r dirname | sort -u |
		while read -r dir; do [ -e "$dir/BUILD.bazel" ] || echo "$dir"; done
}

main() {
	local new
	mapfile -t new < <(new_packages)
	if [ "${1-}" = -mode=diff ]; then
		[ ${#new[@]} -eq 0 ] || fail "no BUILD.bazel in ${new[*]}; run 'make fmt'"
	elif [ ${#new[@]} -gt 0 ]; then
		touch "${new[@]/%//BUILD.bazel}"
	fi
	bazel run --noshow_progress --ui_event_filters=-info //:gazelle -- "$@"
}

main "$@"
