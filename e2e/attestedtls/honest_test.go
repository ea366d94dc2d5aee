package attestedtls_test

import (
	"io"
	"testing"

	"github.com/asterism-k8s/asterism/domain/evidence"
	"github.com/asterism-k8s/asterism/domain/policy"
	"github.com/asterism-k8s/asterism/e2e/attestedtls/world"
)

// Every purpose, both ends honest, on real TPMs.
func TestHonestSessions(t *testing.T) {
	for _, purpose := range purposes() {
		t.Run(string(purpose), func(t *testing.T) {
			ends := with(t).ours.ends(purpose)
			client, server := ends.meet(t)
			if client.err != nil || server.err != nil {
				t.Fatalf("client: %v; server: %v", client.err, server.err)
			}
			atClient, atServer := client.conn.Peer(), server.conn.Peer()
			if !atClient.Attested() || atServer.Attested() != purpose.ClientAttests() {
				t.Errorf("the server is attested: %v, the client: %v", atClient.Attested(), atServer.Attested())
			}
			if !atClient.Exporter.Equal(atServer.Exporter) || atClient.ClientSPKI != atServer.ClientSPKI || atClient.ServerSPKI != atServer.ServerSPKI {
				t.Error("the ends disagree about the session")
			}
			if atClient.Purpose != purpose || atServer.Role != ends.client.Role {
				t.Errorf("the client sees %s, the server a %s", atClient.Purpose, atServer.Role)
			}
			checkProof(t, atClient.Claims, purpose == evidence.Init || purpose == evidence.Recover)
			if purpose.ClientAttests() {
				checkProof(t, atServer.Claims, purpose != evidence.Attest)
			}
			exchange(t, client.conn, server.conn)
		})
	}
}

// A machine without a log of its firmware, as most software TPMs are, proves what
// its registers hold: as a member, which bears a mark, and as a joiner.
func TestMachinesWithoutFirmwareLogAreAdmitted(t *testing.T) {
	c := with(t)
	member := withoutLog(t, c, "logless-member", func(m *world.Machine) error { return m.Enrol(t.Context(), c.ours.cluster) })
	joiner := withoutLog(t, c, "logless-joiner", func(*world.Machine) error { return nil })
	for name, e := range map[string]*ends{
		"join":    {client: c.ours.Joiner(joiner), server: c.ours.JoinService(member)},
		"rejoin":  {client: c.ours.Rejoiner(joiner), server: c.ours.JoinService(member)},
		"attest":  {client: c.ours.Visitor(c.ours.service, member.Name), server: c.ours.Member(member)},
		"visitor": {client: c.ours.Visitor(member, c.ours.member.Name), server: c.ours.Member(c.ours.member)},
		"admin":   {client: c.ours.Admin(c.ours.tool, evidence.Owner, member.Name), server: c.ours.Member(member)},
		"init":    {client: c.ours.Init(c.ours.tool), server: c.ours.Fresh(joiner)},
	} {
		t.Run(name, func(t *testing.T) {
			client, server := e.meet(t)
			if client.err != nil || server.err != nil {
				t.Fatalf("client: %v; server: %v", client.err, server.err)
			}
			if purpose := e.client.Purpose; !client.conn.Peer().Attested() || server.conn.Peer().Attested() != purpose.ClientAttests() {
				t.Errorf("not every end that has to attest for %s is attested", purpose)
			}
		})
	}
}

// withoutLog makes a machine whose attester knows no log, after the preparation.
func withoutLog(t *testing.T, c *cast, name string, prepare func(*world.Machine) error) *world.Machine {
	t.Helper()
	made, err := world.NewMachine(t.Context(), name, c.maker, current, c.clock)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { shut(made) })
	if err := prepare(made); err != nil {
		t.Fatal(err)
	}
	passport, err := made.HandOver()
	if err != nil {
		t.Fatal(err)
	}
	passport.EventLog = ""
	m, err := passport.Take(t.Context(), c.clock)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { shut(m) })
	return m
}

// checkProof looks at what makes the attestation key believed.
func checkProof(t *testing.T, c *policy.Claims, activated bool) {
	t.Helper()
	want := policy.AKCertified
	if activated {
		want = policy.AKActivated
	}
	if c.TPM == nil || c.TPM.AKProof != want || !c.TPM.EKCertified || c.TPM.EK.IsZero() {
		t.Errorf("the claims about the TPM are %+v, want a proof that is %q", c.TPM, want)
	}
}

// exchange sends a few bytes each way.
func exchange(t *testing.T, a, b io.ReadWriter) {
	t.Helper()
	for _, way := range []struct{ from, to io.ReadWriter }{{a, b}, {b, a}} {
		if _, err := way.from.Write([]byte("hello")); err != nil {
			t.Fatal(err)
		}
		got := make([]byte, 5)
		if _, err := io.ReadFull(way.to, got); err != nil || string(got) != "hello" {
			t.Fatalf("got %q, %v", got, err)
		}
	}
}
