package policy

import (
	"time"

	"github.com/asterism-k8s/asterism/domain/evidence"
	"github.com/asterism-k8s/asterism/domain/measurement"
)

// Lengths of identifiers in bytes.
const (
	SNPChipIDSize   = 64 // SEV-SNP Firmware ABI, ATTESTATION_REPORT.CHIP_ID
	SNPHostDataSize = 32 // SEV-SNP Firmware ABI, ATTESTATION_REPORT.HOST_DATA
	TDXPPIDSize     = 16 // Intel SGX PCK Certificate specification, PPID
	FMSPCSize       = 6  // Intel SGX PCK Certificate specification, FMSPC
	TEETCBSVNSize   = 16 // Intel TDX DCAP Quoting Library API, TEE_TCB_SVN
)

// Claims is what evidence says about a machine. A verifier of the platform made
// it, after it had checked every signature; nothing in it is self-asserted but
// the type and description of events.
type Claims struct {
	Platform evidence.Platform `json:"platform"`
	// ReportData is the session data that the evidence carries: SHA-256 of the
	// batch's report data where a TPM quotes, else all 64 bytes of it.
	ReportData   Hex                   `json:"reportData,omitempty"`
	Registers    measurement.Registers `json:"registers,omitzero"`
	Locality     uint8                 `json:"startupLocality,omitempty"` // where firmware started the TPM: 0, 3 or 4
	Events       []measurement.Event   `json:"events,omitempty"`          // in log order
	SecureBoot   *bool                 `json:"secureBoot,omitempty"`      // nil where the evidence does not say
	EvidenceSize int                   `json:"evidenceSize,omitempty"`    // bytes of the whole
	TPM          *TPMClaims            `json:"tpm,omitempty"`
	SNP          *SNPClaims            `json:"snp,omitempty"`
	TDX          *TDXClaims            `json:"tdx,omitempty"`
	Endorsements []EndorsementClaims   `json:"endorsements,omitempty"`
}

// TPMClaims is what a TPM's keys and clock say.
type TPMClaims struct {
	EK measurement.Digest `json:"ek,omitzero"` // SHA-256 of the EK's SubjectPublicKeyInfo
	// EKCertified says that the EK certificate chains to a configured root, or that
	// the CA that certified the AK names the certificate that did then, and its
	// issuer's revocation list, as far as one is cached, does not have it.
	EKCertified  bool    `json:"ekCertified"`
	AKProof      AKProof `json:"akProof,omitempty"`
	ResetCount   uint32  `json:"resetCount"`   // TPMS_CLOCK_INFO
	RestartCount uint32  `json:"restartCount"` // TPMS_CLOCK_INFO
}

// AKProof says what shows that the attestation key, which signed the quote, lives
// in the TPM of the endorsement key.
type AKProof string

// The proofs. The zero AKProof is none: the endorsement key is hearsay.
const (
	AKActivated AKProof = "activated" // it answered a challenge in this session
	AKCertified AKProof = "certified" // a CA that is trusted for it certified it
)

// UnmarshalText reads the name of a proof.
func (p *AKProof) UnmarshalText(text []byte) error {
	return unmarshalEnum(p, text, "proof of an attestation key", AKActivated, AKCertified)
}

// SNPClaims is what an AMD SEV-SNP attestation report says (SEV-SNP Firmware
// ABI, ATTESTATION_REPORT).
type SNPClaims struct {
	Measurement      measurement.Digest `json:"measurement"`          // launch digest
	IDKey            measurement.Digest `json:"idKeyDigest,omitzero"` // of the ID key that signed the launch
	AuthorKey        measurement.Digest `json:"authorKeyDigest,omitzero"`
	HostData         Hex                `json:"hostData,omitempty"`
	ProductLine      ProductLine        `json:"productLine"`
	ReportedTCB      TCB                `json:"reportedTCB"`
	CommittedTCB     TCB                `json:"committedTCB"`
	LaunchTCB        TCB                `json:"launchTCB"`
	ChipID           Hex                `json:"chipID,omitempty"` // absent where the host masks it
	VMPL             uint32             `json:"vmpl"`
	VLEK             bool               `json:"vlek"` // signed by a VLEK, not a VCEK
	Debug            bool               `json:"debug"`
	MigrationAgent   bool               `json:"migrationAgent"`
	SMT              bool               `json:"smt"`
	AliasCheck       bool               `json:"aliasCheck"` // memory aliases were looked for since the last reset
	CiphertextHiding bool               `json:"ciphertextHiding"`
	RAPLDisabled     bool               `json:"raplDisabled"`
}

// TDXClaims is what an Intel TDX quote and its collateral say.
type TDXClaims struct {
	MRTD                 measurement.Digest `json:"mrtd"`
	MRConfigID           measurement.Digest `json:"mrConfigID,omitzero"`
	MROwner              measurement.Digest `json:"mrOwner,omitzero"`
	FMSPC                Hex                `json:"fmspc"`
	PPID                 Hex                `json:"ppid,omitempty"`
	TEETCBSVN            Hex                `json:"teeTCBSVN"`
	TCBStatus            TCBStatus          `json:"tcbStatus"`
	Advisories           []string           `json:"advisories,omitempty"`
	EvaluationDataNumber uint32             `json:"tcbEvaluationDataNumber"`
	Debug                bool               `json:"debug"`
	Migratable           bool               `json:"migratable"`
	SEPTVEDisable        bool               `json:"septVEDisable"` // no #VE for pending pages, as Linux needs
}

// EndorsementKind tells endorsements that only expire from those that go stale.
type EndorsementKind string

// The kinds of endorsements.
const (
	Certificate    EndorsementKind = "certificate"
	RevocationList EndorsementKind = "crl"
	Collateral     EndorsementKind = "collateral" // TCB info and QE identity
)

// UnmarshalText reads the name of a kind.
func (k *EndorsementKind) UnmarshalText(text []byte) error {
	return unmarshalEnum(k, text, "kind of endorsement", Certificate, RevocationList, Collateral)
}

// EndorsementClaims is the time for which an endorsement that the verifier
// relied on holds.
type EndorsementClaims struct {
	Kind    EndorsementKind `json:"kind"`
	Subject string          `json:"subject"` // as in "VCEK" or "Intel Root CA CRL"
	Issued  time.Time       `json:"issued"`  // notBefore or thisUpdate
	Expires time.Time       `json:"expires"` // notAfter or nextUpdate
}
