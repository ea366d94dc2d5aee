package owner

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/asterism-k8s/asterism/domain/evidence"
	"github.com/asterism-k8s/asterism/domain/internal/canonicaljson"
	"github.com/asterism-k8s/asterism/domain/keys"
	"github.com/asterism-k8s/asterism/domain/policy"
)

// StatementVersion is the version of statements that this package reads and
// writes.
const StatementVersion = "asterism/cluster-statement/v1"

// Bounds of statements.
const (
	MaxStatementSize         = 192 << 10 // bytes, encoded; the rest of MaxSignedStatementSize is the chain's
	MaxRoots                 = 256
	MaxDelegates             = 64 // of each kind
	MaxKMSAddresses          = 16
	MaxStatementLifetime     = 366 * 24 * time.Hour
	DefaultStatementLifetime = 90 * 24 * time.Hour
)

// Statement is what an owner says of a cluster: who it is, what may run in it,
// and who speaks for it. Joiners and the tools of owners trust it and nothing
// else. NewStatement makes one.
type Statement struct {
	Version string         `json:"version"`
	Serial  uint64         `json:"serial"` // grows with every statement
	Cluster keys.ClusterID `json:"cluster"`
	Owner   keys.OwnerID   `json:"owner"`
	Issued  time.Time      `json:"issued"`  // UTC, whole seconds, like all times here
	Expires time.Time      `json:"expires"` // the last instant at which it holds

	EngineCA     evidence.SPKIHash `json:"engineCA"`
	KubernetesCA evidence.SPKIHash `json:"kubernetesCA"`
	LedgerKey    PublicKey         `json:"ledgerKey"`

	// Releases are those that are accepted, with their reference values, newest
	// first. One that is not accepted any more is left out.
	Releases         []policy.Release    `json:"releases"`
	EndorsementRoots []evidence.SPKIHash `json:"endorsementRoots,omitempty"` // CAs of TPMs and processors

	// What hardware must be like. A policy may only be stricter.
	TPM         *policy.TPM  `json:"tpm,omitempty"`
	SNP         *policy.SNP  `json:"snp,omitempty"`
	TDX         *policy.TDX  `json:"tdx,omitempty"`
	DeniedChips []policy.Hex `json:"deniedChips,omitempty"` // chip IDs and PPIDs

	MinimumPolicySerial uint64     `json:"minimumPolicySerial"` // policies below it are refused
	Administrators      []NamedKey `json:"administrators,omitempty"`
	Readers             []NamedKey `json:"readers,omitempty"` // may read what the cluster keeps for audits
	KMS                 []string   `json:"kms,omitempty"`     // URIs of the only external key services
}

// NamedKey is a key to which the owner delegates, and what people call it.
type NamedKey struct {
	Name string    `json:"name"` // letters, digits, and after the first also - . _ +
	Key  PublicKey `json:"key"`
}

// NewStatement checks a statement and returns a copy with its sets sorted. The
// version may be left out, and so may the expiry, which then is
// DefaultStatementLifetime after the issue. The error is an
// *InvalidStatementError with everything that is wrong.
func NewStatement(s Statement) (*Statement, error) {
	s.Version = cmp.Or(s.Version, StatementVersion)
	if s.Expires.IsZero() && !s.Issued.IsZero() {
		s.Expires = s.Issued.Add(DefaultStatementLifetime)
	}
	return s.normalised()
}

// Encode returns the statement's one canonical form (RFC 8785), which is what is
// signed. The error is an *InvalidStatementError.
func (s *Statement) Encode() ([]byte, error) {
	_, data, err := s.encode()
	return data, err
}

// encode also returns the statement with its sets sorted.
func (s *Statement) encode() (*Statement, []byte, error) {
	sorted, err := s.normalised()
	if err != nil {
		return nil, nil, err
	}
	data, err := canonicaljson.Marshal(sorted)
	if len(data) > MaxStatementSize {
		return nil, nil, invalidStatement("has %d bytes, at most %d", len(data), MaxStatementSize)
	}
	return sorted, data, err
}

// Hash returns SHA-256 of the canonical form. Two statements of one cluster with
// one serial and two hashes are a fork: the owner signed both, and meant one.
// The error is an *InvalidStatementError.
func (s *Statement) Hash() (Hash, error) {
	data, err := s.Encode()
	if err != nil {
		return Hash{}, err
	}
	return sha256.Sum256(data), nil
}

// DecodeStatement reads what Encode writes, and nothing else. It does not ask who
// signed it: OpenStatement does. The error wraps ErrStatement.
func DecodeStatement(data []byte) (*Statement, error) {
	if len(data) > MaxStatementSize {
		return nil, fmt.Errorf("%w: %d bytes, at most %d", ErrStatement, len(data), MaxStatementSize)
	}
	var s Statement
	if err := canonicaljson.Decode(data, &s); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrStatement, err)
	}
	sorted, canonical, err := s.encode()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrStatement, err)
	}
	if err := canonicaljson.Check(canonical, data); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrStatement, err)
	}
	return sorted, nil
}

// normalised returns a copy that shares nothing with s, checked and sorted.
func (s *Statement) normalised() (*Statement, error) {
	hardware, err := s.validate()
	if err != nil {
		return nil, err
	}
	n := *s
	n.Releases, n.TPM, n.SNP, n.TDX, n.DeniedChips = hardware.Releases, hardware.TPM, hardware.SNP, hardware.TDX, hardware.DeniedChips
	n.EndorsementRoots = sorted(s.EndorsementRoots, func(a, b evidence.SPKIHash) int { return bytes.Compare(a[:], b[:]) })
	n.Administrators = sorted(s.Administrators, compareNames)
	n.Readers = sorted(s.Readers, compareNames)
	n.KMS = sorted(s.KMS, strings.Compare)
	return &n, nil
}

func compareNames(a, b NamedKey) int { return strings.Compare(a.Name, b.Name) }

// sorted returns a sorted copy, nil of an empty list.
func sorted[T any](list []T, compare func(a, b T) int) []T {
	if len(list) == 0 {
		return nil
	}
	list = slices.Clone(list)
	slices.SortFunc(list, compare)
	return list
}
