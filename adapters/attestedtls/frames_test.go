package attestedtls_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/asterism-k8s/asterism/adapters/attestedtls"
	"github.com/asterism-k8s/asterism/adapters/attestedtls/frame"
	"github.com/asterism-k8s/asterism/adapters/attestedtls/internal/softtest"
	"github.com/asterism-k8s/asterism/domain/evidence"
	"github.com/asterism-k8s/asterism/domain/policy"
)

// framed puts a header before a message.
func framed(kind frame.Kind, message []byte) []byte {
	header := binary.BigEndian.AppendUint32([]byte{byte(kind)}, uint32(len(message)))
	return append(header, message...)
}

// alteration is what can be done to any frame. It is noticed when it comes, but
// where it only doubles what was right: then when the next is due.
type alteration struct {
	name string
	do   func(step attestedtls.Step, sent []byte) []byte
	next bool // it takes a further frame to notice
}

func alterations() []alteration {
	message := func(sent []byte) []byte { return sent[frame.HeaderSize:] }
	return []alteration{
		{name: "empty", do: func(s attestedtls.Step, _ []byte) []byte { return framed(s.Kind, nil) }},
		{name: "shortened", do: func(s attestedtls.Step, sent []byte) []byte {
			return framed(s.Kind, message(sent)[:len(message(sent))/2])
		}},
		{name: "with an unknown field", do: func(s attestedtls.Step, sent []byte) []byte {
			return framed(s.Kind, append(bytes.Clone(message(sent)), 0xa0, 0x06, 1)) // field 100, varint 1
		}},
		{name: "with its first field again", do: func(s attestedtls.Step, sent []byte) []byte {
			return framed(s.Kind, append(bytes.Clone(message(sent)), message(sent)...))
		}},
		{name: "garbage", do: func(s attestedtls.Step, sent []byte) []byte {
			return framed(s.Kind, noise(len(message(sent))))
		}},
		{name: "oversized", do: func(s attestedtls.Step, _ []byte) []byte {
			return binary.BigEndian.AppendUint32([]byte{byte(s.Kind)}, uint32(s.Kind.Bound())+1)
		}},
		{name: "of no kind", do: func(_ attestedtls.Step, sent []byte) []byte { return framed(0, message(sent)) }},
		{name: "of the next kind", do: func(s attestedtls.Step, sent []byte) []byte {
			return framed(s.Kind%frame.KindVerdict+1, message(sent))
		}},
		{name: "an early hello", do: func(s attestedtls.Step, sent []byte) []byte {
			if s.Kind == frame.KindHello {
				return framed(frame.KindIdentity, message(sent))
			}
			return framed(frame.KindHello, message(sent))
		}},
		{name: "an early admission", do: func(s attestedtls.Step, _ []byte) []byte {
			if s.Kind == frame.KindVerdict {
				return framed(frame.KindEvidence, nil)
			}
			return admission()
		}},
		{name: "twice", next: true, do: func(_ attestedtls.Step, sent []byte) []byte { return slices.Concat(sent, sent) }},
	}
}

func admission() []byte {
	sent, err := frame.Append(nil, &frame.Verdict{Verdict: policy.Verdict{Admitted: true, Findings: []policy.Finding{}}})
	if err != nil {
		panic(err) // it holds nothing that could be wrong
	}
	return sent
}

// noise returns bytes that are always the same.
func noise(n int) []byte {
	random := rand.NewChaCha8([32]byte{1})
	out := make([]byte, n)
	_, _ = random.Read(out)
	return out
}

// ownSteps are those of the side that take place with software machines.
func ownSteps(r *rogue) []attestedtls.Step {
	var own []attestedtls.Step
	for _, step := range attestedtls.Table(r.purpose) {
		if step.Sender == r.side && (!step.Optional || r.activates(step)) {
			own = append(own, step)
		}
	}
	return own
}

// TestEveryFrameAltered alters each frame of each end in each way, and wants the
// honest end to refuse, to say that it was the protocol, and to tell the rogue.
func TestEveryFrameAltered(t *testing.T) {
	w := softtest.New(t)
	for _, p := range softtest.Purposes() {
		s := session{p, softtest.Clients(p)[0]}
		server := softtest.NewServer(t, w.Server(t, p))
		client := w.Client(t, p, s.role)
		for _, side := range sides() {
			honest := newRogue(t, w, s, side)
			honest.server, honest.client = server, client
			own := ownSteps(honest)
			for i, step := range own {
				for _, a := range alterations() {
					if a.next && i == len(own)-1 {
						continue // nothing is due any more: what follows is the application's
					}
					t.Run(s.String()+" frame "+step.Row+" "+a.name, func(t *testing.T) { checkAltered(t, *honest, step, a) })
				}
			}
		}
	}
}

func checkAltered(t *testing.T, r rogue, step attestedtls.Step, a alteration) {
	t.Helper()
	r.alter = func(s attestedtls.Step, sent []byte) []byte {
		if s.Row != step.Row {
			return sent
		}
		return a.do(s, sent)
	}
	told, rogueErr, honest := r.against(t)
	requireCodes(t, honest, false, policy.CodeSessionRefused)
	if !errors.Is(honest, attestedtls.ErrProtocol) {
		t.Errorf("the refusal is not about the protocol: %v", honest)
	}
	if told == nil || told.Admitted || told.Findings[0].Code != policy.CodeSessionRefused {
		t.Errorf("the rogue was told %+v, %v", told, rogueErr)
	}
}

// TestHangingUpAtEveryFrame wants the honest end to notice, wherever that is.
func TestHangingUpAtEveryFrame(t *testing.T) {
	w := softtest.New(t)
	cuts := map[string]func([]byte) []byte{
		"before it":     func([]byte) []byte { return nil },
		"in its header": func(sent []byte) []byte { return sent[:frame.HeaderSize-1] },
		"within it":     func(sent []byte) []byte { return sent[:len(sent)-1] },
	}
	for _, p := range softtest.Purposes() {
		s := session{p, softtest.Clients(p)[0]}
		server := softtest.NewServer(t, w.Server(t, p))
		client := w.Client(t, p, s.role)
		for _, side := range sides() {
			r := newRogue(t, w, s, side)
			r.server, r.client = server, client
			for _, step := range ownSteps(r) {
				for name, cut := range cuts {
					t.Run(s.String()+" frame "+step.Row+" "+name, func(t *testing.T) { checkCut(t, *r, step, cut) })
				}
			}
		}
	}
}

func checkCut(t *testing.T, r rogue, step attestedtls.Step, cut func([]byte) []byte) {
	t.Helper()
	r.alter = func(s attestedtls.Step, sent []byte) []byte {
		if s.Row != step.Row {
			return sent
		}
		if rest := cut(sent); len(rest) > 0 {
			_, _ = r.conn.Write(rest)
		}
		return nil
	}
	_, _, honest := r.against(t)
	var refused *attestedtls.Refused
	if honest == nil || errors.As(honest, &refused) {
		t.Errorf("the honest end: %v", honest)
	}
}

// TestRefusingAtEveryFrame has either end refuse in place of each of its frames.
func TestRefusingAtEveryFrame(t *testing.T) {
	w := softtest.New(t)
	refusal, err := frame.Append(nil, &frame.Verdict{RetryAfter: 1500e6, Verdict: policy.Verdict{Findings: []policy.Finding{
		{Code: policy.CodeServerBusy, Severity: policy.Refuse, Subject: "a test", Remedy: "None."},
		{Code: policy.CodeChipDenied, Severity: policy.Refuse, Subject: "a test", Remedy: "None."},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range softtest.Purposes() {
		s := session{p, softtest.Clients(p)[0]}
		server := softtest.NewServer(t, w.Server(t, p))
		client := w.Client(t, p, s.role)
		for _, side := range sides() {
			for _, step := range ownSteps(newRogue(t, w, s, side)) {
				t.Run(s.String()+" frame "+step.Row, func(t *testing.T) {
					r := newRogue(t, w, s, side)
					r.server, r.client = server, client
					r.alter = func(s attestedtls.Step, sent []byte) []byte {
						if s.Row != step.Row {
							return sent
						}
						_, _ = r.conn.Write(refusal)
						return nil
					}
					_, _, honest := r.against(t)
					requireCodes(t, honest, true, policy.CodeServerBusy, policy.CodeChipDenied)
					var refused *attestedtls.Refused
					if !errors.As(honest, &refused) || refused.RetryAfter != 1500e6 {
						t.Errorf("to retry after %v", refused.RetryAfter)
					}
				})
			}
		}
	}
}

// TestTable writes the frames of all purposes out, as the design has them.
func TestTable(t *testing.T) {
	want := map[evidence.Purpose]string{
		evidence.Init:    "1C-hello 2S-hello 3aS-identity? 3bC-challenge? 4S-evidence 5C-verdict",
		evidence.Join:    "1C-hello 2S-hello 3S-statement 4S-evidence 5C-verdict 6C-identity 7S-challenge? 8C-evidence 9S-verdict",
		evidence.Rejoin:  "1C-hello 2S-hello 3S-statement 4S-evidence 5C-verdict 6C-identity 7S-challenge? 8C-evidence 9S-verdict",
		evidence.Recover: "1C-hello 2S-hello 3S-statement 3aS-identity? 3bC-challenge? 4S-evidence 5C-verdict",
		evidence.Attest:  "1C-hello 2S-hello 4S-evidence 5C-verdict 6C-identity 8C-evidence 9S-verdict",
		evidence.Admin:   "1C-hello 2S-hello 3S-statement 4S-evidence 5C-verdict",
		evidence.Unseal:  "1C-hello 2S-hello 3S-statement 4S-evidence 5C-verdict 6C-identity 7S-challenge? 8C-evidence 9S-verdict",
		"":               "",
		"other":          "",
	}
	for p, text := range want {
		if got := describe(attestedtls.Table(p)); got != text {
			t.Errorf("%q:\n got %s\nwant %s", p, got, text)
		}
	}
}

func describe(steps []attestedtls.Step) string {
	text := ""
	for i, s := range steps {
		if i > 0 {
			text += " "
		}
		text += s.Row + map[attestedtls.Side]string{attestedtls.ClientSide: "C", attestedtls.ServerSide: "S"}[s.Sender] + "-" + s.Kind.String()
		if s.Optional {
			text += "?"
		}
	}
	return text
}
