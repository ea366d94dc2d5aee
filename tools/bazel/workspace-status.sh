#!/usr/bin/env bash
# Tells Bazel the version of a release: a tag, or the commit and what it is
# based on. `bazel build --config=release` runs it.
set -euo pipefail

echo "STABLE_VERSION $(git describe --tags --always --dirty)"
