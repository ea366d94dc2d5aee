package keys

import "strings"

// ID names a data key: a purpose, and a name within it. It is valid by
// construction, since only [NewID] and [ParseID] make one, and each key has one
// ID only. IDs compare with ==. The zero ID names nothing, and no key is
// derived for it.
type ID struct {
	purpose Purpose
	name    string
}

// NewID returns the ID of the key with that purpose and name. The name of a
// [StateDisk] or [StateDiskHeader] key is the disk's UUID: 8-4-4-4-12
// lower-case hexadecimal digits, neither nil nor max (RFC 9562 §4). All other
// names follow [a-z0-9]([-a-z0-9._]*[a-z0-9])?, are 1 to [MaxNameLength] bytes
// long, and do not contain "..".
//
// The error is an [*IDError].
func NewID(purpose Purpose, name string) (ID, error) {
	if err := purpose.check(); err != nil {
		return ID{}, err
	}
	if err := checkName(purpose, name); err != nil {
		return ID{}, err
	}
	return ID{purpose: purpose, name: name}, nil
}

// ParseID reads what [ID.String] writes: "purpose/name", where neither part can
// hold another slash.
//
// The error is an [*IDError].
func ParseID(text string) (ID, error) {
	purpose, name, found := strings.Cut(text, "/")
	if !found {
		return ID{}, &IDError{Field: "id", Value: text, Allowed: "purpose/name"}
	}
	return NewID(Purpose(purpose), name)
}

// Purpose returns what the key is for; the empty string for the zero ID.
func (id ID) Purpose() Purpose {
	return id.purpose
}

// Name returns the key's name within its purpose; the empty string for the zero
// ID.
func (id ID) Name() string {
	return id.name
}

// String returns "purpose/name", and the empty string for the zero ID.
func (id ID) String() string {
	if id == (ID{}) {
		return ""
	}
	return string(id.purpose) + "/" + id.name
}

// MarshalText returns what [ID.String] does. The zero ID is refused with an
// [*IDError].
func (id ID) MarshalText() ([]byte, error) {
	if err := id.check(); err != nil {
		return nil, err
	}
	return []byte(id.String()), nil
}

// UnmarshalText reads as [ParseID] does, and leaves id as it was on an error.
func (id *ID) UnmarshalText(text []byte) error {
	parsed, err := ParseID(string(text))
	if err != nil {
		return err
	}
	*id = parsed
	return nil
}

// check refuses the zero ID; there is no other that is not valid.
func (id ID) check() error {
	if id == (ID{}) {
		return &IDError{Field: "id", Allowed: "purpose/name"}
	}
	return nil
}
