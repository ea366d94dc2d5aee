package evidence

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/asterism-k8s/asterism/domain/internal/lp"
)

const envelopeLabel = "asterism/evidence/v1"

// Bounds of an envelope, in bytes where not said otherwise.
const (
	MaxSize         = 1 << 20 // the whole, encoded
	MaxEndorsements = 16      // endorsements, by number

	maxName = 32
)

// ErrEnvelope is wrapped by every error about the encoding of evidence.
var ErrEnvelope = errors.New("not evidence")

// EndorsementKind says what an endorsement is.
type EndorsementKind string

// The kinds. Certificates are in DER; a chain is their concatenation, leaf
// first.
const (
	EKCertificate  EndorsementKind = "ek-certificate"
	AKCertificate  EndorsementKind = "ak-certificate"
	VCEKChain      EndorsementKind = "vcek-chain"
	VLEKChain      EndorsementKind = "vlek-chain"
	AMDCRL         EndorsementKind = "amd-crl"
	TDXCollateral  EndorsementKind = "tdx-collateral"
	PCKChain       EndorsementKind = "pck-chain"
	NitroTPM       EndorsementKind = "nitrotpm-document"
	LaunchEndorsed EndorsementKind = "launch-endorsement"
)

func endorsementKinds() []EndorsementKind {
	return []EndorsementKind{
		EKCertificate, AKCertificate, VCEKChain, VLEKChain, AMDCRL, TDXCollateral, PCKChain, NitroTPM, LaunchEndorsed,
	}
}

// Endorsement is a statement about the hardware that the attester hands over so
// that the verifier need not fetch it. The verifier checks it like one that it
// fetched itself.
type Endorsement struct {
	Kind EndorsementKind
	Data []byte
}

// Evidence is what an attester hands over. Its parts are untrusted until a
// verifier of the platform has checked them.
type Evidence struct {
	Platform     Platform
	Body         []byte        // in the platform's format, not empty
	Endorsements []Endorsement // sorted by kind, one a kind, none empty
}

// Encode returns
//
//	"asterism/evidence/v1" ‖ lp(platform) ‖ lp(body) ‖ (lp(kind) ‖ lp(data))…
//
// in at most MaxSize bytes. Evidence has one encoding.
func (e *Evidence) Encode() ([]byte, error) {
	if err := e.validate(); err != nil {
		return nil, err
	}
	data := make([]byte, 0, e.size())
	data = append(data, envelopeLabel...)
	data = lp.Append(data, []byte(e.Platform), e.Body)
	for _, en := range e.Endorsements {
		data = lp.Append(data, []byte(en.Kind), en.Data)
	}
	return data, nil
}

// Decode reads what Encode writes, and nothing else. The result aliases data.
func Decode(data []byte) (*Evidence, error) {
	if len(data) > MaxSize {
		return nil, fmt.Errorf("%w: %d bytes, at most %d", ErrEnvelope, len(data), MaxSize)
	}
	e, err := decode(lp.NewReader(data))
	if err != nil {
		return nil, err
	}
	if err := e.validate(); err != nil {
		return nil, err
	}
	return e, nil
}

func decode(r *lp.Reader) (*Evidence, error) {
	if err := r.Literal(envelopeLabel); err != nil {
		return nil, fmt.Errorf("%w: reading the label: %w", ErrEnvelope, err)
	}
	platform, err := readField(r, "platform", maxName)
	if err != nil {
		return nil, err
	}
	body, err := readField(r, "body", MaxSize)
	if err != nil {
		return nil, err
	}
	e := &Evidence{Platform: Platform(platform), Body: body}
	for r.End() != nil && len(e.Endorsements) <= MaxEndorsements {
		kind, err := readField(r, "kind of endorsement", maxName)
		if err != nil {
			return nil, err
		}
		content, err := readField(r, "endorsement", MaxSize)
		if err != nil {
			return nil, err
		}
		e.Endorsements = append(e.Endorsements, Endorsement{EndorsementKind(kind), content})
	}
	return e, nil
}

func readField(r *lp.Reader, name string, limit int) ([]byte, error) {
	field, err := r.Field(limit)
	if err != nil {
		return nil, fmt.Errorf("%w: reading the %s at byte %d: %w", ErrEnvelope, name, r.Offset(), err)
	}
	return field, nil
}

func (e *Evidence) validate() error {
	if _, err := e.Platform.Traits(); err != nil {
		return fmt.Errorf("%w: %w", ErrEnvelope, err)
	}
	if len(e.Body) == 0 {
		return fmt.Errorf("%w: the body is empty", ErrEnvelope)
	}
	if len(e.Endorsements) > MaxEndorsements {
		return fmt.Errorf("%w: more than %d endorsements", ErrEnvelope, MaxEndorsements)
	}
	for i, en := range e.Endorsements {
		if err := en.validate(); err != nil {
			return fmt.Errorf("%w: endorsement %d: %w", ErrEnvelope, i, err)
		}
		if i > 0 && strings.Compare(string(e.Endorsements[i-1].Kind), string(en.Kind)) >= 0 {
			return fmt.Errorf("%w: endorsement %d: %q is not sorted after %q", ErrEnvelope, i, en.Kind, e.Endorsements[i-1].Kind)
		}
	}
	if n := e.size(); n > MaxSize {
		return fmt.Errorf("%w: %d bytes, at most %d", ErrEnvelope, n, MaxSize)
	}
	return nil
}

func (en *Endorsement) validate() error {
	if !slices.Contains(endorsementKinds(), en.Kind) {
		return fmt.Errorf("unknown kind %q", en.Kind)
	}
	if len(en.Data) == 0 {
		return fmt.Errorf("%s is empty", en.Kind)
	}
	return nil
}

func (e *Evidence) size() int {
	n := len(envelopeLabel) + lp.Size([]byte(e.Platform), e.Body)
	for _, en := range e.Endorsements {
		n += lp.Size([]byte(en.Kind), en.Data)
	}
	return n
}
