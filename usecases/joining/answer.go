package joining

import (
	"time"

	"github.com/asterism-k8s/asterism/domain/evidence"
	"github.com/asterism-k8s/asterism/domain/join"
	"github.com/asterism-k8s/asterism/domain/measurement"
)

// answer is what the store holds of a ticket: all that is public in it, and
// nothing else. Keys come from the KMS again, and the token derives from one. Its
// fields are in the order of RFC 8785.
type answer struct {
	AKCertificate []byte             `json:"akCertificate,omitempty"`
	Checkpoint    []byte             `json:"checkpoint,omitempty"`
	EngineCA      []byte             `json:"engineCA"`
	Kubernetes    *kubernetes        `json:"kubernetes,omitempty"`
	Services      []certificate      `json:"services,omitempty"`
	Statement     uint64             `json:"statement"`
	Ticket        measurement.Digest `json:"ticket"`         // join.Ticket.PublicHash
	Token         time.Time          `json:"token,omitzero"` // when it expires; UTC, whole seconds
}

type kubernetes struct {
	CA       evidence.SPKIHash  `json:"ca"`
	Endpoint string             `json:"endpoint"`
	Manifest measurement.Digest `json:"manifest"`
	Version  string             `json:"version"`
}

type certificate struct {
	Certificate []byte `json:"certificate"`
	Service     string `json:"service"`
}

// answerOf returns what is public in a ticket.
func answerOf(t *join.Ticket) *answer {
	a := &answer{
		AKCertificate: t.AKCertificate, Checkpoint: t.Checkpoint, EngineCA: t.EngineCA,
		Statement: t.Statement, Ticket: t.PublicHash(),
	}
	for _, s := range t.Services {
		a.Services = append(a.Services, certificate{s.Certificate, s.Service})
	}
	if k := t.Kubernetes; k != nil {
		a.Kubernetes = &kubernetes{k.CA, k.Endpoint, k.Manifest, k.Version}
	}
	if t.Token != nil {
		a.Token = t.Token.Expires
	}
	return a
}

// fill puts it into a ticket that is given again.
func (a *answer) fill(t *join.Ticket) {
	t.AKCertificate, t.Checkpoint, t.EngineCA, t.Statement = a.AKCertificate, a.Checkpoint, a.EngineCA, a.Statement
	for _, s := range a.Services {
		t.Services = append(t.Services, join.ServiceCertificate{Service: s.Service, Certificate: s.Certificate})
	}
	if k := a.Kubernetes; k != nil {
		t.Kubernetes = &join.Kubernetes{Endpoint: k.Endpoint, CA: k.CA, Version: k.Version, Manifest: k.Manifest}
	}
	if !a.Token.IsZero() {
		t.Token = &join.Token{Expires: a.Token}
	}
}

func (a *answer) valid() bool {
	return len(a.EngineCA) > 0 && a.Statement > 0 && a.Ticket.Algorithm() == measurement.SHA256 &&
		len(a.Services) <= join.MaxServices && (a.Token.IsZero() || wholeSeconds(a.Token))
}
