package world

import (
	"errors"
	"time"

	"github.com/asterism-k8s/asterism/domain/keys"
	"github.com/asterism-k8s/asterism/domain/lifecycle"
	"github.com/asterism-k8s/asterism/domain/merkle"
	"github.com/asterism-k8s/asterism/e2e/simulation/kernel"
	"github.com/asterism-k8s/asterism/usecases/joining"
)

// errNotOpen is the answer where no recover session is accepted.
var errNotOpen = errors.New("the node accepts no recovery now")

// offerSecret is the node's end of a recover session with the master secret.
func (n *node) offerSecret(by *proprietor, master []byte, known merkle.Head) error {
	if !n.recovery || !n.unlock {
		return errNotOpen
	}
	e := lifecycle.SecretOffered{Means: lifecycle.ByMasterSecret, Signer: by.id(), Node: n.m.identity(), Newest: known}
	s := n.try(master, &e)
	return n.offer(e, func() func() {
		before, size := n.secrets, n.known
		n.secrets, n.known = s, newer(n.known, known)
		return func() { n.secrets, n.known = before, size }
	})
}

// try holds a candidate against the seal before anything else.
func (n *node) try(master []byte, e *lifecycle.SecretOffered) *secrets {
	se := n.m.disk.readSeal()
	if se == nil {
		return nil
	}
	s, cluster, err := unlockWith(master, keys.MeasurementSalt(se.Salt), n.m.disk.uuid)
	if err != nil {
		return nil
	}
	e.Fits = n.m.disk.fits(s.disk, s.seal)
	e.Derived = lifecycle.Mark{Cluster: cluster, Owner: se.Owner}
	return s
}

// offerShare is the node's end of a recover session with one share. The share of
// index i is the master secret with that index behind it: enough for this world,
// where nobody has to be kept from guessing it.
func (n *node) offerShare(index uint8, share []byte, known merkle.Head) error {
	if !n.recovery || !n.unlock {
		return errNotOpen
	}
	e := lifecycle.SecretOffered{}
	n.try(share, &e)
	return n.offer(lifecycle.ShareOffered{Index: index, Fits: e.Fits, Newest: known}, func() func() {
		before, size := n.shares, n.known
		n.shares, n.known = append(n.shares, share), newer(n.known, known)
		return func() { n.shares, n.known = before, size }
	})
}

func newer(a, b merkle.Head) merkle.Head {
	if b.Size > a.Size {
		return b
	}
	return a
}

// combineShares puts the secret together.
func (n *node) combineShares() {
	e := lifecycle.SecretOffered{Means: lifecycle.ByShares}
	if len(n.shares) > 0 {
		n.secrets = n.try(n.shares[0], &e)
	}
	n.feed(e)
}

// startStore brings up the store of a recovered node, and nothing that serves.
func (n *node) startStore(f lifecycle.StartStore) {
	n.server = newServer(n, n.m.w.clusters[n.state.Mark.Cluster])
	n.m.w.k.Go(n.m.life, func() {
		n.m.w.k.Sleep(n.m.w.k.Between(time.Second, 5*time.Second))
		n.feed(lifecycle.StoreStarted{Start: f.Start})
	})
}

// recordRecovery has the recovery committed before anything else runs. Who
// recovered the node has verified the boot in which it runs.
func (n *node) recordRecovery(f lifecycle.RecordRecovery) {
	shown, id := n.m.facts(), n.m.identity()
	recovered := &joining.Recovered{Node: id, Boot: bootOf(shown), Means: string(f.Means), Evidence: shown.evidence}
	for range 60 {
		err := n.server.recoverer.Record(n.m.w.within(time.Minute), recovered)
		switch {
		case err == nil:
			n.feed(lifecycle.RecoveryRecorded{Start: f.Start})
			return
		case errors.Is(err, joining.ErrRecovery):
			n.m.say(kernel.Bad, "cannot record its recovery: ", brief(err))
			n.feed(n.unrecorded())
			return
		}
		n.m.w.judge.failed(n.m, err)
		n.m.w.k.Sleep(5 * time.Second)
	}
	n.feed(lifecycle.Failed{What: "recording the recovery"})
}

// unrecorded is why a recovery is refused by the node's own store.
func (n *node) unrecorded() lifecycle.Event {
	if _, denied := n.server.seen.StandingOn(n.m.identity()).Denied(n.m.identity()); denied {
		return lifecycle.RevokedByOwner{}
	}
	return lifecycle.Failed{What: "recording the recovery"}
}

// wipe is the node's end of the owner's request to give the disk up.
func (n *node) wipe(by *proprietor, disk string) error {
	if !n.recovery {
		return errNotOpen
	}
	e := lifecycle.WipeRequested{Signer: by.id(), Node: n.m.identity(), Disk: disk}
	return n.offer(e, func() func() {
		n.wiping = true
		return func() { n.wiping = false }
	})
}
