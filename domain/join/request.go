package join

import (
	"errors"
	"slices"
	"strings"

	"github.com/asterism-k8s/asterism/domain/evidence"
	"github.com/asterism-k8s/asterism/domain/measurement"
)

// Bounds of requests.
const (
	MaxRequestSize = 4 << 10 // bytes, encoded
	MaxServices    = 16
	MaxServiceName = 32 // bytes
)

// ErrRequest is wrapped by every error about requests.
var ErrRequest = errors.New("not a request to join")

// Kind tells a first join from the return of a member.
type Kind string

// The kinds.
const (
	FirstJoin Kind = "join"
	Rejoin    Kind = "rejoin"
)

// UnmarshalText reads the name of a kind. The error wraps ErrWord.
func (k *Kind) UnmarshalText(text []byte) error { return unmarshalWord(k, text, FirstJoin, Rejoin) }

// Request is what a node asks for. All of it is self-asserted: Decide holds it
// against policy and records.
type Request struct {
	ID   RequestID
	Kind Kind
	Disk string // the state disk's UUID, canonical
	// Name and Role are empty in a Rejoin: they come from the record.
	Name NodeName
	Role Role
	// Services are SHA-256 hashes of the public keys for which the node wants
	// certificates, sorted by service name.
	Services []ServiceKey
}

// ServiceKey is the public key of one service on the node.
type ServiceKey struct {
	Service string // as in "kms": 1 to MaxServiceName of a-z, 0-9 and inner hyphens
	SPKI    evidence.SPKIHash
}

// NewRequest checks a request and returns a copy with its services sorted. The
// error is an *InvalidError of the kind ErrRequest.
func NewRequest(r Request) (*Request, error) {
	r.Services = slices.Clone(r.Services)
	slices.SortFunc(r.Services, func(a, b ServiceKey) int { return strings.Compare(a.Service, b.Service) })
	if err := r.Validate(); err != nil {
		return nil, err
	}
	return &r, nil
}

// Validate returns an *InvalidError of the kind ErrRequest with everything that
// is wrong with the request.
func (r *Request) Validate() error {
	var ps problems
	if r.ID.IsZero() {
		ps.add("id", "all bytes are zero")
	}
	ps.check("disk", checkDisk(r.Disk))
	ps.wanted(r)
	ps.services(r.Services)
	return ps.err(ErrRequest)
}

// wanted looks at what only a first join may choose.
func (ps *problems) wanted(r *Request) {
	switch r.Kind {
	case FirstJoin:
		_, err := ParseNodeName(string(r.Name))
		ps.check("name", err)
		ps.check("role", checkWord(r.Role, Roles()...))
	case Rejoin:
		if r.Name != "" {
			ps.add("name", "a rejoin names none: it comes from the record")
		}
		if r.Role != "" {
			ps.add("role", "a rejoin names none: it comes from the record")
		}
	default:
		ps.add("kind", "%.64q, want %s or %s", string(r.Kind), FirstJoin, Rejoin)
	}
}

func (ps *problems) services(list []ServiceKey) {
	if len(list) > MaxServices {
		ps.add("services", "%d, at most %d", len(list), MaxServices)
		return
	}
	for i, s := range list {
		if !validService(s.Service) {
			ps.add(at("services", i), "%.64q, want 1 to %d of a-z, 0-9 and inner hyphens", s.Service, MaxServiceName)
		}
		if s.SPKI == (evidence.SPKIHash{}) {
			ps.add(at("services", i), "has no key")
		}
		if i > 0 && list[i-1].Service >= s.Service {
			ps.add(at("services", i), "is not behind the one before in order")
		}
	}
}

func validService(name string) bool {
	return len(name) <= MaxServiceName && wrongLabel(name) == ""
}

// Hash returns SHA-256 of the encoded request, which tells whether two are the
// same. The error is Encode's.
func (r *Request) Hash() (measurement.Digest, error) {
	data, err := r.Encode()
	if err != nil {
		return measurement.Digest{}, err
	}
	return measurement.Sum(measurement.SHA256, data), nil
}
