package governing

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/asterism-k8s/asterism/domain/authority"
	"github.com/asterism-k8s/asterism/domain/join"
	"github.com/asterism-k8s/asterism/domain/ledger"
	"github.com/asterism-k8s/asterism/domain/measurement"
	"github.com/asterism-k8s/asterism/ports"
	"github.com/asterism-k8s/asterism/usecases/sequencing"
)

// propose makes the transaction of a directive that was accepted, and returns the
// record that it revokes, nil where there is none.
func (g *Governor) propose(ctx context.Context, encoded []byte, revision ports.Revision) (*sequencing.Proposal, *join.Record, error) {
	signed, err := authority.DecodeSigned(encoded)
	if err != nil {
		return nil, nil, err
	}
	d, err := authority.DecodeDirective(signed.Directive)
	if err != nil {
		return nil, nil, err
	}
	head := authority.Head{Serial: d.Serial, Hash: measurement.Sum(measurement.SHA256, signed.Directive)}
	value, err := head.Encode()
	if err != nil {
		return nil, nil, err
	}
	p := &sequencing.Proposal{
		Entries: []ledger.Entry{{Type: ledger.Directive, Directive: &ledger.DirectiveEntry{Serial: d.Serial, Kind: d.Kind, Hash: head.Hash, Node: d.Node}}},
		If:      []ports.Condition{{Key: HeadKey(), Revision: revision}, {Key: DirectiveKey(d.Serial)}},
		Then:    []ports.Write{{Key: HeadKey(), Value: value}, {Key: DirectiveKey(d.Serial), Value: encoded}},
	}
	switch d.Kind {
	case authority.Statement:
		p.Then = append(p.Then, ports.Write{Key: StatementKey(d.Statement.Serial), Value: signed.Attached})
	case authority.AttestationPolicy:
		p.Then = append(p.Then, ports.Write{Key: PolicyKey(d.Policy.Hash), Value: signed.Attached})
	case authority.Deny:
		revoked, err := g.revoke(ctx, p, d.Node)
		return p, revoked, err
	default:
	}
	return p, nil, nil
}

// revoke adds what a denial does to what the store holds of the machine, and
// returns the record as it is then, nil where there is none. It rests on the record
// as it was read, so that a join that is going on either is seen here, or sees the
// denial. A record that cannot be read does not keep a machine from being denied:
// nobody can go on from such a record either.
func (g *Governor) revoke(ctx context.Context, p *sequencing.Proposal, node join.Identity) (*join.Record, error) {
	p.Then = append(p.Then, ports.Write{Key: waitingKey(node), Delete: true})
	if err := g.endLease(ctx, p, node); err != nil {
		return nil, err
	}
	data, revision, err := g.read(ctx, recordKey(node))
	if err != nil {
		return nil, err
	}
	p.If = append(p.If, ports.Condition{Key: recordKey(node), Revision: revision})
	if revision == 0 {
		return nil, nil
	}
	record, err := join.DecodeRecord(data)
	if err != nil {
		return nil, nil //nolint:nilerr // see above
	}
	if record.State == join.Revoked {
		return record, nil
	}
	revoked := record.Next(join.Revoked)
	value, err := revoked.Encode()
	if err != nil {
		return nil, fmt.Errorf("revoking the record of %v: %w", node, err)
	}
	p.Then = append(p.Then, ports.Write{Key: recordKey(node), Value: value})
	return revoked, nil
}

// endLease has the next control-plane node join where the one that is denied holds
// the lease. Who takes it meanwhile is seen.
func (g *Governor) endLease(ctx context.Context, p *sequencing.Proposal, node join.Identity) error {
	data, revision, err := g.read(ctx, leaseKey())
	if err != nil {
		return err
	}
	p.If = append(p.If, ports.Condition{Key: leaseKey(), Revision: revision})
	var lease struct{ Identity join.Identity } // as joining writes it; what is no lease names nobody
	if json.Unmarshal(data, &lease) == nil && lease.Identity == node {
		p.Then = append(p.Then, ports.Write{Key: leaseKey(), Delete: true})
	}
	return nil
}
