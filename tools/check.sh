#!/usr/bin/env bash
# Checks everything that can be judged without running a test. Every check runs,
# whatever the others find, so that one run names all there is to mend; most of
# it `make fmt` mends. With names of checks as arguments only those run.
set -euo pipefail

# shellcheck source=tools/env.sh
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"
# shellcheck source=tools/checks.sh
source "$root/tools/checks.sh"
cd "$root"

all=(pins gofumpt gazelle buildifier shellcheck tidy build vet architecture generated lint)

# run_check prints a line for a check, and what it said where it failed. The
# check runs in a shell of its own: the first of its commands that fails ends it.
run_check() {
	local name=$1 start=$SECONDS log
	log=$results/check/$name.log
	if bash -euo pipefail -c "source tools/env.sh; source tools/checks.sh; check_$name" >"$log" 2>&1 </dev/null; then
		printf 'ok    %-13s %4s s\n' "$name" "$((SECONDS - start))"
		return
	fi
	printf 'FAIL  %-13s %4s s\n' "$name" "$((SECONDS - start))"
	sed 's/^/      /' "$log"
	return 1
}

main() {
	local failed=() name
	mkdir -p "$results/check"
	for name in "$@"; do
		declare -F "check_$name" >/dev/null || fail "no check $name; there are: ${all[*]}"
		run_check "$name" || failed+=("$name")
	done
	[ ${#failed[@]} -eq 0 ] || fail "failed: ${failed[*]}"
}

if [ $# -eq 0 ]; then set -- "${all[@]}"; fi
main "$@"
