# shellcheck shell=bash
# The Bazel modules of MODULE.bazel without a registry. Sourced by install.sh,
# which sets work, prefix, here and share (Debian's part of Bazel).
# shellcheck disable=SC2154

# go_module prints the folder of a Go module at a version, fetching it first.
go_module() {
	local answer
	answer=$(cd "$work" && GOFLAGS=-mod=mod go mod download -json "$1@$2") ||
		fail "the Go module $1 has no version $2 that can be fetched; MODULE.bazel names the version:
$answer"
	sed -n 's/^\t"Dir": "\(.*\)",*$/\1/p' <<<"$answer"
}

copy_module() {
	cp -r --no-preserve=mode,ownership "$1" "$modules/$2"
}

# debian_modules are the rule sets that come with Debian's Bazel.
debian_modules() {
	local name
	for name in cc java license proto python shell; do copy_module "$share/rules/$name" "rules_$name"; done
	copy_module "$share/tools/skylib" bazel_skylib
	copy_module "$share/tools/platforms" platforms
}

# go_modules are the rule sets that are Go modules as well. Gazelle's second
# module is a folder of the first in Gazelle's repository, but not in its archive.
go_modules() {
	local dir v2=github.com/bazel-contrib/bazel-gazelle/v2
	dir=$(go_module github.com/bazelbuild/rules_go "v$(module_version rules_go)")
	copy_module "$dir" rules_go
	dir=$(go_module github.com/bazelbuild/bazel-gazelle "v$(module_version gazelle)")
	copy_module "$dir" gazelle
	dir=$(go_module "$v2" "$(awk -v m="$v2" '$1 == m { print $2 }' "$dir/go.mod")")
	rm -rf "$modules/gazelle/v2"
	copy_module "$dir" gazelle/v2
	touch "$modules/gazelle/v2/go.sum"
	# Module archives carry no executable bits.
	find "$modules"/{rules_go,gazelle} -type f \( -name '*.sh' -o -name '*.bash' -o -name '*.bash.in' \) \
		-exec chmod +x {} +
}

# stand_ins are the modules that rules_go, Gazelle and Bazel name, but of which
# a build of Go uses next to nothing; buildozer, which `bazel mod tidy` runs, is
# built here.
stand_ins() {
	cp -r "$here"/offline/modules/* "$modules/"
	go build -C "$root/tools/lint" -trimpath -o "$modules/buildozer/buildozer" \
		github.com/bazelbuild/buildtools/buildozer
}

install_modules() {
	local modules=$prefix/modules
	mkdir -p "$modules"
	debian_modules
	go_modules
	stand_ins
}
