package world

import (
	"crypto/sha256"
	"fmt"
	"strings"
	"time"

	"github.com/asterism-k8s/asterism/domain/join"
	"github.com/asterism-k8s/asterism/domain/lifecycle"
	"github.com/asterism-k8s/asterism/domain/measurement"
	"github.com/asterism-k8s/asterism/domain/policy"
	"github.com/asterism-k8s/asterism/e2e/simulation/kernel"
)

// Machine is a computer with a TPM and a state disk. What runs on it is a node.
type Machine struct {
	w      *World
	name   string
	honest bool
	tpm    tpm
	disk   *Disk
	owner  *proprietor // for whom it was provisioned
	role   join.Role

	life     *kernel.Life // of the boot; nil where it was never on
	boots    int
	node     *node
	island   int           // machines of different islands do not hear each other
	skew     time.Duration // of its clock
	attempts uint8         // that the platform kept for the next boot
	scrapped bool          // never switched on again
	alias    string        // a name that is not its own
	told     []policy.Code // why it was refused last, as its console says
	outside  time.Time     // when it was last seen as a member, or switched on first
	repaired time.Time     // when somebody last followed a remedy
}

// newMachine makes a machine with a key of its own and a blank disk.
func (w *World) newMachine(honest bool) *Machine {
	n := len(w.machines)
	m := &Machine{w: w, name: fmt.Sprintf("m%d", n), honest: honest, disk: w.newDisk()}
	m.tpm = newTPM(m.name, false)
	w.machines = append(w.machines, m)
	return m
}

// clone makes a machine that is another one, down to its TPM's keys and the bytes
// on its disk: what an infrastructure can do whose TPMs are software.
func (w *World) clone(of *Machine) *Machine {
	m := &Machine{w: w, name: of.name + "'", honest: false, role: of.role, disk: of.disk.copied(), tpm: of.tpm, boots: of.boots, attempts: of.attempts}
	w.machines = append(w.machines, m)
	return m
}

// identity is the machine's, as whoever verifies its evidence sees it.
func (m *Machine) identity() join.Identity { return m.tpm.identity }

// on says whether the machine runs.
func (m *Machine) on() bool { return m.life != nil && !m.life.Ended() }

// now is what the machine's clock shows.
func (m *Machine) now() time.Time { return m.w.k.Now().Add(m.skew) }

// powerOn boots the machine.
func (m *Machine) powerOn() {
	if m.on() || m.scrapped {
		return
	}
	m.boots++
	if m.boots == 1 {
		m.outside = m.w.k.Now()
	}
	m.life = m.w.k.NewLife()
	m.tpm.reset(m.name, m.boots)
	m.node, m.told = newNode(m), nil
	m.say(kernel.Normal, "boots")
	m.w.k.Go(m.life, m.node.run)
}

// powerOff takes the power away. A process of the machine that does it ends there.
func (m *Machine) powerOff(tone kernel.Tone, why string) {
	if !m.on() {
		return
	}
	m.say(tone, why)
	m.life.End()
}

// say tells the story.
func (m *Machine) say(tone kernel.Tone, parts ...string) {
	m.w.k.Trace.Tell(m.w.k.Now(), tone, m.name, parts...)
}

// bytes draws random bytes.
func (w *World) bytes(n int) []byte {
	b := make([]byte, n)
	_, _ = w.random.Read(b) // it does not fail
	return b
}

// digest names bytes.
func digest(parts ...string) measurement.Digest {
	h := sha256.New()
	for _, p := range parts {
		h.Write([]byte(p))
	}
	return measurement.DigestSHA256([sha256.Size]byte(h.Sum(nil)))
}

// nodeName is the name that the machine asks for.
func (m *Machine) nodeName() join.NodeName {
	if m.alias != "" {
		return join.NodeName(m.alias)
	}
	return join.NodeName(strings.TrimRight(m.name, "'"))
}

// status is what a machine says of itself to whoever asks.
type status struct {
	phase  lifecycle.Phase
	mark   lifecycle.Mark // of its seal
	sealed bool
	disk   string
}

func (m *Machine) status() status {
	s := status{phase: m.node.state.Phase, disk: m.node.state.Disk.UUID}
	if se := m.disk.readSeal(); se != nil {
		s.sealed, s.mark = true, lifecycle.Mark{Cluster: se.Cluster, Owner: se.Owner}
	}
	return s
}
