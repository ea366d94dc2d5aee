package governing

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"

	"github.com/asterism-k8s/asterism/domain/authority"
	"github.com/asterism-k8s/asterism/domain/join"
	"github.com/asterism-k8s/asterism/domain/measurement"
	"github.com/asterism-k8s/asterism/ports"
	"github.com/asterism-k8s/asterism/usecases/sequencing"
)

// attempts is how often Submit begins again where others were first.
const attempts = 16

// Receipt says that a directive was accepted.
type Receipt struct {
	Head authority.Head // of the directive
	// Ledger says where its entry is; nil where the directive had been accepted
	// before this call, or its transaction's answer was lost.
	Ledger *sequencing.Receipt
	// Revoked is the record of the machine that the directive denies, as it is now:
	// a machine that was a control-plane node knows the cluster's keys still. nil
	// where the directive is no denial, or there is no such record.
	Revoked *join.Record
}

// Submit makes a signed directive part of what the owner has said, on all nodes,
// for good. To submit it again changes nothing and succeeds.
//
// The error is an *authority.DirectiveError where it is refused. Where another
// directive has its serial, the newest (authority.Forked) or an older one
// (authority.Rollback), it has to be signed again, as Next returns it. Else it is one of Load's, ErrContended, or the recorder's;
// what wraps ports.ErrOutcomeUnknown may be submitted again.
func (g *Governor) Submit(ctx context.Context, signed []byte) (*Receipt, error) {
	if g.recorder == nil {
		return nil, fmt.Errorf("submitting a directive: %w: nothing records it", ports.ErrStoreRequest)
	}
	var last error
	for range attempts {
		receipt, err := g.try(ctx, signed)
		switch {
		case err == nil:
			return receipt, nil
		case errors.Is(err, ports.ErrOutcomeUnknown) && ctx.Err() == nil:
			last = err
		case errors.Is(err, ports.ErrStoreConflict):
			last = fmt.Errorf("%w: %w", ErrContended, err)
		case errors.Is(last, ports.ErrOutcomeUnknown):
			return nil, fmt.Errorf("submitting a directive: %w, and then: %w", last, err)
		default:
			return nil, fmt.Errorf("submitting a directive: %w", err)
		}
	}
	return nil, fmt.Errorf("submitting a directive: %w", last)
}

// try is one attempt of Submit. A transaction whose answer was lost is found by
// the next one; until then the head's revision keeps both from being carried out.
func (g *Governor) try(ctx context.Context, signed []byte) (*Receipt, error) {
	before, err := g.load(ctx)
	if err != nil {
		return nil, err
	}
	if head, node, found := before.accepted(signed); found {
		revoked, err := g.revoked(ctx, node)
		if err != nil {
			return nil, err
		}
		return &Receipt{Head: head, Revoked: revoked}, nil
	}
	after, err := before.authority.Accept(signed, g.now())
	if err != nil {
		return nil, err
	}
	p, revoked, err := g.propose(ctx, signed, before.revision)
	if err != nil {
		return nil, err
	}
	receipt, err := g.recorder.Append(ctx, p)
	if err != nil {
		return nil, err
	}
	next := &snapshot{after, receipt.Revision, slices.Clip(before.hashes)}
	next.hashes = append(next.hashes, [sha256.Size]byte(after.Head().Hash.Bytes()))
	if _, err := g.keep(next); err != nil {
		return nil, err
	}
	return &Receipt{Head: after.Head(), Ledger: receipt, Revoked: revoked}, nil
}

// accepted says whether the directive is one of those that were loaded, and whom
// it denies, if anybody. What is not a directive at all was not.
func (s *snapshot) accepted(signed []byte) (head authority.Head, denied join.Identity, found bool) {
	submitted, err := authority.DecodeSigned(signed)
	if err != nil {
		return authority.Head{}, join.Identity{}, false
	}
	d, err := authority.DecodeDirective(submitted.Directive)
	if err != nil || d.Serial > uint64(len(s.hashes)) {
		return authority.Head{}, join.Identity{}, false
	}
	if d.Kind == authority.Deny {
		denied = d.Node
	}
	hash := sha256.Sum256(submitted.Directive)
	return authority.Head{Serial: d.Serial, Hash: measurement.DigestSHA256(hash)}, denied, hash == s.hashes[d.Serial-1]
}

// revoked returns the record of a machine that was denied before.
func (g *Governor) revoked(ctx context.Context, node join.Identity) (*join.Record, error) {
	if node.IsZero() {
		return nil, nil
	}
	data, _, err := g.read(ctx, recordKey(node))
	if err != nil {
		return nil, err
	}
	record, err := join.DecodeRecord(data)
	if err != nil {
		return nil, nil //nolint:nilerr // the denial stands, whatever lies there
	}
	return record, nil
}
