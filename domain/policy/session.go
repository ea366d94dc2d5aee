package policy

import (
	"github.com/asterism-k8s/asterism/domain/evidence"
	"github.com/asterism-k8s/asterism/domain/keys"
	"github.com/asterism-k8s/asterism/domain/measurement"
)

// Session is what a verifier knows beyond policy: what the evidence had to be
// made for, and whether its machine should bear a mark. The zero Session expects
// nothing.
type Session struct {
	reportData *evidence.ReportData
	mark       mark
	offline    bool
}

// mark is what the register of the mark should have had extended into it.
type mark struct {
	expected bool
	nobody   bool               // the IDs are zero: no machine is a member of that
	sha256   measurement.Digest // zero where the machine must be unmarked
	sha384   measurement.Digest
	owner    keys.OwnerID
}

// Expecting returns s, expecting evidence to carry the report data.
func (s Session) Expecting(d evidence.ReportData) Session {
	s.reportData = &d
	return s
}

// Unmarked returns s, expecting a machine that belongs to no cluster.
func (s Session) Unmarked() Session {
	s.mark = mark{expected: true}
	return s
}

// MarkedFor returns s, expecting a member of the cluster of that owner. Nobody is
// a member of the zero cluster, or of the zero owner's.
func (s Session) MarkedFor(cluster keys.ClusterID, owner keys.OwnerID) Session {
	s.mark = mark{
		expected: true,
		nobody:   cluster == (keys.ClusterID{}) || owner == (keys.OwnerID{}),
		owner:    owner,
		sha256:   measurement.DigestSHA256(keys.MarkSHA256(cluster, owner)),
		sha384:   measurement.DigestSHA384(keys.MarkSHA384(cluster, owner)),
	}
	return s
}

// Offline returns s for evidence that comes from a file. Nobody was challenged,
// so that the attestation key is not proven is a warning there (AK_NOT_PROVEN).
// It excludes nothing else: what s expects is expected still.
func (s Session) Offline() Session {
	s.offline = true
	return s
}

// value returns what the register holds if the mark is as expected.
func (m *mark) value(r measurement.Register) measurement.Digest {
	value := r.PowerOn()
	extended := m.sha256
	if r.Bank() == measurement.RTMR {
		extended = m.sha384
	}
	if extended.IsZero() {
		return value
	}
	return value.Extend(extended)
}
