package world

import (
	"errors"

	"github.com/asterism-k8s/asterism/domain/authority"
	"github.com/asterism-k8s/asterism/domain/join"
	"github.com/asterism-k8s/asterism/domain/keys"
	"github.com/asterism-k8s/asterism/domain/ledger"
	"github.com/asterism-k8s/asterism/ports"
	"github.com/asterism-k8s/asterism/usecases/governing"
	"github.com/asterism-k8s/asterism/usecases/joining"
	"github.com/asterism-k8s/asterism/usecases/sequencing"
)

// books is what the judge has seen committed to the store of one cluster.
type books struct {
	entries  [][]byte // of the ledger, in order
	types    []ledger.Type
	intents  map[join.RequestID]*ledger.IntentEntry
	released map[join.RequestID]bool
	denied   map[join.Identity]bool
	names    map[string]join.Identity // as the store has them now
	disks    map[string]join.Identity
	records  map[join.Identity]*join.Record
	receipts []*receipt
}

// receipt is what a sequencer has acknowledged.
type receipt struct {
	*sequencing.Receipt
	types []ledger.Type
}

// acknowledged remembers what somebody was told is in the ledger for good.
func (j *judge) acknowledged(c *cluster, r *sequencing.Receipt, p *sequencing.Proposal) {
	kept := &receipt{Receipt: r}
	for i := range p.Entries {
		kept.types = append(kept.types, p.Entries[i].Type)
	}
	b := j.of(c)
	b.receipts = append(b.receipts, kept)
}

func (j *judge) of(c *cluster) *books {
	b := j.books[c.mark.Cluster]
	if b == nil {
		b = &books{
			intents: map[join.RequestID]*ledger.IntentEntry{}, released: map[join.RequestID]bool{}, denied: map[join.Identity]bool{},
			names: map[string]join.Identity{}, disks: map[string]join.Identity{}, records: map[join.Identity]*join.Record{},
		}
		j.books[c.mark.Cluster] = b
	}
	return b
}

// committed looks at a transaction that was carried out.
func (j *judge) committed(c *cluster, tx *ports.Transaction) {
	j.counts.Transactions++
	b := j.of(c)
	for i := range tx.Then {
		w := &tx.Then[i]
		switch w.Key.Collection {
		case ports.LedgerBatches:
			if !w.Delete {
				j.batch(c, b, w)
			}
		case ports.Records:
			j.record(b, w)
		case ports.NodeNames:
			j.holder(b.names, w, tx)
		case ports.Disks:
			j.holder(b.disks, w, tx)
		default:
		}
	}
}

// batch reads entries off a stored batch: after a label and 16 bytes comes what
// ledger.DecodeBatch reads.
func (j *judge) batch(c *cluster, b *books, w *ports.Write) {
	const label = "asterism/stored-batch/v1\n"
	if w.Key.Name != ledger.BatchName(uint64(len(b.entries))) {
		j.broken(LedgerWhole, "a batch of ", c.name, " is at ", w.Key.Name, " and not at ", len(b.entries))
		return
	}
	if len(w.Value) < len(label)+16 {
		j.broken(LedgerWhole, "a batch of ", c.name, " is too short")
		return
	}
	entries, err := ledger.DecodeBatch(w.Value[len(label)+16:])
	if err != nil {
		j.broken(LedgerWhole, "a batch of ", c.name, " cannot be read: ", err)
		return
	}
	for _, encoded := range entries {
		b.entries = append(b.entries, encoded)
		j.entry(c, b, encoded)
	}
}

func (j *judge) entry(c *cluster, b *books, encoded []byte) {
	e, err := ledger.DecodeEntry(encoded)
	if err != nil {
		j.broken(LedgerWhole, "an entry of ", c.name, " cannot be read: ", err)
		return
	}
	b.types = append(b.types, e.Type)
	j.counts.Entries++
	switch e.Type {
	case ledger.Intent:
		j.intent(c, b, e.Intent)
	case ledger.KeyRelease:
		j.release(c, b, e.KeyRelease)
	case ledger.Outcome:
		if !b.released[e.Outcome.Request] {
			j.broken(OnlyAdmitted, "the outcome for ", j.w.nameOf(e.Outcome.Node), " comes before its keys were released")
		}
		j.barred(b, e.Outcome.Node, "an outcome")
	case ledger.Directive:
		if e.Directive.Kind == authority.Deny {
			b.denied[e.Directive.Node] = true
		}
	case ledger.Recovery:
		j.counts.Recoveries++
	default:
	}
}

func (j *judge) intent(c *cluster, b *books, e *ledger.IntentEntry) {
	b.intents[e.Request] = e
	j.barred(b, e.Node, "an intent")
	j.alone(c, b, e)
	h := c.owner.holdingOf(c.mark)
	if h == nil || h.granted[e.Node] != e.Role && !(e.Kind == join.Rejoin && h.firstID() == e.Node) {
		j.broken(OnlyAdmitted, j.w.nameOf(e.Node), " is admitted as ", string(e.Role), ", which its owner never granted")
	}
}

func (j *judge) release(_ *cluster, b *books, e *ledger.KeyReleaseEntry) {
	in := b.intents[e.Request]
	if in == nil || in.Node != e.Node {
		j.broken(OnlyAdmitted, "keys for ", j.w.nameOf(e.Node), " are released without its intent")
		return
	}
	if e.KEK && in.Role != join.ControlPlane {
		j.broken(OnlyAdmitted, "the KEK is released to the worker ", j.w.nameOf(e.Node))
	}
	for _, id := range e.Keys {
		if id.Name() != in.Disk {
			j.broken(OnlyAdmitted, "the key ", id, " is released to ", j.w.nameOf(e.Node), ", whose disk is ", in.Disk)
		}
	}
	b.released[e.Request] = true
	j.barred(b, e.Node, "a release of keys")
}

func (j *judge) barred(b *books, id join.Identity, what string) {
	if b.denied[id] {
		j.broken(NotRevoked, what, " for ", j.w.nameOf(id), " is committed after its denial")
	}
}

// alone looks for the machine that got the record's last ticket where another boot
// is admitted in its place: if it lives and everybody hears it, it would have said so.
func (j *judge) alone(c *cluster, b *books, e *ledger.IntentEntry) {
	r := b.records[e.Node]
	if r == nil || r.Held() == (join.Boot{}) || r.Held() == e.Boot || !j.w.net.good() {
		return
	}
	for _, m := range j.w.machinesOf(e.Node) {
		if m.settledIn(c.mark) && bootOf(m.facts()) == r.Held() {
			j.broken(OneLife, "another machine is admitted as ", m.name, ", which lives")
		}
	}
}

func (j *judge) record(b *books, w *ports.Write) {
	if w.Delete {
		return
	}
	r, err := join.DecodeRecord(w.Value)
	if err != nil {
		j.broken(NoSurprise, "a record cannot be read: ", err)
		return
	}
	if old := b.records[r.Identity]; old != nil && old.State == join.Revoked && r.State != join.Revoked {
		j.broken(NotRevoked, j.w.nameOf(r.Identity), " is ", string(r.State), " after it was revoked")
	}
	b.records[r.Identity] = r
	for _, other := range b.records {
		if other.Identity != r.Identity && (other.Name == r.Name || other.Disk == r.Disk) {
			j.broken(OneHolder, j.w.nameOf(r.Identity), " and ", j.w.nameOf(other.Identity), " share a name or a disk")
		}
	}
}

// holder looks at who gets a name or a disk.
func (j *judge) holder(held map[string]join.Identity, w *ports.Write, tx *ports.Transaction) {
	if w.Delete {
		delete(held, w.Key.Name)
		return
	}
	id := holderOf(tx)
	if old, taken := held[w.Key.Name]; taken && old != id {
		j.broken(OneHolder, w.Key.String(), " of ", j.w.nameOf(old), " is given to ", j.w.nameOf(id))
	}
	held[w.Key.Name] = id
}

// holderOf is whose record a transaction writes.
func holderOf(tx *ports.Transaction) join.Identity {
	for i := range tx.Then {
		if tx.Then[i].Key.Collection == ports.Records {
			id, err := join.ParseIdentity(tx.Then[i].Key.Name)
			if err == nil {
				return id
			}
		}
	}
	return join.Identity{}
}

// keyDerived looks at a key that the KMS derives.
func (j *judge) keyDerived(s *server, id keys.ID) {
	if id.Purpose() != keys.StateDisk && id.Purpose() != keys.StateDiskHeader {
		return
	}
	b := j.of(s.c)
	for request := range b.released {
		if in := b.intents[request]; in != nil && in.Disk == id.Name() {
			return
		}
	}
	j.broken(OnlyAdmitted, "the key ", id, " is derived before its release is in the ledger")
}

// minted looks at what is made for a node: certificates, tokens, files.
func (j *judge) minted(s *server, r *join.Record) {
	if b := j.of(s.c); !b.released[r.Request] {
		j.broken(OnlyAdmitted, "something is made for ", j.w.nameOf(r.Identity), " before its keys were released")
	}
}

// surprising says what no trouble of the world explains about an error.
func surprising(err error) string {
	var release *joining.ReleaseError
	var broken *sequencing.CopyError
	switch {
	case errors.Is(err, joining.ErrInconsistent), errors.Is(err, joining.ErrItem), errors.Is(err, joining.ErrApplication):
		return "a store that contradicts itself"
	case errors.Is(err, sequencing.ErrStoredLedger), errors.Is(err, sequencing.ErrProposal), errors.Is(err, ledger.ErrCheckpoint):
		return "a damaged ledger"
	case errors.Is(err, governing.ErrRolledBack), errors.Is(err, governing.ErrStored):
		return "a store that was rolled back"
	case errors.Is(err, ports.ErrStoreRequest):
		return "a request that no store takes"
	case errors.As(err, &release) && release.Reason == joining.NotAllowed:
		return "a caller that is not in the table"
	case errors.As(err, &broken) && broken.Trouble != sequencing.Incomplete:
		return "a copy of the ledger that is not the ledger's"
	default:
		return ""
	}
}
