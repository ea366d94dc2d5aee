package attestedtls_test

import (
	"fmt"
	"testing"

	"github.com/asterism-k8s/asterism/adapters/attestedtls"
	"github.com/asterism-k8s/asterism/domain/evidence"
)

// An end that was written from the specification, with an honest machine's
// attester, is admitted; with one frame altered, in every row, it is not. This is
// what an attacker could do who had every frame of the same machine's other
// sessions.
func TestThreat01OneAlteredFrameIsRefused(t *testing.T) {
	t.Parallel()
	for _, purpose := range purposes() {
		t.Run(string(purpose), func(t *testing.T) {
			t.Parallel()
			c := with(t)
			d := &deviation{purpose: purpose, ends: c.ours.ends(purpose), earlier: c.ours.record(t, purpose), other: c.sister.record(t, purpose)}
			for _, side := range d.sides() {
				t.Run(fmt.Sprintf("none/%v", side), func(t *testing.T) {
					if err := d.run(t, side, honestly); err != nil {
						t.Fatalf("an honest %v is refused: %v", side, err)
					}
				})
				d.eachRow(t, side)
			}
		})
	}
}

// deviation is an actor against a real end.
type deviation struct {
	purpose        evidence.Purpose
	ends           *ends
	earlier, other map[string]raw
}

// sides are those at which an actor would be believed: tools are nobody, with or
// without deviations.
func (d *deviation) sides() []attestedtls.Side {
	if d.purpose.ClientAttests() {
		return []attestedtls.Side{attestedtls.ClientSide, attestedtls.ServerSide}
	}
	return []attestedtls.Side{attestedtls.ServerSide}
}

func (d *deviation) eachRow(t *testing.T, side attestedtls.Side) {
	t.Helper()
	table := attestedtls.Table(d.purpose)
	for i, step := range table {
		if step.Sender != side {
			continue
		}
		for _, a := range attacks() {
			t.Run(fmt.Sprintf("row %s/%s/by the %v", step.Row, a.name, side), func(t *testing.T) {
				altered := false
				err := d.run(t, side, func(seen []raw, at attestedtls.Step, honest raw) []raw {
					if at.Row != step.Row {
						return []raw{honest}
					}
					frames, possible := a.frames(&material{d.earlier, d.other, seen, nextRow(table, i)}, step.Row, honest)
					if !possible {
						return []raw{honest}
					}
					altered = true
					return frames
				})
				if altered && err == nil {
					t.Error("the real end admits the actor")
				}
				if !altered && err != nil {
					t.Errorf("nothing was altered, and the real end refuses: %v", err)
				}
			})
		}
	}
}

// run has an actor on that side meet the real other end, and returns the real
// end's error.
func (d *deviation) run(t *testing.T, side attestedtls.Side, alter alteration) error {
	t.Helper()
	dialled, accepted := pair(t)
	if side == attestedtls.ClientSide {
		atServer := serve(t, d.ends.server, accepted)
		actor := d.ends.clientActor(t, dialled, newCertificate(t))
		return d.judge(t, actor, atServer, alter)
	}
	atClient := dial(t, d.ends.client, dialled)
	actor := d.ends.serverActor(t, accepted, newCertificate(t))
	return d.judge(t, actor, atClient, alter)
}

func (d *deviation) judge(t *testing.T, actor *actor, other <-chan result, alter alteration) error {
	t.Helper()
	played := actor.play(alter)
	actor.hangUp()
	got := outcome(t, other)
	told := actor.drain()
	if told == nil {
		told = played.refusal
	}
	if err := delivered(&got, told); err != nil {
		t.Error(err)
	}
	return got.err
}
