package attestedtls_test

import (
	"bytes"
	"testing"

	"github.com/asterism-k8s/asterism/adapters/attestedtls"
	"github.com/asterism-k8s/asterism/domain/evidence"
)

// material is what an attacker has at hand when a frame is to be sent.
type material struct {
	earlier map[string]raw // the frames of an earlier session of the same machines, by row
	other   map[string]raw // those of a session of other machines, in another cluster
	seen    []raw          // what the victim has sent in this session
	next    string         // the row of the sender's next frame, "" behind the last
}

// attack puts something else in place of a frame. It returns false where there is
// nothing to do to this one.
type attack struct {
	name   string
	frames func(m *material, row string, honest raw) ([]raw, bool)
}

func attacks() []attack {
	return []attack{
		{"swap", func(m *material, row string, honest raw) ([]raw, bool) { return inPlace(m.other[row], honest) }},
		{"replay", func(m *material, row string, honest raw) ([]raw, bool) { return inPlace(m.earlier[row], honest) }},
		{"reorder", func(m *material, _ string, honest raw) ([]raw, bool) {
			return []raw{m.earlier[m.next], honest}, m.next != ""
		}},
		// What follows the last frame is no frame any more.
		{"duplicate", func(m *material, _ string, honest raw) ([]raw, bool) { return []raw{honest, honest}, m.next != "" }},
		{"drop", func(*material, string, raw) ([]raw, bool) { return nil, true }},
		{"reflect", func(m *material, _ string, honest raw) ([]raw, bool) { return m.reflection(honest) }},
	}
}

// inPlace is no attack where both are the same: a machine has one identity, and
// an admission says nothing but that.
func inPlace(instead, honest raw) ([]raw, bool) {
	same := bytes.Equal(instead.message, honest.message) || instead.admits() && honest.admits()
	return []raw{instead}, !same
}

// reflection is the victim's newest frame of the same kind, or its newest one.
func (m *material) reflection(honest raw) ([]raw, bool) {
	if len(m.seen) == 0 {
		return nil, false
	}
	mirrored := m.seen[len(m.seen)-1]
	for _, f := range m.seen {
		if f.kind == honest.kind {
			mirrored = f
		}
	}
	return inPlace(mirrored, honest)
}

// nextRow returns the row of the next frame of the sender of step i.
func nextRow(table []attestedtls.Step, i int) string {
	for _, step := range table[i+1:] {
		if step.Sender == table[i].Sender {
			return step.Row
		}
	}
	return ""
}

// record returns the frames of a whole session of the party's: an actor holds it
// with the real server.
func (p *party) record(t testing.TB, purpose evidence.Purpose) map[string]raw {
	t.Helper()
	ends := p.ends(purpose)
	dialled, accepted := pair(t)
	atServer := serve(t, ends.server, accepted)
	actor := ends.clientActor(t, dialled, newCertificate(t))
	played := actor.play(honestly)
	actor.hangUp()
	server := outcome(t, atServer)
	actor.drain()
	if played.err != nil || played.refusal != nil || server.err != nil {
		t.Fatalf("an honest session for %s: %v, %+v; server: %v", purpose, played.err, played.refusal, server.err)
	}
	for _, step := range attestedtls.Table(purpose) {
		if _, found := played.frames[step.Row]; !found {
			t.Fatalf("row %s was not seen", step.Row)
		}
	}
	return played.frames
}
