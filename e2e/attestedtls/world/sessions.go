package world

import (
	"github.com/asterism-k8s/asterism/adapters/attestedtls"
	"github.com/asterism-k8s/asterism/adapters/attestedtls/frame"
	"github.com/asterism-k8s/asterism/domain/evidence"
	"github.com/asterism-k8s/asterism/ports"
)

// diskUUID is of the state disk of every locked machine.
const diskUUID = "5f0c6f1e-8d0a-4a57-9d3c-2f6f1d9b7a10"

// Sessions makes the configurations of attested sessions, as services and tools
// of a cluster will have them.
type Sessions struct {
	Facts     *Facts
	Clock     *Clock
	Verifiers ports.Verifiers
}

// JoinService is for a member that serves join and rejoin.
func (s *Sessions) JoinService(m *Machine) attestedtls.ServerConfig {
	service := &attestedtls.Service{
		Claimed:   s.member,
		Attester:  m.Attester(),
		Statement: s.Facts.statement,
		Trust:     s.Facts.ofFresh(),
	}
	locked := *service
	locked.Trust = s.Facts.ofMembers()
	return s.server(m, map[evidence.Purpose]*attestedtls.Service{evidence.Join: service, evidence.Rejoin: &locked})
}

// Member is for a member that serves attest and admin.
func (s *Sessions) Member(m *Machine) attestedtls.ServerConfig {
	claimed := s.node(m)
	return s.server(m, map[evidence.Purpose]*attestedtls.Service{
		evidence.Attest: {Claimed: claimed, Attester: m.Attester(), Trust: s.Facts.ofMembers()},
		evidence.Admin:  {Claimed: claimed, Attester: m.Attester(), Statement: s.Facts.statement},
	})
}

// KMS is for a member that serves keys to locked machines.
func (s *Sessions) KMS(m *Machine) attestedtls.ServerConfig {
	return s.server(m, map[evidence.Purpose]*attestedtls.Service{
		evidence.Unseal: {Claimed: s.member, Attester: m.Attester(), Statement: s.Facts.statement, Trust: s.Facts.ofMembers()},
	})
}

// Fresh is for a machine that waits for an owner's init.
func (s *Sessions) Fresh(m *Machine) attestedtls.ServerConfig {
	return s.server(m, map[evidence.Purpose]*attestedtls.Service{
		evidence.Init: {Claimed: fresh, Attester: m.Attester()},
	})
}

// Locked is for a machine with a state disk that waits for a recovery.
func (s *Sessions) Locked(m *Machine) attestedtls.ServerConfig {
	return s.server(m, map[evidence.Purpose]*attestedtls.Service{
		evidence.Recover: {Claimed: s.locked, Attester: m.Attester(), Statement: s.Facts.statement},
	})
}

func (s *Sessions) server(m *Machine, services map[evidence.Purpose]*attestedtls.Service) attestedtls.ServerConfig {
	return attestedtls.ServerConfig{Keys: m.Keys, Services: services, Verifiers: s.Verifiers, Now: s.Clock.Now}
}

// Joiner is for a fresh machine that joins.
func (s *Sessions) Joiner(m *Machine) *attestedtls.ClientConfig {
	c := s.client(evidence.Join, evidence.Joiner, m.Keys)
	c.Claimed, c.Attester, c.Statement = fresh, m.Attester(), s.Facts.anchored()
	return c
}

// Rejoiner is for a machine with a state disk that comes back.
func (s *Sessions) Rejoiner(m *Machine) *attestedtls.ClientConfig {
	c := s.client(evidence.Rejoin, evidence.Locked, m.Keys)
	c.Claimed, c.Attester, c.Statement = s.locked, m.Attester(), s.Facts.anchored()
	return c
}

// Unsealer is for a machine with a state disk that asks for its key.
func (s *Sessions) Unsealer(m *Machine) *attestedtls.ClientConfig {
	c := s.client(evidence.Unseal, evidence.Locked, m.Keys)
	c.Claimed, c.Attester, c.Statement = s.locked, m.Attester(), s.Facts.anchored()
	return c
}

// Visitor is for a JoinService that attests the member of that node name.
func (s *Sessions) Visitor(m *Machine, node string) *attestedtls.ClientConfig {
	c := s.client(evidence.Attest, evidence.JoinService, m.Keys)
	c.Claimed, c.Attester, c.Trust, c.NodeName = s.member, m.Attester(), s.Facts.ofMembers(), node
	return c
}

// Init is for the tool of the owner of a fresh machine.
func (s *Sessions) Init(k *attestedtls.Keys) *attestedtls.ClientConfig {
	c := s.client(evidence.Init, evidence.Owner, k)
	c.Trust = s.Facts.ofFresh()
	return c
}

// Recover is for the tool of an owner or a share's holder.
func (s *Sessions) Recover(k *attestedtls.Keys, r evidence.Role) *attestedtls.ClientConfig {
	c := s.client(evidence.Recover, r, k)
	c.Statement = s.Facts.anchored()
	return c
}

// Admin is for the tool of an owner, an administrator or a reader, who means the
// node of that name.
func (s *Sessions) Admin(k *attestedtls.Keys, r evidence.Role, node string) *attestedtls.ClientConfig {
	c := s.client(evidence.Admin, r, k)
	c.Statement, c.NodeName = s.Facts.anchored(), node
	return c
}

func (s *Sessions) client(p evidence.Purpose, r evidence.Role, k *attestedtls.Keys) *attestedtls.ClientConfig {
	return &attestedtls.ClientConfig{Purpose: p, Role: r, Keys: k, Verifiers: s.Verifiers, Now: s.Clock.Now}
}

func fresh() frame.Claimed { return frame.Claimed{Mark: frame.Unmarked} }

func (s *Sessions) locked() frame.Claimed {
	return frame.Claimed{Mark: frame.Unmarked, Cluster: s.Facts.Cluster, DiskUUID: diskUUID}
}

func (s *Sessions) member() frame.Claimed {
	return frame.Claimed{Mark: frame.Marked, Cluster: s.Facts.Cluster, Owner: s.Facts.Owner}
}

func (s *Sessions) node(m *Machine) func() frame.Claimed {
	return func() frame.Claimed {
		c := s.member()
		c.NodeName, c.RecordID = m.Name, "record-"+m.Name
		return c
	}
}
