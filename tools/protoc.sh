#!/usr/bin/env bash
# Writes the Go code of .proto files beside them, messages and, where a file has
# services, gRPC: tools/protoc.sh FILE.proto...
#
# It is made for go:generate, from the folder of the file:
#
#   //go:generate ../../tools/protoc.sh example.proto
#
# The plugins are pinned in tools/lint/go.mod and are of the version of the
# libraries in go.mod. protoc only parses: the lines that name its version are
# taken out, so that the same sources give the same code on every distribution.
# Files are known by their path from the root, which is unique in a program.
set -euo pipefail

# shellcheck source=tools/env.sh
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"

# from_root prints the path of a file relative to the root of the repository.
from_root() {
	local file
	file=$(realpath "$1")
	[ -e "$file" ] || fail "no such file: $1"
	[[ $file == "$root"/*.proto ]] || fail "not a .proto file of this repository: $1"
	echo "${file#"$root"/}"
}

# check_programs names what is missing, and what brings it.
check_programs() {
	local program
	for program in protoc protoc-gen-go protoc-gen-go-grpc; do
		command -v "$program" >/dev/null || fail "$program is missing: run 'make generate', or 'tools/setup.sh' once"
	done
}

generate() {
	protoc --proto_path="$root" \
		--go_out="$root" --go_opt=paths=source_relative \
		--go-grpc_out="$root" --go-grpc_opt=paths=source_relative \
		"$@"
}

# drop_protoc_version takes protoc's own version out of what a file gave.
drop_protoc_version() {
	local generated
	for generated in "$root/${1%.proto}".pb.go "$root/${1%.proto}"_grpc.pb.go; do
		[ ! -e "$generated" ] || sed -i -E '1,/^package /{/^\/\/[[:space:]]+(- )?protoc[[:space:]]+v[0-9]/d}' "$generated"
	done
}

main() {
	local files=() file
	[ $# -gt 0 ] || fail "usage: tools/protoc.sh FILE.proto..."
	for file in "$@"; do files+=("$(from_root "$file")"); done
	check_programs
	generate "${files[@]}"
	for file in "${files[@]}"; do drop_protoc_version "$file"; done
}

main "$@"
