#!/usr/bin/env bash
# Stage: all that can be judged without running a test.
set -euo pipefail

exec "$(dirname "${BASH_SOURCE[0]}")/../check.sh"
