#!/usr/bin/env bash
# Writes golden files anew: runs the tests of every package that defines the
# flag -update with it.
set -euo pipefail

# shellcheck source=tools/env.sh
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"
cd "$root"

mapfile -t packages < <(git grep --untracked -lE '(flag|flags)\.Bool(Var)?\(.*"update"' -- '*_test.go' |
	xargs -r dirname | sort -u | sed 's#^#./#')
[ ${#packages[@]} -gt 0 ] || fail "no package has golden files"
go test -count=1 "${packages[@]}" -update
git status --short
