#!/usr/bin/env bash
# Runs every benchmark, keeps the figures, and compares them with those of an
# earlier run: tools/bench.sh COUNT [FILE].
set -euo pipefail

# shellcheck source=tools/env.sh
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"
count=${1:-6}
base=${2:+$(realpath "$2")}
cd "$root"

figures=$results/bench/$(date -u +%Y%m%dT%H%M%SZ).txt
mkdir -p "$(dirname "$figures")"
go test -run '^$' -bench . -benchmem -count "$count" -timeout 1h ./... | tee "$figures"
benchstat ${base:+"$base"} "$figures"
echo "figures: $figures"
