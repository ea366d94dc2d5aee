package sequencing

import (
	"github.com/asterism-k8s/asterism/domain/ledger"
	"github.com/asterism-k8s/asterism/domain/merkle"
	"github.com/asterism-k8s/asterism/ports"
)

// Proposal is what one caller wants to happen: entries, and the writes that they
// are about, all of it or nothing. Sequencer.Append carries it out.
type Proposal struct {
	// Entries go into the ledger one after the other, at least one. The sequencer
	// fills in Version, Time and By.
	Entries []ledger.Entry
	// If and Then are as in a ports.Transaction. The ledger's own items are the
	// sequencer's to write. A condition on heads/ledger of revision zero makes
	// the proposal the ledger's first.
	If   []ports.Condition
	Then []ports.Write
}

// Receipt says where entries are.
type Receipt struct {
	First    uint64      // index of the first entry
	Head     merkle.Head // of the ledger with the whole batch in it
	Revision ports.Revision
}
