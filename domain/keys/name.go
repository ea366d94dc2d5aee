package keys

import "strings"

// MaxNameLength is the longest name in bytes, which is as long as a Kubernetes
// object's name may be.
const MaxNameLength = 253

const (
	uuidAllowed  = "a lower-case UUID as 8-4-4-4-12 hexadecimal digits, neither nil nor max (RFC 9562 §4)"
	labelAllowed = "1 to 253 of a-z, 0-9, '-', '_' and '.', a letter or digit at both ends, no '..'"
)

// checkName refuses every name but the one canonical spelling of it.
func checkName(purpose Purpose, name string) error {
	valid, allowed := validLabel, labelAllowed
	if purpose.namesDisk() {
		valid, allowed = validUUID, uuidAllowed
	}
	if !valid(name) {
		return &IDError{Field: "name", Value: name, Allowed: allowed}
	}
	return nil
}

// validUUID accepts the lower-case text form of any UUID (RFC 9562 §4) but nil
// (§5.9) and max (§5.10), which name no disk.
func validUUID(name string) bool {
	if len(name) != len("00000000-0000-0000-0000-000000000000") {
		return false
	}
	for i := range len(name) {
		valid := isLowerHex(name[i])
		if i == 8 || i == 13 || i == 18 || i == 23 {
			valid = name[i] == '-'
		}
		if !valid {
			return false
		}
	}
	return strings.Trim(name, "0-") != "" && strings.Trim(name, "f-") != ""
}

// validLabel accepts [a-z0-9]([-a-z0-9._]*[a-z0-9])? of bounded length without
// "..": the names of Kubernetes objects, and underscores.
func validLabel(name string) bool {
	if name == "" || len(name) > MaxNameLength || strings.Contains(name, "..") {
		return false
	}
	for i := range len(name) {
		if !isLowerAlphanumeric(name[i]) && !strings.ContainsRune("-._", rune(name[i])) {
			return false
		}
	}
	return isLowerAlphanumeric(name[0]) && isLowerAlphanumeric(name[len(name)-1])
}

func isLowerAlphanumeric(c byte) bool {
	return 'a' <= c && c <= 'z' || '0' <= c && c <= '9'
}

func isLowerHex(c byte) bool {
	return 'a' <= c && c <= 'f' || '0' <= c && c <= '9'
}
