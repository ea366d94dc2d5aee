package evidence_test

import (
	"bytes"
	"crypto/sha512"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"testing"

	"pgregory.net/rapid"

	"github.com/asterism-k8s/asterism/domain/evidence"
)

// session returns a session of a joiner that attests to a JoinService.
func session() evidence.Session {
	s := evidence.Session{
		Purpose: evidence.Join, AttesterRole: evidence.Joiner,
		AttesterHello: []byte("hello from the joiner"), VerifierHello: []byte("hello from the service"),
	}
	copy(s.Exporter[:], bytes.Repeat([]byte{1}, len(s.Exporter)))
	copy(s.AttesterSPKI[:], bytes.Repeat([]byte{2}, len(s.AttesterSPKI)))
	copy(s.VerifierSPKI[:], bytes.Repeat([]byte{3}, len(s.VerifierSPKI)))
	return s
}

func binding(t testing.TB, s evidence.Session) evidence.Binding {
	t.Helper()
	b, err := s.Binding()
	if err != nil {
		t.Fatalf("binding %+v: %v", s, err)
	}
	return b
}

// prefixed is lp, written again from its definition.
func prefixed(fields ...string) string {
	var out []byte
	for _, f := range fields {
		out = binary.BigEndian.AppendUint32(out, uint32(len(f)))
		out = append(out, f...)
	}
	return string(out)
}

func TestBindingIsTheDesignedHash(t *testing.T) {
	s := session()
	want := sha512.Sum512([]byte("asterism/attested-tls/v1" + prefixed("join", "joiner", string(s.Exporter[:]),
		string(s.AttesterSPKI[:]), string(s.VerifierSPKI[:]), "hello from the joiner", "hello from the service")))
	if got := binding(t, s); !bytes.Equal(got.Bytes(), want[:]) {
		t.Errorf("binding = %x, want %x", got.Bytes(), want)
	}
	const golden = "6b7536cde10203dff6c025a047fc54e955605c2d579b67e09e0bb0619253ce42" +
		"33e090c0e8cfafb4855260ff8592cf51ce6011fd26d40cc912bf1a02cd278c61"
	if got := hex.EncodeToString(want[:]); golden != got {
		t.Errorf("the encoding changed: %s", got)
	}
}

// Threat rows 1 and 3: the binding changes with every part of the session, so
// evidence cannot be carried to another session, direction, role or purpose.
func TestThreat01BindingCoversEveryPartOfTheSession(t *testing.T) {
	original := binding(t, session())
	for name, change := range map[string]func(*evidence.Session){
		"purpose": func(s *evidence.Session) { s.Purpose, s.AttesterRole = evidence.Rejoin, evidence.Locked },
		"role":    func(s *evidence.Session) { s.AttesterRole = evidence.JoinService },
		"exporter": func(s *evidence.Session) {
			s.Exporter[63] ^= 1
		},
		"attester's key":   func(s *evidence.Session) { s.AttesterSPKI[0] ^= 1 },
		"verifier's key":   func(s *evidence.Session) { s.VerifierSPKI[31] ^= 1 },
		"attester's hello": func(s *evidence.Session) { s.AttesterHello = append(s.AttesterHello, 0) },
		"verifier's hello": func(s *evidence.Session) { s.VerifierHello = s.VerifierHello[1:] },
		"keys swapped":     func(s *evidence.Session) { s.AttesterSPKI, s.VerifierSPKI = s.VerifierSPKI, s.AttesterSPKI },
		"hellos swapped":   func(s *evidence.Session) { s.AttesterHello, s.VerifierHello = s.VerifierHello, s.AttesterHello },
		"byte moved between hellos": func(s *evidence.Session) {
			s.VerifierHello = append([]byte("r"), s.VerifierHello...)
			s.AttesterHello = s.AttesterHello[:len(s.AttesterHello)-1]
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := session()
			change(&s)
			if binding(t, s) == original {
				t.Error("the binding is the same")
			}
		})
	}
}

func TestThreat03ReflectedSessionIsNotBound(t *testing.T) {
	s := session()
	s.VerifierSPKI = s.AttesterSPKI
	if _, err := s.Binding(); !errors.Is(err, evidence.ErrBinding) {
		t.Errorf("both ends hold one key: %v, want ErrBinding", err)
	}
}

func TestBindingRefusesAnIncompleteSession(t *testing.T) {
	for name, change := range map[string]func(*evidence.Session){
		"no exporter":             func(s *evidence.Session) { s.Exporter = [evidence.ExporterSize]byte{} },
		"no attester's key":       func(s *evidence.Session) { s.AttesterSPKI = evidence.SPKIHash{} },
		"no verifier's key":       func(s *evidence.Session) { s.VerifierSPKI = evidence.SPKIHash{} },
		"no attester's hello":     func(s *evidence.Session) { s.AttesterHello = nil },
		"no verifier's hello":     func(s *evidence.Session) { s.VerifierHello = []byte{} },
		"huge attester's hello":   func(s *evidence.Session) { s.AttesterHello = make([]byte, evidence.MaxHelloSize+1) },
		"huge verifier's hello":   func(s *evidence.Session) { s.VerifierHello = make([]byte, evidence.MaxHelloSize+1) },
		"no purpose":              func(s *evidence.Session) { s.Purpose = "" },
		"unknown purpose":         func(s *evidence.Session) { s.Purpose = "verification" },
		"no role":                 func(s *evidence.Session) { s.AttesterRole = "" },
		"role of another purpose": func(s *evidence.Session) { s.AttesterRole = evidence.Member },
		"unknown purpose and no role": func(s *evidence.Session) {
			s.Purpose, s.AttesterRole = "verification", ""
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := session()
			change(&s)
			b, err := s.Binding()
			if !errors.Is(err, evidence.ErrBinding) || b != (evidence.Binding{}) {
				t.Errorf("Binding = %v, %v; want ErrBinding and nothing", b, err)
			}
		})
	}
	s := session()
	s.AttesterHello, s.VerifierHello = make([]byte, evidence.MaxHelloSize), make([]byte, 1)
	binding(t, s)
}

// Every pair of purpose and role, against the table of the design.
func TestWhoAttestsIsFixed(t *testing.T) {
	attests := map[evidence.Purpose][]evidence.Role{
		evidence.Init:    {evidence.Joiner},
		evidence.Recover: {evidence.Locked},
		evidence.Join:    {evidence.Joiner, evidence.JoinService},
		evidence.Rejoin:  {evidence.Locked, evidence.JoinService},
		evidence.Attest:  {evidence.JoinService, evidence.Member},
		evidence.Admin:   {evidence.Member},
		evidence.Unseal:  {evidence.Locked, evidence.KMS},
		"other":          nil,
	}
	for purpose, want := range attests {
		for _, role := range roles() {
			s := session()
			s.Purpose, s.AttesterRole = purpose, role
			_, err := s.Binding()
			if (err == nil) != containsRole(want, role) {
				t.Errorf("%s attests for %s: %v", role, purpose, err)
			}
		}
	}
}

func TestCheckRoles(t *testing.T) {
	type pair struct{ client, server evidence.Role }
	allowed := map[evidence.Purpose][]pair{
		evidence.Init:    {{evidence.Owner, evidence.Joiner}},
		evidence.Recover: {{evidence.Owner, evidence.Locked}, {evidence.Holder, evidence.Locked}},
		evidence.Join:    {{evidence.Joiner, evidence.JoinService}},
		evidence.Rejoin:  {{evidence.Locked, evidence.JoinService}},
		evidence.Attest:  {{evidence.JoinService, evidence.Member}},
		evidence.Admin: {
			{evidence.Owner, evidence.Member}, {evidence.Administrator, evidence.Member}, {evidence.Reader, evidence.Member},
		},
		evidence.Unseal: {{evidence.Locked, evidence.KMS}},
		"":              nil,
	}
	for purpose, pairs := range allowed {
		for _, client := range roles() {
			for _, server := range roles() {
				want := false
				for _, p := range pairs {
					want = want || p == pair{client, server}
				}
				err := purpose.CheckRoles(client, server)
				if (err == nil) != want || err != nil && !errors.Is(err, evidence.ErrPurpose) {
					t.Errorf("%s: %s to %s = %v, want allowed %v", purpose, client, server, err, want)
				}
			}
		}
	}
}

func roles() []evidence.Role {
	return []evidence.Role{
		"", "other", evidence.Owner, evidence.Administrator, evidence.Reader, evidence.Holder, evidence.Joiner,
		evidence.Locked, evidence.JoinService, evidence.Member, evidence.KMS,
	}
}

func containsRole(list []evidence.Role, r evidence.Role) bool {
	for _, v := range list {
		if v == r {
			return true
		}
	}
	return false
}

func TestVerificationBindingIsTheDesignedHash(t *testing.T) {
	nonce := bytes.Repeat([]byte{7}, 16)
	got, err := evidence.NewVerificationBinding(nonce, []byte("statement"))
	if err != nil {
		t.Fatal(err)
	}
	want := sha512.Sum512([]byte("asterism/verification/v1" + prefixed(string(nonce), "statement")))
	if got.Leaf() != leafOf(want[:]) {
		t.Error("the leaf is not that of the designed hash")
	}
}

func TestVerificationBindingBounds(t *testing.T) {
	for _, tt := range []struct {
		nonce, statement int
		ok               bool
	}{
		{15, 1, false},
		{16, 1, true},
		{64, 1, true},
		{65, 1, false},
		{16, 0, false},
		{16, evidence.MaxStatementSize, true},
		{16, evidence.MaxStatementSize + 1, false},
	} {
		_, err := evidence.NewVerificationBinding(make([]byte, tt.nonce), make([]byte, tt.statement))
		if (err == nil) != tt.ok || err != nil && !errors.Is(err, evidence.ErrBinding) {
			t.Errorf("nonce of %d, statement of %d bytes: %v, want accepted %v", tt.nonce, tt.statement, err, tt.ok)
		}
	}
}

// Threat row 4: no input makes the verification signer emit what a session
// binds to. A caller chooses nonce and statement freely, so what keeps the two
// apart is the label: over the very fields of a verification, the label of
// sessions gives another leaf, and no piece of a session's own encoding, handed
// in as a statement, gives the session's.
func TestThreat04VerificationNeverEmitsASessionBinding(t *testing.T) {
	s := session()
	wanted := binding(t, s).Leaf()
	fields := prefixed("join", "joiner", string(s.Exporter[:]), string(s.AttesterSPKI[:]),
		string(s.VerifierSPKI[:]), string(s.AttesterHello), string(s.VerifierHello))
	rapid.Check(t, func(t *rapid.T) {
		cut := rapid.IntRange(0, len(fields)-1).Draw(t, "cut")
		nonce := rapid.SliceOfN(rapid.Byte(), evidence.MinNonceSize, evidence.MaxNonceSize).Draw(t, "nonce")
		statement := fields[cut:]
		b, err := evidence.NewVerificationBinding(nonce, []byte(statement))
		if err != nil {
			t.Fatal(err)
		}
		confused := sha512.Sum512([]byte("asterism/attested-tls/v1" + prefixed(string(nonce), statement)))
		if b.Leaf() == wanted || b.Leaf() == leafOf(confused[:]) {
			t.Fatal("a verification answer stands for a session")
		}
	})
}
