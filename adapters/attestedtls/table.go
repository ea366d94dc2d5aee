package attestedtls

import (
	"github.com/asterism-k8s/asterism/adapters/attestedtls/frame"
	"github.com/asterism-k8s/asterism/domain/evidence"
)

// Side is an end of a session.
type Side uint8

// The sides.
const (
	ClientSide Side = iota
	ServerSide
)

// String returns "client" or "server".
func (s Side) String() string {
	if s == ServerSide {
		return "server"
	}
	return "client"
}

func (s Side) other() Side { return ServerSide - s }

// Step is one row of the table of frames.
type Step struct {
	Row    string // "1" to "9", "3a" and "3b"
	Sender Side
	Kind   frame.Kind
	// Optional rows are left out where no attestation key has to be activated.
	Optional bool
}

// MaxClientVerdict is how many bytes a client's verdict on its server may have. A
// server reads it from anybody who connects; it needs no more than to know it.
const MaxClientVerdict = 4 << 10

// Bound returns how many bytes the row's message may have.
func (s Step) Bound() int {
	if s.Kind == frame.KindVerdict && s.Sender == ClientSide {
		return MaxClientVerdict
	}
	return s.Kind.Bound()
}

// Table returns the frames of a session for the purpose, in order; nil where
// there is no such purpose. In place of any of its frames, and before it, an end
// may send a verdict that refuses, and then nothing more.
func Table(p evidence.Purpose) []Step {
	if frame.ServerRole(p) == "" {
		return nil
	}
	steps := []Step{
		{"1", ClientSide, frame.KindHello, false},
		{"2", ServerSide, frame.KindHello, false},
	}
	if frame.ShowsStatement(p) {
		steps = append(steps, Step{"3", ServerSide, frame.KindStatement, false})
	}
	if activatesServer(p) {
		steps = append(steps,
			Step{"3a", ServerSide, frame.KindIdentity, true},
			Step{"3b", ClientSide, frame.KindChallenge, true})
	}
	steps = append(steps,
		Step{"4", ServerSide, frame.KindEvidence, false},
		Step{"5", ClientSide, frame.KindVerdict, false})
	if !p.ClientAttests() {
		return steps
	}
	steps = append(steps, Step{"6", ClientSide, frame.KindIdentity, false})
	if activatesClient(p) {
		steps = append(steps, Step{"7", ServerSide, frame.KindChallenge, true})
	}
	return append(steps,
		Step{"8", ClientSide, frame.KindEvidence, false},
		Step{"9", ServerSide, frame.KindVerdict, false})
}

// activatesServer says whether the server is a machine that may have no
// certificate of the engine's CA yet, or none that it can read.
func activatesServer(p evidence.Purpose) bool { return p == evidence.Init || p == evidence.Recover }

// activatesClient says the same of the client. A JoinService runs on a member,
// which has its certificate.
func activatesClient(p evidence.Purpose) bool { return p.ClientAttests() && p != evidence.Attest }

// script is a place in a table.
type script struct {
	steps []Step
	next  int
}

// allowed returns the kinds that may come from the sender now.
func (s *script) allowed(sender Side) []frame.Kind {
	var kinds []frame.Kind
	for _, step := range s.steps[s.next:] {
		if step.Sender == sender {
			kinds = append(kinds, step.Kind)
		}
		if !step.Optional {
			break
		}
	}
	return kinds
}

// take moves behind the next step of that sender and kind, and says whether there
// is one that may come now.
func (s *script) take(sender Side, kind frame.Kind) bool {
	for i, step := range s.steps[s.next:] {
		if step.Sender == sender && step.Kind == kind {
			s.next += i + 1
			return true
		}
		if !step.Optional {
			break
		}
	}
	return false
}
