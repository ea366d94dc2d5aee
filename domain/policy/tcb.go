package policy

import (
	"fmt"
	"slices"
	"strings"
)

// ProductLine is a line of AMD processors, as in the VCEK certificate's product
// name (AMD's VCEK Certificate and KDS Interface Specification, section 3.1).
type ProductLine string

// The product lines.
const (
	Milan ProductLine = "Milan"
	Genoa ProductLine = "Genoa" // Bergamo and Siena report as Genoa
	Turin ProductLine = "Turin"
)

// UnmarshalText reads the name of a product line.
func (l *ProductLine) UnmarshalText(text []byte) error {
	return unmarshalEnum(l, text, "product line", Milan, Genoa, Turin)
}

// TCB is a version of the trusted computing base of AMD SEV-SNP, one security
// version number a component (SEV-SNP Firmware ABI, TCB_VERSION).
type TCB struct {
	BootLoader uint8 `json:"bootLoader"`
	TEE        uint8 `json:"tee"`
	SNP        uint8 `json:"snp"`
	Microcode  uint8 `json:"microcode"`
	FMC        uint8 `json:"fmc,omitempty"` // Turin only
}

// component is one security version number of a TCB.
type component struct {
	name string
	svn  uint8
}

func (t *TCB) components() [5]component {
	return [5]component{
		{"bootLoader", t.BootLoader},
		{"tee", t.TEE},
		{"snp", t.SNP},
		{"microcode", t.Microcode},
		{"fmc", t.FMC},
	}
}

// AtLeast says whether no component of t is lower than in floor. Versions are
// only partly ordered: neither of two may be at least the other.
func (t *TCB) AtLeast(floor *TCB) bool {
	seen, want := t.components(), floor.components()
	for i := range seen {
		if seen[i].svn < want[i].svn {
			return false
		}
	}
	return true
}

// String returns all components, as in "bootLoader 4, tee 0, snp 22, microcode
// 213, fmc 0".
func (t *TCB) String() string {
	var parts []string
	for _, c := range t.components() {
		parts = append(parts, fmt.Sprintf("%s %d", c.name, c.svn))
	}
	return strings.Join(parts, ", ")
}

// TCBStatus is Intel's word on a TDX platform's trusted computing base (Intel
// PCS API, TDX TCB info).
type TCBStatus string

// The statuses, best first. Revoked is never accepted.
const (
	UpToDate                          TCBStatus = "UpToDate"
	SWHardeningNeeded                 TCBStatus = "SWHardeningNeeded"
	ConfigurationNeeded               TCBStatus = "ConfigurationNeeded"
	ConfigurationAndSWHardeningNeeded TCBStatus = "ConfigurationAndSWHardeningNeeded"
	OutOfDate                         TCBStatus = "OutOfDate"
	OutOfDateConfigurationNeeded      TCBStatus = "OutOfDateConfigurationNeeded"
	Revoked                           TCBStatus = "Revoked"
)

// UnmarshalText reads the name of a status.
func (s *TCBStatus) UnmarshalText(text []byte) error {
	return unmarshalEnum(s, text, "TCB status", UpToDate, SWHardeningNeeded, ConfigurationNeeded,
		ConfigurationAndSWHardeningNeeded, OutOfDate, OutOfDateConfigurationNeeded, Revoked)
}

func unmarshalEnum[T ~string](target *T, text []byte, what string, known ...T) error {
	value := T(text)
	if !slices.Contains(known, value) {
		return fmt.Errorf("not a %s: %q, want %s", what, value, joinNames(known))
	}
	*target = value
	return nil
}

// joinNames lists names for people: "a, b or c".
func joinNames[T ~string](names []T) string {
	var b strings.Builder
	for i, name := range names {
		switch {
		case i == 0:
		case i == len(names)-1:
			b.WriteString(" or ")
		default:
			b.WriteString(", ")
		}
		b.WriteString(string(name))
	}
	return b.String()
}
