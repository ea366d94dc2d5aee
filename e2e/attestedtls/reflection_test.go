package attestedtls_test

import (
	"testing"

	"github.com/asterism-k8s/asterism/adapters/attestedtls"
	"github.com/asterism-k8s/asterism/domain/evidence"
	"github.com/asterism-k8s/asterism/domain/policy"
)

// A mirror: whatever an end sends comes back to it.
func TestThreat03EchoedFramesAreRefused(t *testing.T) {
	c := with(t)
	for _, purpose := range purposes() {
		t.Run(string(purpose)+"/client", func(t *testing.T) {
			dialled, accepted := pair(t)
			atClient := dial(t, c.ours.ends(purpose).client, dialled)
			got := echo(t, newPuppet(t, accepted, attestedtls.ServerSide, newCertificate(t)), atClient)
			wantCode(t, &got, policy.CodeSessionRefused)
		})
		t.Run(string(purpose)+"/server", func(t *testing.T) {
			// A server speaks second: the first word is the client's of another session.
			dialled, accepted := pair(t)
			hello := c.ours.record(t, purpose)["1"]
			atServer := serve(t, c.ours.ends(purpose).server, accepted)
			mirror := newPuppet(t, dialled, attestedtls.ClientSide, newCertificate(t))
			mirror.send(hello)
			got := echo(t, mirror, atServer)
			wantCode(t, &got, policy.CodeSessionRefused)
		})
	}
}

// A server's hello of another session, sent as a client's: it is refused for what
// it says, before anything is said of the server.
func TestThreat03ServersHellosAreNoClients(t *testing.T) {
	c := with(t)
	for _, purpose := range purposes() {
		t.Run(string(purpose), func(t *testing.T) {
			dialled, accepted := pair(t)
			hello := c.ours.record(t, purpose)["2"]
			atServer := serve(t, c.ours.ends(purpose).server, accepted)
			mirror := newPuppet(t, dialled, attestedtls.ClientSide, newCertificate(t))
			mirror.send(hello)
			f, err := mirror.receive()
			if err != nil || f.refusal() == nil {
				t.Errorf("the server answers with a %v, %v, want a refusal", f.kind, err)
			}
			mirror.hangUp()
			got := outcome(t, atServer)
			wantCode(t, &got, policy.CodeSessionRefused)
			if refused := got.refused(); refused == nil || refused.Findings[0].Subject != "role and purpose" {
				t.Errorf("the server has %v, want a refusal of role and purpose", got.err)
			}
		})
	}
}

// echo sends everything back until the end has had enough.
func echo(t *testing.T, mirror *puppet, other <-chan result) result {
	t.Helper()
	for {
		f, err := mirror.receive()
		if err != nil || f.refusal() != nil {
			break
		}
		mirror.send(f)
	}
	mirror.hangUp()
	got := outcome(t, other)
	if got.err == nil {
		t.Fatal("an end admits itself")
	}
	return got
}

// A member's own session, led back to itself: it holds both keys, runs the right
// image and bears the right mark.
func TestThreat03SessionsWithOneselfAreRefused(t *testing.T) {
	c := with(t)
	t.Run("the same process", func(t *testing.T) {
		client := c.ours.Visitor(c.ours.member, c.ours.member.Name)
		got, server := (&ends{client: client, server: c.ours.Member(c.ours.member)}).meet(t)
		if got.err == nil || server.err == nil {
			t.Fatalf("client: %v; server: %v", got.err, server.err)
		}
	})
	t.Run("another process on the same machine", func(t *testing.T) {
		client := c.ours.Visitor(c.ours.member, c.ours.service.Name)
		client.Keys = c.ours.tool
		got, server := (&ends{client: client, server: c.ours.Member(c.ours.member)}).meet(t)
		wantRefused(t, &server, &got, policy.CodePeerMismatch)
	})
	t.Run("its own join", func(t *testing.T) {
		client := c.ours.Joiner(c.ours.service)
		got, server := (&ends{client: client, server: c.ours.JoinService(c.ours.service)}).meet(t)
		if got.err == nil || server.err == nil {
			t.Fatalf("client: %v; server: %v", got.err, server.err)
		}
	})
}

// Two sessions of two members with each other, crossed: each is the JoinService of
// one and the member of the other, and hears what it said itself in the other role.
func TestThreat03CrossedSessionsAreRefused(t *testing.T) {
	c := with(t)
	there := c.ours.Visitor(c.ours.service, c.ours.member.Name)
	dialled, entrance := pair(t)
	exit, accepted := pair(t)
	atServer := serve(t, c.ours.Member(c.ours.service), accepted) // of the very machine that dials
	atClient := dial(t, there, dialled)
	s := &splice{t: t, purpose: evidence.Attest, ends: &ends{client: there, server: c.ours.Member(c.ours.service)}, leak: true}
	out := &spliced{
		atClient: newPuppet(t, entrance, attestedtls.ServerSide, leaked(c.ours.member.Keys)),
		atServer: newPuppet(t, exit, attestedtls.ClientSide, leaked(c.ours.member.Keys)),
	}
	s.relay(out, func(_ *material, _ attestedtls.Step, honest raw) []raw { return []raw{honest} })
	out.atClient.hangUp()
	out.atServer.hangUp()
	client, server := outcome(t, atClient), outcome(t, atServer)
	if client.err == nil || server.err == nil {
		t.Fatalf("client: %v; server: %v", client.err, server.err)
	}
	wantCode(t, &client, policy.CodePeerMismatch)
}
