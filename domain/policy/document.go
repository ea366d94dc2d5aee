package policy

import (
	"time"

	"github.com/asterism-k8s/asterism/domain/evidence"
	"github.com/asterism-k8s/asterism/domain/measurement"
)

// Version is the version of documents that this package reads and writes.
const Version = "asterism/policy/v1"

// Document is an attestation policy as an owner writes it. New checks it.
type Document struct {
	Version     string              `json:"version"`
	Serial      uint64              `json:"serial"` // grows with every change
	Description string              `json:"description,omitempty"`
	Platforms   []evidence.Platform `json:"platforms"` // what may be admitted at all
	Profiles    []string            `json:"profiles"`  // image profiles that may be admitted, as in "release"
	// Registers overrides how a register counts that differs from its reference
	// value; a register that is not named is enforced.
	Registers         map[measurement.Register]measurement.Rule `json:"registers,omitempty"`
	RequireEventLog   bool                                      `json:"requireEventLog,omitempty"`
	RequireSecureBoot bool                                      `json:"requireSecureBoot,omitempty"`
	Releases          []Release                                 `json:"releases"` // newest first
	TPM               *TPM                                      `json:"tpm,omitempty"`
	SNP               *SNP                                      `json:"snp,omitempty"`
	TDX               *TDX                                      `json:"tdx,omitempty"`
	DeniedChips       []Hex                                     `json:"deniedChips,omitempty"` // chip IDs and PPIDs
	Freshness         Freshness                                 `json:"freshness,omitzero"`
	Bounds            Bounds                                    `json:"bounds,omitzero"`
}

// Release is an image release and what its machines measure.
type Release struct {
	Name       string             `json:"name"`
	Manifest   measurement.Digest `json:"manifest,omitzero"` // SHA-256 of the release manifest
	Profile    string             `json:"profile"`
	Withdrawn  bool               `json:"withdrawn,omitempty"` // known, and refused
	NotAfter   time.Time          `json:"notAfter,omitzero"`   // end of its upgrade window
	References []Reference        `json:"references"`
}

// Reference is what one release measures on one platform under one firmware.
type Reference struct {
	Platform evidence.Platform `json:"platform"`
	Firmware string            `json:"firmware,omitempty"` // for people
	// Mark is the register that holds the mark of a member. It is nil where the
	// platform has none: on SNP without a TPM, on TDX before Linux 6.16.
	Mark          *measurement.Register                     `json:"mark,omitempty"`
	Registers     map[measurement.Register][]ReferenceValue `json:"registers,omitempty"`
	LaunchDigests []measurement.Digest                      `json:"launchDigests,omitempty"` // SNP measurement or MRTD, any of
}

// ReferenceValue is one value that a register may hold.
type ReferenceValue struct {
	Value  measurement.Digest `json:"value"`
	Events []ReferenceEvent   `json:"events,omitempty"` // how it comes about, in order
}

// ReferenceEvent is one step on the way to a reference value.
type ReferenceEvent struct {
	Digest      measurement.Digest `json:"digest"`
	Type        string             `json:"type,omitempty"`
	Description string             `json:"description,omitempty"`
}

// EKTrust says what makes a TPM's endorsement key trusted.
type EKTrust string

// The ways to trust an endorsement key.
const (
	EKAllowList   EKTrust = "allow-list"  // only listed keys
	EKCertificate EKTrust = "certificate" // also keys whose certificate chains to a configured root
)

// UnmarshalText reads the name of a way to trust.
func (t *EKTrust) UnmarshalText(text []byte) error {
	return unmarshalEnum(t, text, "way to trust endorsement keys", EKAllowList, EKCertificate)
}

// TPM is what the policy asks of TPMs whose attestation key is trusted through
// their endorsement key. Keys are SHA-256 of the SubjectPublicKeyInfo.
type TPM struct {
	EKTrust    EKTrust              `json:"ekTrust"`
	AllowedEKs []measurement.Digest `json:"allowedEKs,omitempty"`
	DeniedEKs  []measurement.Digest `json:"deniedEKs,omitempty"`
}

// Requirement is a property that a TEE's configuration must have.
type Requirement string

// The requirements. A guest that may be debugged is refused always.
const (
	NoMigration      Requirement = "no-migration"      // SNP and TDX
	NoSMT            Requirement = "no-smt"            // SNP
	AliasCheck       Requirement = "alias-check"       // SNP; the answer to BadRAM
	CiphertextHiding Requirement = "ciphertext-hiding" // SNP, Turin
	RAPLDisabled     Requirement = "rapl-disabled"     // SNP
	SEPTVEDisable    Requirement = "sept-ve-disable"   // TDX
)

// UnmarshalText reads the name of a requirement.
func (r *Requirement) UnmarshalText(text []byte) error {
	return unmarshalEnum(r, text, "requirement", NoMigration, NoSMT, AliasCheck, CiphertextHiding, RAPLDisabled, SEPTVEDisable)
}

// SNP is what the policy asks of AMD SEV-SNP.
type SNP struct {
	ProductLines []ProductLinePolicy  `json:"productLines"` // others are refused
	Require      []Requirement        `json:"require"`
	MaxVMPL      uint32               `json:"maxVMPL,omitempty"`   // 0 is the most privileged
	AllowVLEK    bool                 `json:"allowVLEK,omitempty"` // the provider's key in place of the chip's
	IDKeys       []measurement.Digest `json:"idKeyDigests,omitempty"`
	AuthorKeys   []measurement.Digest `json:"authorKeyDigests,omitempty"`
	HostData     []Hex                `json:"hostData,omitempty"`
}

// ProductLinePolicy is what the policy asks of one line of processors.
type ProductLinePolicy struct {
	Name  ProductLine `json:"name"`
	TCB   TCB         `json:"minimumTCB"`
	Grace *Grace      `json:"grace,omitempty"`
	Chips []Hex       `json:"chips,omitempty"` // the only chip IDs accepted; needed for Milan
}

// Grace lets machines below a new floor stay for a while: until then a TCB
// between the two floors is a warning.
type Grace struct {
	Until time.Time `json:"until"`
	TCB   TCB       `json:"minimumTCB"`
}

// TDX is what the policy asks of Intel TDX.
type TDX struct {
	TCBStatus            []TCBStatus          `json:"tcbStatus"` // accepted
	Grace                *StatusGrace         `json:"grace,omitempty"`
	Advisories           []string             `json:"acceptedAdvisories,omitempty"` // as in INTEL-SA-00960
	Require              []Requirement        `json:"require"`
	EvaluationDataNumber uint32               `json:"minimumTCBEvaluationDataNumber,omitempty"`
	TEETCBSVN            Hex                  `json:"minimumTEETCBSVN,omitempty"` // byte by byte
	FMSPCs               []Hex                `json:"fmspcs,omitempty"`           // the only product families accepted
	Chips                []Hex                `json:"chips,omitempty"`            // the only PPIDs accepted
	MRConfigIDs          []measurement.Digest `json:"mrConfigIDs,omitempty"`
	MROwners             []measurement.Digest `json:"mrOwners,omitempty"`
}

// StatusGrace lets machines of a worse status stay for a while, as warnings.
type StatusGrace struct {
	Until     time.Time   `json:"until"`
	TCBStatus []TCBStatus `json:"tcbStatus"`
}

// Freshness bounds how old endorsements may be.
type Freshness struct {
	MaxAge       Duration `json:"maxAge,omitempty"`       // of CRLs and collateral since they were issued; 0 is no bound but their own
	MaxClockSkew Duration `json:"maxClockSkew,omitempty"` // for issue times in the future
}

// Bounds limits what a verifier takes.
type Bounds struct {
	EvidenceBytes int `json:"evidenceBytes,omitempty"` // 0 is evidence.MaxSize
	Events        int `json:"events,omitempty"`        // 0 is MaxEvents
}

// Duration is a length of time that documents hold in Go's notation, as in
// "720h".
type Duration time.Duration

// MarshalText encodes as in "720h0m0s".
func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// UnmarshalText decodes what time.ParseDuration reads.
func (d *Duration) UnmarshalText(text []byte) error {
	parsed, err := time.ParseDuration(string(text))
	if err != nil {
		return err
	}
	*d = Duration(parsed)
	return nil
}
