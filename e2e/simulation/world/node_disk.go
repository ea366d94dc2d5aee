package world

import (
	"errors"

	"github.com/asterism-k8s/asterism/domain/join"
	"github.com/asterism-k8s/asterism/domain/keys"
	"github.com/asterism-k8s/asterism/domain/lifecycle"
	"github.com/asterism-k8s/asterism/e2e/simulation/kernel"
)

var (
	errNoKey    = errors.New("no key in memory")
	errIO       = errors.New("the disk does not answer")
	errWrongKey = errors.New("the key does not open the disk")
)

// format gives the disk a key that only this boot knows.
func (n *node) format() error {
	if err := n.disk(); err != nil {
		return err
	}
	n.passphrase = keys.NewSecret(n.m.w.bytes(32))
	n.m.disk.uuid, n.m.disk.copies = n.m.w.newUUID(), nil
	n.m.write([]byte(header("header", n.passphrase)), "format")
	n.feed(lifecycle.DiskFormatted{UUID: n.m.disk.uuid})
	return nil
}

// disk says whether the disk answers now.
func (n *node) disk() error {
	if n.m.w.k.Chance(n.m.w.faults.io) {
		return errIO
	}
	return nil
}

// replaceKeyslot gives the disk the key that it keeps.
func (n *node) replaceKeyslot() error {
	if n.secrets == nil {
		return errNoKey
	}
	if err := n.disk(); err != nil {
		return err
	}
	n.m.write([]byte(header("header", n.secrets.disk)), "new keyslot")
	return nil
}

// writeSeal makes the disk a member's.
func (n *node) writeSeal(s lifecycle.Seal) error {
	if n.secrets == nil {
		return errNoKey
	}
	if err := n.disk(); err != nil {
		return err
	}
	s.Threshold = n.secrets.threshold
	n.keepKEK()
	n.m.write(n.sealedArea(s), "seal")
	n.m.say(kernel.Normal, "seals its disk")
	n.feed(lifecycle.DiskSealed{})
	return nil
}

// updateSeal writes what a member knows now.
func (n *node) updateSeal(s lifecycle.Seal) error {
	if n.secrets == nil {
		return errNoKey
	}
	if err := n.disk(); err != nil {
		return err
	}
	if old := n.m.disk.readSeal(); old != nil {
		s.Threshold = old.Threshold
	}
	n.m.write(n.sealedArea(s), "seal of a member")
	return nil
}

func (n *node) sealedArea(s lifecycle.Seal) []byte {
	return sealed(&seal{
		UUID: n.m.disk.uuid, Cluster: s.Mark.Cluster, Owner: s.Mark.Owner, Role: s.Role, Salt: n.secrets.salt[:],
		Threshold: s.Threshold, Serial: s.Serial, Checkpoint: s.Checkpoint,
	}, n.secrets.disk, n.secrets.seal)
}

// keepKEK has a control-plane node's volume hold what it starts its KMS with.
func (n *node) keepKEK() {
	s := n.secrets
	if !n.isControlPlane() || s.kek.Len() == 0 {
		return
	}
	n.m.disk.volume = volume{
		kek: append([]byte{}, s.kek.Reveal()...), generation: s.kek.Generation(),
	}
}

// openDisk unlocks the volume with the key in memory.
func (n *node) openDisk() error {
	switch err := n.disk(); {
	case err != nil:
		return err
	case n.secrets == nil:
		return errNoKey
	case !n.m.disk.fits(n.secrets.disk, n.secrets.seal):
		return errWrongKey
	}
	if v := n.m.disk.volume; n.isControlPlane() && n.secrets.kek.Len() == 0 && len(v.kek) > 0 {
		kek, err := keys.NewKEK(keys.NewSecret(append([]byte{}, v.kek...)), v.generation)
		if err != nil {
			return err
		}
		n.secrets.kek = kek
	}
	n.feed(lifecycle.DiskOpened{Contains: n.m.disk.contains(n.state.Target.Cluster, n.known)})
	return nil
}

// diskKeys derives a disk's keys, as the KMS does.
func diskKeys(kek keys.KEK, uuid string) (disk, seal keys.Secret, err error) {
	diskID, err := keys.NewID(keys.StateDisk, uuid)
	if err != nil {
		return disk, seal, err
	}
	sealID, err := keys.NewID(keys.StateDiskHeader, uuid)
	if err != nil {
		return disk, seal, err
	}
	if disk, err = kek.DataKey(diskID, join.DiskKeySize); err != nil {
		return disk, seal, err
	}
	seal, err = kek.DataKey(sealID, join.SealKeySize)
	return disk, seal, err
}
