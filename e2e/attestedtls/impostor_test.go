package attestedtls_test

import (
	"context"
	"testing"

	"github.com/asterism-k8s/asterism/adapters/attestedtls"
	"github.com/asterism-k8s/asterism/adapters/attestedtls/frame"
	"github.com/asterism-k8s/asterism/domain/evidence"
	"github.com/asterism-k8s/asterism/domain/owner"
	"github.com/asterism-k8s/asterism/domain/policy"
	"github.com/asterism-k8s/asterism/e2e/attestedtls/world"
)

// A JoinService that is not the cluster's own, in all the ways there are. None of
// them learns as much as the joiner's endorsement key.
func TestThreat26ImpostorsOfTheJoinServiceAreRefused(t *testing.T) {
	c := with(t)
	for name, tt := range map[string]struct {
		impostor func(t *testing.T, e *ends)
		want     policy.Code
	}{
		"member of a sister cluster, with its own statement": {func(_ *testing.T, e *ends) {
			e.server = c.sister.JoinService(c.sister.service)
		}, policy.CodeStatementNotTrusted},
		"member of a sister cluster, with our statement": {func(_ *testing.T, e *ends) {
			e.server = c.ours.JoinService(c.sister.service)
		}, policy.CodeMarkMismatch},
		"member of a strangers' cluster, with its own statement": {func(_ *testing.T, e *ends) {
			e.server = c.strangers.JoinService(c.strangers.service)
		}, policy.CodeStatementNotTrusted},
		"member of a strangers' cluster, with our statement": {func(_ *testing.T, e *ends) {
			e.server = c.ours.JoinService(c.strangers.service)
		}, policy.CodeMarkMismatch},
		"machine of our image that never joined": {func(t *testing.T, e *ends) {
			t.Helper()
			e.server = c.ours.JoinService(certified(t, c, "idle", current))
		}, policy.CodeMarkMismatch},
		"evidence of another machine": {func(_ *testing.T, e *ends) {
			e.server.Services[evidence.Join].Attester = &forged{Attester: c.ours.service.Attester(), attest: c.sister.service.Attester().Attest}
		}, policy.CodeMarkMismatch},
		"member whose image is not accepted any more": {func(t *testing.T, e *ends) {
			t.Helper()
			old := certified(t, c, "old", "v1.1.0")
			if err := old.Enrol(t.Context(), c.ours.cluster); err != nil {
				t.Fatal(err)
			}
			e.server = c.ours.JoinService(old)
		}, policy.CodePCRMismatch},
		"older statement than the one that is known": {func(t *testing.T, e *ends) {
			t.Helper()
			older := statement(t, c.ours, func(s *owner.Statement) { s.Serial = 9 })
			e.server.Services[evidence.Join].Statement = older
		}, policy.CodeStatementNotTrusted},
		"hello that names another cluster": {func(_ *testing.T, e *ends) {
			e.server.Services[evidence.Join].Claimed = func() frame.Claimed {
				return frame.Claimed{Mark: frame.Marked, Cluster: c.sister.Facts.Cluster, Owner: c.ours.Facts.Owner}
			}
		}, policy.CodePeerMismatch},
	} {
		t.Run(name, func(t *testing.T) {
			ends := c.ours.ends(evidence.Join)
			ends.client.Statement.Anchor = func() owner.Anchor {
				return owner.Anchor{Owner: c.ours.Facts.Owner, Cluster: c.ours.Facts.Cluster, MinSerial: 10}
			}
			tt.impostor(t, ends)
			client, server := ends.meet(t)
			wantRefused(t, &server, &client, tt.want)
		})
	}
}

// statement returns the party's statement after a change, as a service gives it.
func statement(t *testing.T, p *party, change func(*owner.Statement)) func(context.Context) ([]byte, error) {
	t.Helper()
	encoded, err := p.cluster.Statement(change)
	if err != nil {
		t.Fatal(err)
	}
	return func(context.Context) ([]byte, error) { return encoded, nil }
}

// certified returns a new machine with an AK certificate of our cluster.
func certified(t *testing.T, c *cast, name string, r world.Release) *world.Machine {
	t.Helper()
	m, err := world.NewMachine(t.Context(), name, c.maker, r, c.clock)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { shut(m) })
	if err := m.Certify(t.Context(), c.ours.cluster); err != nil {
		t.Fatal(err)
	}
	return m
}

// A server that has nothing to show: it skips its evidence, or admits the client
// before it was asked.
func TestThreat26NoEvidenceIsNoAdmission(t *testing.T) {
	c := with(t)
	for _, purpose := range purposes() {
		t.Run(string(purpose), func(t *testing.T) {
			ends := c.ours.ends(purpose)
			dialled, accepted := pair(t)
			atClient := dial(t, ends.client, dialled)
			impostor := ends.serverActor(t, accepted, newCertificate(t))
			played := impostor.play(func(_ []raw, step attestedtls.Step, honest raw) []raw {
				if step.Kind == frame.KindEvidence {
					return []raw{encode(t, &frame.Verdict{Verdict: policy.Verdict{Admitted: true, Findings: []policy.Finding{}}})}
				}
				return []raw{honest}
			})
			impostor.hangUp()
			client := outcome(t, atClient)
			told := impostor.drain()
			if told == nil {
				told = played.refusal
			}
			if client.err == nil {
				t.Fatal("the client admits a server without evidence")
			}
			wantCode(t, &client, policy.CodeSessionRefused)
			if err := delivered(&client, told); err != nil {
				t.Error(err)
			}
		})
	}
}

// Diversion to an equal machine: the one that answers runs the same image, and is
// a member, but not of this cluster, or not the node that was meant.
func TestThreat02DiversionToAnEqualNodeIsRefused(t *testing.T) {
	c := with(t)
	for name, tt := range map[string]struct {
		purpose evidence.Purpose
		server  attestedtls.ServerConfig
		want    policy.Code
	}{
		"attest, at a sister cluster's member that says our IDs": {evidence.Attest, lying(c.ours.Member(c.sister.member), c.ours), policy.CodeMarkMismatch},
		"attest, at another member of ours":                      {evidence.Attest, c.ours.Member(c.ours.service), policy.CodePeerMismatch},
		"admin, at a sister cluster's member that says our IDs":  {evidence.Admin, lying(c.ours.Member(c.sister.member), c.ours), policy.CodeMarkMismatch},
		"admin, at another member of ours":                       {evidence.Admin, c.ours.Member(c.ours.service), policy.CodePeerMismatch},
		"rejoin, at a sister cluster's JoinService":              {evidence.Rejoin, c.ours.JoinService(c.sister.service), policy.CodeMarkMismatch},
		"unseal, at a sister cluster's KMS":                      {evidence.Unseal, c.ours.KMS(c.sister.service), policy.CodeMarkMismatch},
	} {
		t.Run(name, func(t *testing.T) {
			ends := c.ours.ends(tt.purpose)
			if tt.purpose == evidence.Attest && tt.server.Keys == ends.client.Keys {
				// What is meant here is the name, not that it is the same process.
				ends.client.Keys = c.ours.tool
			}
			ends.server = tt.server
			client, server := ends.meet(t)
			wantRefused(t, &server, &client, tt.want)
		})
	}
	t.Run("attest, at a sister cluster's honest member", func(t *testing.T) { // which is the first to see it
		client, server := (&ends{client: c.ours.ends(evidence.Attest).client, server: c.sister.Member(c.sister.member)}).meet(t)
		wantRefused(t, &client, &server, policy.CodePeerMismatch)
	})
}

// lying has a server say that it is the member that is meant.
func lying(s attestedtls.ServerConfig, p *party) attestedtls.ServerConfig {
	for _, service := range s.Services {
		claimed := service.Claimed
		service.Claimed = func() frame.Claimed {
			said := claimed()
			said.NodeName = p.member.Name
			return said
		}
	}
	return s
}

// A member that says it is fresh would be handed to whoever asks for it next.
func TestThreat05MarkedMachinesDoNotJoinAgain(t *testing.T) {
	c := with(t)
	for name, tt := range map[string]struct {
		client *attestedtls.ClientConfig
		server attestedtls.ServerConfig
	}{
		"our own member joins":      {c.ours.Joiner(c.ours.member), c.ours.JoinService(c.ours.service)},
		"our own member rejoins":    {c.ours.Rejoiner(c.ours.member), c.ours.JoinService(c.ours.service)},
		"a sister's member joins":   {c.ours.Joiner(c.sister.member), c.ours.JoinService(c.ours.service)},
		"a member asks for its key": {c.ours.Unsealer(c.ours.member), c.ours.KMS(c.ours.service)},
	} {
		t.Run(name, func(t *testing.T) {
			client, server := (&ends{client: tt.client, server: tt.server}).meet(t)
			wantRefused(t, &client, &server, policy.CodeMarkMismatch)
		})
	}
	for name, tt := range map[string]struct {
		client *attestedtls.ClientConfig
		server attestedtls.ServerConfig
	}{
		"a member is initialised": {c.ours.Init(c.ours.tool), c.ours.Fresh(c.ours.member)},
		"a member is recovered":   {c.ours.Recover(c.ours.tool, evidence.Holder), c.ours.Locked(c.ours.member)},
	} {
		t.Run(name, func(t *testing.T) {
			client, server := (&ends{client: tt.client, server: tt.server}).meet(t)
			wantRefused(t, &server, &client, policy.CodeMarkMismatch)
		})
	}
}
