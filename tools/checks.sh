# shellcheck shell=bash
# The checks of check.sh: one function a check, silent about what is well.
# Sourced after env.sh, in the root of the repository.

# files prints the tracked and the new files that match patterns.
files() {
	git ls-files --cached --others --exclude-standard --deduplicate -- "$@" |
		while read -r file; do [ ! -e "$file" ] || echo "$file"; done
}

# shell_scripts prints every file that a shell runs, whatever its name.
shell_scripts() {
	files '*.sh'
	files ':!*.sh' ':!*/testdata/*' | while read -r file; do
		if head -c 64 "$file" | head -n 1 | grep -qaE '^#!.*\b(ba)?sh$'; then echo "$file"; fi
	done
}

# bazel_files prints every file that Bazel reads.
bazel_files() { files '*.bazel' '*.bzl' ':!tools/bazel/offline'; }

# nothing_from fails when a command prints anything, and prints it and a remedy.
nothing_from() {
	local remedy=$1 output status=0
	shift
	output=$("$@") || status=$?
	if [ -z "$output" ] && [ "$status" -eq 0 ]; then return; fi
	printf '%s\n%s\n' "$output" "$remedy"
	return 1
}

check_pins() {
	tools/bazel/check-pins.sh
	tools/bazel/check-pins-test.sh
}

check_gofumpt() { nothing_from "not formatted: run 'make fmt'" gofumpt -l .; }

check_gazelle() {
	nothing_from "BUILD files are not gazelle's: run 'make fmt'" tools/gazelle.sh -mode=diff
	module_tidy
}

check_buildifier() {
	bazel_files | xargs buildifier -mode=diff -lint=warn ||
		{ echo "Bazel files are not formatted: run 'make fmt'" && return 1; }
}

check_shellcheck() { shell_scripts | xargs shellcheck --external-sources; }

check_tidy() {
	go mod tidy -diff || { echo "go.mod is not tidy: run 'make fmt'" && return 1; }
	go -C tools/lint mod tidy -diff
	go mod verify >/dev/null
}

check_build() { go build ./...; }

check_vet() { go vet ./...; }

check_architecture() { go run ./tools/archcheck; }

check_generated() { tools/generate.sh -diff; }

check_lint() {
	golangci-lint config verify
	golangci-lint run ./...
}

# module_tidy fails when `bazel mod tidy` would change MODULE.bazel, which it
# does in place: the file is put back as it was.
module_tidy() {
	local saved status=0
	saved=$(mktemp)
	cp -p MODULE.bazel "$saved"
	bazel mod tidy >/dev/null 2>&1 || status=$?
	diff -u "$saved" MODULE.bazel || status=$?
	cmp -s "$saved" MODULE.bazel || cp -p "$saved" MODULE.bazel
	rm -f "$saved"
	[ "$status" -eq 0 ] || echo "MODULE.bazel does not name the modules of go.mod: run 'make fmt'"
	return "$status"
}
