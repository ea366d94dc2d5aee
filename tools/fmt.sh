#!/usr/bin/env bash
# Brings everything into the form that check.sh wants.
set -euo pipefail

# shellcheck source=tools/env.sh
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"
# shellcheck source=tools/checks.sh
source "$root/tools/checks.sh"
cd "$root"

gofumpt -w .
go mod tidy
go -C tools/lint mod tidy
bazel mod tidy
tools/gazelle.sh
bazel_files | xargs buildifier -mode=fix -lint=fix
