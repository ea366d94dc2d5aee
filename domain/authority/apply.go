package authority

import (
	"fmt"
	"time"

	"github.com/asterism-k8s/asterism/domain/join"
	"github.com/asterism-k8s/asterism/domain/policy"
)

// MaxSkew is how far in the future a directive may have been issued.
const MaxSkew = 5 * time.Minute

// Apply returns the Authority after one more directive, an encoded
// SignedDirective. It must be the next of the chain, of this cluster, and signed
// by those who may say it. It asks nothing of the clock, so that history can be
// read at any time: a statement must have held when its directive was issued.
//
// The error is a *DirectiveError, and the Authority is as it was.
func (a *Authority) Apply(encoded []byte) (*Authority, error) {
	s, err := read(encoded)
	if err != nil {
		return nil, err
	}
	return a.apply(s)
}

func (a *Authority) apply(s *submission) (*Authority, error) {
	if err := a.position(s); err != nil {
		return nil, err
	}
	next := *a
	next.head, next.issued = s.head(), s.directive.Issued
	if err := next.follow(a.statement, s); err != nil {
		return nil, err
	}
	return &next, nil
}

// Accept is Apply for a directive that is new at that time: it must not be
// issued more than MaxSkew in the future, and neither it nor the statement behind
// it may have expired. The error is a *DirectiveError, and the Authority is as it
// was.
func (a *Authority) Accept(encoded []byte, now time.Time) (*Authority, error) {
	s, err := read(encoded)
	if err != nil {
		return nil, err
	}
	next, err := a.apply(s)
	if err != nil {
		return nil, err
	}
	if err := next.statement.timely(s, now); err != nil {
		return nil, err
	}
	return next, nil
}

// timely holds a directive that may be followed against the clock.
func (o *opened) timely(s *submission, now time.Time) error {
	d := s.directive
	switch {
	case d.Issued.After(now.Add(MaxSkew)):
		return refuse(d.Serial, NotYetValid, "issued at %s, and it is %s", stamp(d.Issued), stamp(now))
	case d.Kind == Approve && now.After(d.Expires):
		return refuse(d.Serial, Expired, "the approval expired at %s, and it is %s", stamp(d.Expires), stamp(now))
	case d.Kind != Statement && o.signer(s) == byOwner:
		return nil
	}
	if err := o.holds(now); err != nil {
		return refuse(d.Serial, reasonOf(err), "%w", err)
	}
	return nil
}

// submission is a directive with what it came in.
type submission struct {
	*SignedDirective
	directive *Directive
}

// read takes a submission apart. The error is a *DirectiveError.
func read(encoded []byte) (*submission, error) {
	signed, err := DecodeSigned(encoded)
	if err != nil {
		return nil, &DirectiveError{Malformed, 0, err}
	}
	d, err := DecodeDirective(signed.Directive)
	if err != nil {
		return nil, &DirectiveError{Malformed, 0, err}
	}
	return &submission{signed, d}, nil
}

func (s *submission) head() Head { return Head{s.directive.Serial, hashOf(s.Directive)} }

// position says whether the directive is the next one of this chain.
func (a *Authority) position(s *submission) error {
	d := s.directive
	switch {
	case d.Cluster != a.cluster:
		return refuse(d.Serial, OtherCluster, "it is of cluster %v, not %v", d.Cluster, a.cluster)
	case s.head() == a.head:
		return refuse(d.Serial, Repeated, "it is the newest directive already")
	case d.Serial < a.head.Serial:
		return refuse(d.Serial, Rollback, "directive %d was seen", a.head.Serial)
	case d.Serial == a.head.Serial:
		return refuse(d.Serial, Forked, "it hashes to %v, and %v of the same serial was seen", s.head().Hash, a.head.Hash)
	case d.Serial != a.head.Serial+1:
		return refuse(d.Serial, Gap, "the newest directive that was seen is %d", a.head.Serial)
	case d.Previous != a.head.Hash:
		return refuse(d.Serial, Forked, "it follows %v, and directive %d is %v", d.Previous, a.head.Serial, a.head.Hash)
	case d.Issued.Before(a.issued):
		return refuse(d.Serial, Backdated, "issued at %s, before the directive before it, at %s", stamp(d.Issued), stamp(a.issued))
	default:
		return nil
	}
}

// follow changes the copy of an Authority as the directive says, if those who may
// say so signed it.
func (a *Authority) follow(current *opened, s *submission) error {
	if s.directive.Kind == Statement {
		return a.followStatement(current, s)
	}
	if err := current.authorise(s); err != nil {
		return err
	}
	if s.directive.Kind != AttestationPolicy && len(s.Attached) != 0 {
		return refuse(s.directive.Serial, BadDocument, "a directive of kind %s comes without a document", s.directive.Kind)
	}
	switch s.directive.Kind {
	case AttestationPolicy:
		return a.followPolicy(s)
	case JoinPolicy:
		a.joinPolicy = s.directive.JoinPolicy
	case Approve:
		return a.approve(s.directive)
	case Deny:
		a.deny(s.directive)
	case Freeze, Thaw:
		a.frozen = s.directive.Kind == Freeze
	default:
		return refuse(s.directive.Serial, Malformed, "%q is not a kind of directive", s.directive.Kind)
	}
	return nil
}

func (a *Authority) followPolicy(s *submission) error {
	d := s.directive
	if hashOf(s.Attached) != d.Policy.Hash {
		return refuse(d.Serial, BadDocument, "it names policy %v, and comes with %v", d.Policy.Hash, hashOf(s.Attached))
	}
	p, err := policy.ParseCanonical(s.Attached)
	switch {
	case err != nil:
		return refuse(d.Serial, BadDocument, "reading the policy: %w", err)
	case p.Serial() != d.Policy.Serial:
		return refuse(d.Serial, BadDocument, "it names a policy of serial %d, and comes with %d", d.Policy.Serial, p.Serial())
	case a.policy != nil && p.Serial() <= a.policy.Serial():
		return refuse(d.Serial, Rollback, "the policy's serial is %d, and %d was seen", p.Serial(), a.policy.Serial())
	case p.Serial() < a.statement.statement.MinimumPolicySerial:
		return refuse(d.Serial, Rollback, "the policy's serial is %d, and the statement accepts none below %d",
			p.Serial(), a.statement.statement.MinimumPolicySerial)
	}
	a.policy = p
	if a.unusable = a.usable(); a.unusable != nil {
		return refuse(d.Serial, BadDocument, "%w", a.unusable)
	}
	return nil
}

// usable holds the policy against the statement. The error wraps ErrNoPolicy.
func (a *Authority) usable() error {
	if a.policy == nil {
		return a.unusable
	}
	statement := a.statement.statement
	if a.policy.Serial() < statement.MinimumPolicySerial {
		return fmt.Errorf("%w: the policy's serial is %d, and statement %d accepts none below %d",
			ErrNoPolicy, a.policy.Serial(), statement.Serial, statement.MinimumPolicySerial)
	}
	looser, err := loosenings(statement, a.policy)
	if err == nil && len(looser) > 0 {
		err = fmt.Errorf("the policy would accept what statement %d does not: %s", statement.Serial, joinProblems(looser))
	}
	if err != nil {
		return fmt.Errorf("%w: %w", ErrNoPolicy, err)
	}
	return nil
}

func (a *Authority) approve(d *Directive) error {
	said := a.words.of(d.Node)
	if said.denial != nil {
		return refuse(d.Serial, Denied, "%v was denied by directive %d, for good", d.Node, said.denial.Serial)
	}
	said.approval = &join.Approval{Serial: d.Serial, Role: d.Role, Name: d.Name, Expires: d.Expires}
	if d.Chip != "" {
		if err := said.approval.Chip.UnmarshalText([]byte(d.Chip)); err != nil {
			return refuse(d.Serial, Malformed, "reading the chip: %w", err)
		}
	}
	a.words = a.words.with(said)
	return nil
}

// deny takes an approval back too. The first denial of a machine stays.
func (a *Authority) deny(d *Directive) {
	said := a.words.of(d.Node)
	if said.denial != nil {
		return
	}
	a.words = a.words.with(word{node: d.Node, denial: &join.Denial{Serial: d.Serial, Reason: d.Comment}})
}
