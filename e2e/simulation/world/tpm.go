package world

import (
	"strconv"

	"github.com/asterism-k8s/asterism/domain/authority/authoritytest"
	"github.com/asterism-k8s/asterism/domain/evidence"
	"github.com/asterism-k8s/asterism/domain/join"
	"github.com/asterism-k8s/asterism/domain/keys"
	"github.com/asterism-k8s/asterism/domain/lifecycle"
	"github.com/asterism-k8s/asterism/domain/measurement"
	"github.com/asterism-k8s/asterism/domain/policy"
)

// platform is what the machines are: a TPM vouches for them.
const platform = evidence.ProcessVTPM

// tpm is what nobody in the world can lie about: keys, counters and registers.
type tpm struct {
	identity join.Identity
	resets   uint32
	ak       []byte         // public area of this boot's attestation key
	mark     lifecycle.Mark // zero: nobody's member in this boot
	claims   *policy.Claims // of an unmarked machine in its first boot
}

// newTPM returns the TPM of the machine of that name. A foreign image is one that
// no statement lists.
func newTPM(name string, foreign bool) tpm {
	t := tpm{identity: authoritytest.Machine(name), claims: authoritytest.Claims(platform, name, 1)}
	if foreign {
		pcr4, err := measurement.NewRegister(measurement.PCR, 4)
		if err == nil {
			err = t.claims.Registers.Set(pcr4, digest("another image"))
		}
		if err != nil {
			panic(err) // the bank has a PCR 4
		}
	}
	return t
}

// reset is what a power-on does.
func (t *tpm) reset(machine string, boot int) {
	t.resets++
	t.mark = lifecycle.Mark{}
	t.ak = []byte("attestation key of " + machine + " in boot " + strconv.Itoa(boot))
}

// facts is what an attested session shows of one end, and what the other end may
// rely on whatever that end says.
type facts struct {
	machine  *Machine
	claims   *policy.Claims
	ak       []byte
	evidence []byte
	mark     lifecycle.Mark
}

// facts returns what the machine proves now.
func (m *Machine) facts() *facts {
	m.w.quotes++
	quote := []byte("evidence " + strconv.FormatUint(m.w.quotes, 10) + " by " + string(m.tpm.ak))
	claims := *m.tpm.claims
	claims.EvidenceSize = len(quote)
	counters := *claims.TPM
	counters.ResetCount = m.tpm.resets
	claims.TPM = &counters
	if m.tpm.mark != (lifecycle.Mark{}) {
		extended := measurement.DigestSHA256(keys.MarkSHA256(m.tpm.mark.Cluster, m.tpm.mark.Owner))
		pcr15, err := measurement.NewRegister(measurement.PCR, 15)
		if err == nil {
			err = claims.Registers.Set(pcr15, pcr15.PowerOn().Extend(extended))
		}
		if err != nil {
			panic(err) // the bank has a PCR 15
		}
	}
	return &facts{machine: m, claims: &claims, ak: m.tpm.ak, evidence: quote, mark: m.tpm.mark}
}

// release is which image release the machine runs.
func (*facts) release() string { return authoritytest.Release }
