package join_test

import (
	"testing"

	"github.com/asterism-k8s/asterism/domain/join"
)

func BenchmarkDecide(b *testing.B) {
	wrong := controlPlane()
	also(frozen, denied)(wrong)
	wrong.f.ByName, wrong.f.ByDisk = stranger(), stranger()
	for name, s := range map[string]*situation{"join": controlPlane(), "rejoin": rejoin(), "refused": wrong} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if d := s.decide(); d.Outcome == join.Awaiting {
					b.Fatal(d.Codes())
				}
			}
		})
	}
}

func BenchmarkReattest(b *testing.B) {
	s := member()
	b.ReportAllocs()
	for b.Loop() {
		if d := s.reattest(); d.Outcome != join.Admitted {
			b.Fatal(d.Codes())
		}
	}
}
