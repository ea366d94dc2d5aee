package world

import (
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/asterism-k8s/asterism/domain/evidence"
	"github.com/asterism-k8s/asterism/domain/join"
	"github.com/asterism-k8s/asterism/domain/lifecycle"
	"github.com/asterism-k8s/asterism/domain/measurement"
	"github.com/asterism-k8s/asterism/domain/policy"
	"github.com/asterism-k8s/asterism/e2e/simulation/kernel"
	"github.com/asterism-k8s/asterism/usecases/joining"
)

// ticketReply is a JoinService's answer.
type ticketReply struct {
	grant  *join.Ticket // nil: refused
	master *Machine     // who gave it
	why    lifecycle.Why
	after  time.Duration
	codes  []policy.Code // of what was found
}

// issue is the JoinService's end of a request for a ticket. What the session has
// shown of the client is true; the request is whatever the client says.
func (m *Machine) issue(client *facts, request *join.Request) *ticketReply {
	s := m.node.server
	if s == nil || !s.serving() {
		return nil
	}
	application, err := s.application(client, request)
	if err != nil {
		return &ticketReply{why: lifecycle.TryLater, after: 5 * time.Second}
	}
	m.w.judge.asked(s, client, request)
	ticket, err := s.tickets.Issue(m.w.within(ticketLimit), application)
	if err != nil {
		return s.refuse(client, request, err)
	}
	m.say(kernel.Normal, "gives ", client.machine.name, " a ticket: ", string(ticket.Name), ", ", string(ticket.Role))
	return &ticketReply{grant: ticket, master: m}
}

// application judges the client's evidence and puts everything together.
func (s *server) application(client *facts, request *join.Request) (*joining.Application, error) {
	said, _, err := s.authority.Load(s.n.m.w.within(10 * time.Second))
	if err != nil {
		return nil, err
	}
	inForce, err := said.Policy()
	if err != nil {
		return nil, err
	}
	verdict := policy.Session{}.Unmarked().Appraise(client.claims, inForce, s.n.m.now())
	return &joining.Application{
		Candidate: candidate(client, request, verdict, inForce.Serial()),
		Evidence:  client.evidence, AK: client.ak, Services: serviceSPKIs(client.ak, request),
	}, nil
}

func candidate(f *facts, r *join.Request, v policy.Verdict, serial uint64) *join.Candidate {
	identity, err := join.IdentityOf(f.claims, "")
	if err != nil {
		identity = join.Identity{}
	}
	return &join.Candidate{
		Request: r, Identity: identity, Claims: f.claims, Verdict: v, AK: measurement.Sum(measurement.SHA256, f.ak),
		Evidence: measurement.Sum(measurement.SHA256, f.evidence), Policy: serial,
	}
}

// refuse translates an error as a transport would.
func (s *server) refuse(client *facts, request *join.Request, err error) *ticketReply {
	var refusal *joining.Refusal
	var exhausted *joining.ExhaustedError
	switch {
	case errors.As(err, &refusal):
		s.n.m.w.judge.counts.Refusals++
		text := string(refusal.Decision.Outcome) + ": " + codes(refusal.Decision.Findings)
		s.n.m.say(kernel.Bad, "gives ", client.machine.name, " no ticket to ", string(request.Kind), ", ", text)
		return &ticketReply{why: whyOf(request.Kind, refusal.Decision), after: refusal.RetryAfter, codes: refusal.Decision.Codes()}
	case errors.As(err, &exhausted):
		s.n.m.say(kernel.Bad, "gives ", client.machine.name, " no ticket now: ", exhausted.What)
		return &ticketReply{why: lifecycle.TryLater, after: exhausted.RetryAfter}
	default:
		s.n.m.w.judge.failed(s.n.m, err)
		s.n.m.say(kernel.Bad, "gives ", client.machine.name, " no ticket now: ", brief(err))
		return &ticketReply{why: lifecycle.TryLater, after: 5 * time.Second}
	}
}

// whyOf says what a refusal means to the node. Another boot formats the disk of a
// first join anew, and so asks with one that nobody has held.
func whyOf(kind join.Kind, d *join.Decision) lifecycle.Why {
	switch {
	case d.Outcome == join.Awaiting:
		return lifecycle.ForConsent
	case slices.Contains(d.Codes(), policy.CodeNodeRevoked):
		return lifecycle.ByDenial
	case slices.Contains(d.Codes(), policy.CodeBootNotNew),
		kind == join.FirstJoin && slices.Contains(d.Codes(), policy.CodeDiskTaken):
		return lifecycle.ThisBoot
	default:
		return lifecycle.ByPolicy
	}
}

// codes lists findings by their codes.
func codes(findings []policy.Finding) string {
	var all []string
	for i := range findings {
		if findings[i].Severity == policy.Refuse && !slices.Contains(all, string(findings[i].Code)) {
			all = append(all, string(findings[i].Code))
		}
	}
	return strings.Join(all, ", ")
}

// brief is the beginning of an error, for the story.
func brief(err error) string {
	text := err.Error()
	if len(text) > 120 {
		text = text[:120] + "…"
	}
	return text
}

// servicesOf are the names of the services that a node has keys for.
func servicesOf(r join.Role) []string {
	if r == join.ControlPlane {
		return []string{"joinservice", "kms"}
	}
	return []string{"verification"}
}

// spki stands for a public key in DER.
func spki(ak []byte, service string) []byte { return []byte(service + " of " + string(ak)) }

func serviceKeys(m *Machine, _ *join.Request) []join.ServiceKey {
	var list []join.ServiceKey
	for _, name := range servicesOf(m.role) {
		hash := measurement.Sum(measurement.SHA256, spki(m.tpm.ak, name))
		list = append(list, join.ServiceKey{Service: name, SPKI: evidence.SPKIHash(hash.Bytes())})
	}
	return list
}

func serviceSPKIs(ak []byte, r *join.Request) []joining.PublicKey {
	var list []joining.PublicKey
	for _, key := range r.Services {
		list = append(list, joining.PublicKey{Service: key.Service, SPKI: spki(ak, key.Service)})
	}
	return list
}

// finished hears that a node is up.
func (m *Machine) finished(id join.Identity, mark lifecycle.Mark) bool {
	s := m.node.server
	if s == nil || !s.serving() || s.c.mark != mark {
		return false
	}
	return s.nodes.Finished(m.w.within(10*time.Second), id) == nil
}
