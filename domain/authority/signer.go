package authority

import (
	"crypto/sha256"
	"errors"
	"slices"

	"github.com/asterism-k8s/asterism/domain/owner"
)

// signer is whose signatures a directive bears.
type signer uint8

const (
	byNobody signer = iota
	byOwner
	byAdministrator
)

// signer says whose signatures they are. All of them must hold, whoever's they
// are.
func (o *opened) signer(s *submission) signer {
	payload := owner.DirectivePayload(s.Directive)
	if o.document.Verify(payload, s.Signatures) == nil {
		return byOwner
	}
	if len(s.Signatures) != 1 || !o.names(s.Signatures[0].Key) {
		return byNobody
	}
	delegate := owner.Document{Threshold: 1, Keys: []owner.PublicKey{s.Signatures[0].Key}}
	if delegate.Verify(payload, s.Signatures) != nil {
		return byNobody
	}
	return byAdministrator
}

// names says whether the statement names an administrator of that key.
func (o *opened) names(key owner.PublicKey) bool {
	return slices.ContainsFunc(o.statement.Administrators, func(n owner.NamedKey) bool { return n.Key == key })
}

// authorise says whether the owner, or an administrator whom the statement names,
// signed a directive that is no statement. An administrator's word does not
// outlive the statement.
func (o *opened) authorise(s *submission) error {
	d := s.directive
	switch o.signer(s) {
	case byOwner:
		return nil
	case byAdministrator:
		if d.Issued.After(o.statement.Expires) {
			return refuse(d.Serial, Expired, "issued at %s by an administrator, and the statement that names them expired at %s",
				stamp(d.Issued), stamp(o.statement.Expires))
		}
		return nil
	default:
		return o.refuseSignatures(s)
	}
}

// refuseSignatures says what is wrong with signatures that are nobody's.
func (o *opened) refuseSignatures(s *submission) error {
	for i := range s.Signatures {
		key := s.Signatures[i].Key
		if !slices.Contains(o.document.Keys, key) && !o.names(key) {
			return refuse(s.directive.Serial, NotDelegated, "key %v is neither the owner's nor an administrator's", key)
		}
	}
	err := o.document.Verify(owner.DirectivePayload(s.Directive), s.Signatures)
	return refuse(s.directive.Serial, BadSignature, "%w", err)
}

// followStatement opens the statement that comes with the directive, as it was
// when the directive was issued.
func (a *Authority) followStatement(current *opened, s *submission) error {
	d := s.directive
	next, err := a.open(current, s)
	if err != nil {
		return err
	}
	if hashOf(next.signed.Statement) != d.Statement.Hash || next.statement.Serial != d.Statement.Serial {
		return refuse(d.Serial, BadDocument, "it names statement %d, %v, and comes with %d, %v",
			d.Statement.Serial, d.Statement.Hash, next.statement.Serial, hashOf(next.signed.Statement))
	}
	if err := next.document.Verify(owner.DirectivePayload(s.Directive), s.Signatures); err != nil {
		return refuse(d.Serial, next.notOwner(s), "%w", err)
	}
	if current != nil && !current.leadsTo(next) {
		return refuse(d.Serial, Forked, "its chain of owner documents does not go on from number %d that was seen", current.document.Number)
	}
	a.statement = next
	a.unusable = a.usable()
	return nil
}

// open reads the statement. The error is a *DirectiveError.
func (a *Authority) open(current *opened, s *submission) (*opened, error) {
	serial := s.directive.Serial
	encoded := slices.Clone(s.Attached)
	signed, err := owner.DecodeSignedStatement(encoded)
	if err != nil {
		return nil, refuse(serial, BadDocument, "reading the statement: %w", err)
	}
	anchor := owner.Anchor{Owner: a.owner, Cluster: a.cluster, MinSerial: 1}
	if current != nil {
		anchor.MinSerial, anchor.MinDocument = current.statement.Serial+1, current.document.Number
	}
	statement, document, err := signed.Open(anchor, s.directive.Issued)
	if err != nil {
		return nil, refuse(serial, reasonOf(err), "opening the statement: %w", err)
	}
	return &opened{encoded, signed, statement, document}, nil
}

// reasonOf translates what is wrong with a statement.
func reasonOf(err error) Reason {
	refused := (*owner.StatementError)(nil)
	if !errors.As(err, &refused) {
		return BadDocument
	}
	switch refused.Reason {
	case owner.NotOwner:
		return NotOwner
	case owner.BadSignature:
		return BadSignature
	case owner.OtherCluster:
		return OtherCluster
	case owner.Rollback:
		return Rollback
	case owner.NotYetValid:
		return NotYetValid
	case owner.Expired:
		return Expired
	default:
		return BadDocument
	}
}

// notOwner tells signatures of others from the owner's that do not hold.
func (o *opened) notOwner(s *submission) Reason {
	for i := range s.Signatures {
		if !slices.Contains(o.document.Keys, s.Signatures[i].Key) {
			return NotOwner
		}
	}
	return BadSignature
}

// leadsTo says whether the chain of owner documents goes on in the next one: the
// owner's keys were changed once in each place.
func (o *opened) leadsTo(next *opened) bool {
	last := len(o.signed.Chain) - 1
	return len(next.signed.Chain) > last &&
		sha256.Sum256(next.signed.Chain[last].Document) == sha256.Sum256(o.signed.Chain[last].Document)
}
