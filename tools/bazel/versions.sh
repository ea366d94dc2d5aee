# shellcheck shell=bash
# The versions that Bazel is set up with, read from where they are written:
# .bazelversion, MODULE.bazel and tools/lint/go.mod. Sourced after ../env.sh.
# shellcheck disable=SC2154

# The Debian suite whose bazel-bootstrap is taken; Debian 12's own is too old.
debian_suite=${BAZEL_SUITE:-forky}

bazel_version() { cat "$root/.bazelversion"; }

# module_version prints the version of MODULE.bazel's bazel_dep on a module.
module_version() {
	sed -n "s/^bazel_dep(name = \"$1\", version = \"\([^\"]*\)\".*/\1/p" "$root/MODULE.bazel"
}

# bazel_stamp names one installation: what it is made of, and by which scripts.
bazel_stamp() {
	{
		echo "$debian_suite $(module_version rules_go) $(module_version gazelle)"
		cat "$root/.bazelversion" "$root"/tools/lint/go.{mod,sum}
		cat "$root"/tools/bazel/{install,debian,modules,versions}.sh "$root/tools/bazel/provided.txt"
		cd "$root/tools/bazel/offline" && find . -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum
	} | sha256sum | cut -c1-16
}
