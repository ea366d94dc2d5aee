package sequencing

import (
	"github.com/asterism-k8s/asterism/domain/ledger"
	"github.com/asterism-k8s/asterism/ports"
)

// room is what proposals that share a transaction take up of it.
type room struct {
	limit   int // of bytes, where there is more than one
	bytes   int
	entries int
	calls   int
	alone   bool
	read    map[ports.Key]ports.Revision
	written map[ports.Key]bool
}

// newRoom returns the room of a transaction with nothing in it but what the
// sequencer itself needs.
func newRoom(limit int) *room {
	head := headKey()
	return &room{
		limit:   limit,
		read:    map[ports.Key]ports.Revision{head: 0},
		written: map[ports.Key]bool{head: true},
	}
}

// admit takes the call in, or says that it has to wait for another transaction.
// The first is always taken in.
func (r *room) admit(c *call) bool {
	if r.calls > 0 && !r.fits(c) {
		return false
	}
	for _, condition := range c.proposal.If {
		r.read[condition.Key] = condition.Revision
	}
	for i := range c.proposal.Then {
		r.written[c.proposal.Then[i].Key] = true
	}
	r.calls++
	r.entries += len(c.proposal.Entries)
	r.bytes += c.bytes
	r.alone = r.alone || c.alone
	return true
}

func (r *room) fits(c *call) bool {
	return !r.alone && !c.alone && r.bytes+c.bytes <= r.limit && r.entries+len(c.proposal.Entries) <= ledger.MaxBatch && !r.clashes(c.proposal) &&
		len(r.read)+len(c.proposal.If) <= ports.MaxOperations &&
		len(r.written)+1+len(c.proposal.Then) <= ports.MaxOperations // one for the batch
}

// clashes tells whether p writes what another proposal writes or rests on, rests
// on what another writes, or on another revision of what another rests on: done
// at once they could do what they cannot do one after the other.
func (r *room) clashes(p *Proposal) bool {
	for _, c := range p.If {
		revision, known := r.read[c.Key]
		if r.written[c.Key] || known && revision != c.Revision {
			return true
		}
	}
	for i := range p.Then {
		key := p.Then[i].Key
		if _, known := r.read[key]; known || r.written[key] {
			return true
		}
	}
	return false
}
