#!/usr/bin/env bash
# Stage: what the other stages need is there.
set -euo pipefail

exec "$(dirname "${BASH_SOURCE[0]}")/../setup.sh"
