package ledger

import (
	"cmp"
	"fmt"
	"time"

	"github.com/asterism-k8s/asterism/domain/internal/canonicaljson"
	"github.com/asterism-k8s/asterism/domain/join"
	"github.com/asterism-k8s/asterism/domain/measurement"
)

// Version is the version of entries that this package reads and writes.
const Version = "asterism/ledger-entry/v1"

// MaxEntrySize is how many bytes an encoded entry may have (C2SP tlog-tiles
// prefixes each with a 16-bit length).
const MaxEntrySize = 1<<16 - 1

// Type says what an entry is about.
type Type string

// The types.
const (
	Init       Type = "init"
	Intent     Type = "intent"
	KeyRelease Type = "key-release"
	Outcome    Type = "outcome"
	Directive  Type = "directive"
	Reattest   Type = "reattestation"
	Refusals   Type = "refusals"
	Recovery   Type = "recovery"
	OtherKeys  Type = "other-keys" // releases of keys that have no entry of their own, counted
)

// Types returns all types, in the order in which a cluster comes to use them.
func Types() []Type {
	return []Type{Init, Directive, Intent, KeyRelease, Outcome, Reattest, Refusals, OtherKeys, Recovery}
}

// Entry is one thing that happened. Exactly the field of its type is set.
type Entry struct {
	Version string    `json:"version"`
	Type    Type      `json:"type"`
	Time    time.Time `json:"time"` // UTC, whole milliseconds; never before that of the entry before
	By      string    `json:"by"`   // the identity of the node that recorded it

	Init       *InitEntry       `json:"init,omitempty"`
	Intent     *IntentEntry     `json:"intent,omitempty"`
	KeyRelease *KeyReleaseEntry `json:"keyRelease,omitempty"`
	Outcome    *OutcomeEntry    `json:"outcome,omitempty"`
	Directive  *DirectiveEntry  `json:"directive,omitempty"`
	Reattest   *ReattestEntry   `json:"reattestation,omitempty"`
	Refusals   *RefusalsEntry   `json:"refusals,omitempty"`
	Recovery   *RecoveryEntry   `json:"recovery,omitempty"`
	OtherKeys  *OtherKeysEntry  `json:"otherKeys,omitempty"`
}

// body is the field of an entry's type.
type body interface {
	// check collects what is wrong with the body.
	check(c *entryCheck)
	// about returns the node that it is about and the SHA-256 of the evidence that
	// it rests on, zero where there is none.
	about() (join.Identity, measurement.Digest)
}

// typedBody is a field that holds a body, and the type to which it belongs.
type typedBody struct {
	kind Type
	set  bool
	body body
}

func (e *Entry) bodies() [9]typedBody {
	return [9]typedBody{
		{Init, e.Init != nil, e.Init},
		{Intent, e.Intent != nil, e.Intent},
		{KeyRelease, e.KeyRelease != nil, e.KeyRelease},
		{Outcome, e.Outcome != nil, e.Outcome},
		{Directive, e.Directive != nil, e.Directive},
		{Reattest, e.Reattest != nil, e.Reattest},
		{Refusals, e.Refusals != nil, e.Refusals},
		{Recovery, e.Recovery != nil, e.Recovery},
		{OtherKeys, e.OtherKeys != nil, e.OtherKeys},
	}
}

// New checks an entry and returns a copy with its sets sorted, each element once.
// The version may be left out. The error is an *InvalidEntryError with everything
// that is wrong.
func New(e Entry) (*Entry, error) {
	e.Version = cmp.Or(e.Version, Version)
	return e.normalised()
}

// normalised returns a checked copy whose sets are sorted.
func (e *Entry) normalised() (*Entry, error) {
	if err := e.validate(); err != nil {
		return nil, err
	}
	n := *e
	if e.Intent != nil {
		n.Intent = e.Intent.sorted()
	}
	if e.KeyRelease != nil {
		n.KeyRelease = e.KeyRelease.sorted()
	}
	if e.Reattest != nil {
		n.Reattest = e.Reattest.sorted()
	}
	if e.Refusals != nil {
		n.Refusals = e.Refusals.sorted()
	}
	return &n, nil
}

// Encode returns the entry's one canonical form (RFC 8785), at most MaxEntrySize
// bytes, which is what the ledger's leaves are the hashes of. The error is an
// *InvalidEntryError.
func (e *Entry) Encode() ([]byte, error) {
	_, data, err := e.encode()
	return data, err
}

// encode also returns the entry with its sets sorted.
func (e *Entry) encode() (*Entry, []byte, error) {
	sorted, err := e.normalised()
	if err != nil {
		return nil, nil, err
	}
	data, err := canonicaljson.Marshal(sorted)
	if err != nil {
		return nil, nil, invalidEntry("cannot be encoded: %v", err)
	}
	if len(data) > MaxEntrySize {
		return nil, nil, invalidEntry("has %d bytes, at most %d", len(data), MaxEntrySize)
	}
	return sorted, data, nil
}

// DecodeEntry reads what Encode writes, and nothing else. The error wraps
// ErrEntry.
func DecodeEntry(data []byte) (*Entry, error) {
	if len(data) > MaxEntrySize {
		return nil, fmt.Errorf("%w: %d bytes, at most %d", ErrEntry, len(data), MaxEntrySize)
	}
	var e Entry
	if err := canonicaljson.Decode(data, &e); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrEntry, err)
	}
	sorted, canonical, err := e.encode()
	if err != nil {
		return nil, err
	}
	if err := canonicaljson.Check(canonical, data); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrEntry, err)
	}
	return sorted, nil
}

// Node returns the machine that the entry is about; zero where it is about none.
func (e *Entry) Node() join.Identity {
	node, _ := e.about()
	return node
}

// Evidence returns the SHA-256 of the evidence that the entry rests on; zero where
// it rests on none.
func (e *Entry) Evidence() measurement.Digest {
	_, evidence := e.about()
	return evidence
}

func (e *Entry) about() (join.Identity, measurement.Digest) {
	for _, b := range e.bodies() {
		if b.set {
			return b.body.about()
		}
	}
	return join.Identity{}, measurement.Digest{}
}
