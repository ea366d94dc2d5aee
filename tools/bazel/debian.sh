# shellcheck shell=bash
# Bazel from a newer Debian, unpacked under a folder of its own with its Java
# and its C library: no package of the system is touched. Sourced by install.sh,
# which sets work (scratch), prefix (the installation) and here (this folder).
# shellcheck disable=SC2154

# debian_mirror prints the mirror that this machine already uses.
debian_mirror() {
	# shellcheck disable=SC2016 # apt's own variables
	apt-get indextargets --format '$(REPO_URI) $(LABEL)' 'Identifier: Packages' |
		awk '$2 == "Debian" { print $1; exit }'
}

# write_apt_state describes to apt a machine of the newer suite on which the
# packages of provided.txt are installed.
write_apt_state() {
	local mirror package
	mirror=${BAZEL_MIRROR:-$(debian_mirror)}
	[ -n "$mirror" ] || fail "apt knows no Debian mirror; name one in BAZEL_MIRROR"
	mkdir -p "$work"/apt/{lists,archives}/partial
	echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] ${mirror%/} $debian_suite main" \
		>"$work/apt/sources.list"
	grep -v '^#' "$here/provided.txt" | while read -r package; do
		printf '%s\n' "Package: $package" 'Status: install ok installed' 'Architecture: amd64' \
			'Multi-Arch: foreign' 'Version: 9999:1' 'Maintainer: nobody' 'Description: stand-in' ''
	done >"$work/apt/status"
}

# apt runs a program of apt on that description, and on nothing of the system.
apt() {
	local dir=$work/apt program=$1
	shift
	"$program" -qq -o Debug::NoLocking=1 -o APT::Sandbox::User="$(id -un)" -o Acquire::Languages=none \
		-o APT::Architecture=amd64 -o APT::Default-Release= -o APT::Update::Post-Invoke-Success= \
		-o Dir::Etc::SourceList="$dir/sources.list" -o Dir::Etc::SourceParts=/dev/null \
		-o Dir::Etc::Preferences=/dev/null -o Dir::Etc::PreferencesParts=/dev/null \
		-o Dir::State::Lists="$dir/lists" -o Dir::State::status="$dir/status" \
		-o Dir::Cache::archives="$dir/archives" \
		-o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache= "$@"
}

# check_debian_version refuses a suite that has moved on, and says what to do.
check_debian_version() {
	local have want
	want=$(bazel_version)
	have=$(apt apt-cache show --no-all-versions bazel-bootstrap | sed -n 's/^Version: //p')
	[ "${have%%[+-]*}" = "$want" ] && return
	fail "Debian $debian_suite has bazel-bootstrap '${have:-none}', .bazelversion wants $want.
  To go on with the new one: raise .bazelversion, rules_go and gazelle together and run the tests.
  To keep $want: set BAZEL_SUITE to a suite that has it, or BAZEL_MIRROR to an archive of Debian as it was."
}

# fetch_debian downloads Bazel, a Java runtime and what both need.
fetch_debian() {
	write_apt_state
	apt apt-get update || fail "cannot read Debian $debian_suite's package lists; is the mirror reachable?"
	check_debian_version
	apt apt-get install --yes --no-install-recommends --download-only \
		bazel-bootstrap bazel-rules-shell openjdk-21-jre-headless >/dev/null ||
		fail "cannot fetch Bazel's packages from Debian $debian_suite; where a dependency is new there, see tools/bazel/provided.txt"
}

unpack_debian() {
	local package
	mkdir -p "$prefix/root"
	for package in "$work"/apt/archives/*.deb; do
		dpkg-deb --fsys-tarfile "$package" | tar -x -C "$prefix/root" --no-same-owner \
			--exclude='./usr/share/doc' --exclude='./usr/share/man' \
			--exclude='./usr/share/maven-repo' --exclude='./usr/share/lintian'
	done
}

# keep_links_inside turns absolute links into links within the unpacked tree.
keep_links_inside() {
	local link target
	find "$prefix/root" -type l -lname '/*' -print0 | while IFS= read -r -d '' link; do
		target=$prefix/root$(readlink "$link")
		if [ -e "$target" ] || [ -L "$target" ]; then ln -sfn "$target" "$link"; fi
	done
}

# use_libraries makes a program run on the unpacked C library.
use_libraries() {
	patchelf --set-interpreter "$lib/ld-linux-x86-64.so.2" --force-rpath --set-rpath "$2" "$1"
}

patch_programs() {
	local program lib=$prefix/root/usr/lib/x86_64-linux-gnu
	for program in "$prefix/root/usr/bin/bazel" "$prefix/root/usr/libexec/x86_64-linux-gnu/bazel"/*; do
		use_libraries "$program" "$lib"
	done
	for program in "$java"/bin/{java,keytool} "$java/lib/jspawnhelper"; do
		use_libraries "$program" "$java/lib:$lib"
	done
}

# patch_classpath corrects Debian's list of Java libraries, which names absolute
# paths and leaves out those that other libraries name.
patch_classpath() {
	local jars=$prefix/root/usr/share/java jar
	local list=$share/bazel_classpath_debian_depends.txt
	sed -i "s#^/usr/share/java/#$jars/#" "$list"
	for jar in perfmark-api animal-sniffer-annotations protobuf; do echo "$jars/$jar.jar"; done >>"$list"
}
