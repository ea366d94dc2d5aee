package world

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/asterism-k8s/asterism/domain/join"
	"github.com/asterism-k8s/asterism/domain/keys"
	"github.com/asterism-k8s/asterism/domain/ledger"
	"github.com/asterism-k8s/asterism/domain/lifecycle"
	"github.com/asterism-k8s/asterism/domain/merkle"
	"github.com/asterism-k8s/asterism/ports/porttest"
)

// Disk is a state disk: bytes that survive a loss of power, and that whoever owns
// the infrastructure may copy, keep and put back.
type Disk struct {
	uuid string
	area []byte // header area: nothing, "header HASH", or "sealed HASH", JSON and HMAC, each on a line
	// volume is what lies behind the key: only who opened the disk reads it.
	volume volume

	in     *Machine // that has it, or had it last
	copies map[keys.ClusterID]*porttest.MemoryTiles

	parsed   *seal // what readSeal found, in
	parsedIn []byte
}

// volume is what a control-plane node keeps on its disk.
type volume struct {
	kek        []byte
	generation keys.Generation
}

// newUUID draws a UUID of version 4 (RFC 9562, section 5.4).
func (w *World) newUUID() string {
	b := w.bytes(16)
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

func (w *World) newDisk() *Disk { return &Disk{uuid: w.newUUID()} }

// copied returns the disk as it is now.
func (d *Disk) copied() *Disk {
	c := &Disk{uuid: d.uuid, area: slices.Clone(d.area), volume: d.volume, in: d.in}
	for id, tiles := range d.copies {
		for path, content := range tiles.Files() {
			c.ledger(id).Put(path, content)
		}
	}
	return c
}

// ledger returns the copy of a cluster's ledger on the disk. Power may be lost
// after any of its files.
func (d *Disk) ledger(id keys.ClusterID) *porttest.MemoryTiles {
	if d.copies[id] == nil {
		if d.copies == nil {
			d.copies = map[keys.ClusterID]*porttest.MemoryTiles{}
		}
		d.copies[id] = &porttest.MemoryTiles{Fault: func(string) error {
			d.in.pause()
			return d.in.node.disk()
		}}
	}
	return d.copies[id]
}

// contains says whether the copy of a ledger on the disk leads to a checkpoint.
func (d *Disk) contains(id keys.ClusterID, known merkle.Head) bool {
	if known.Size == 0 {
		return true
	}
	if d.copies[id] == nil {
		return false
	}
	head, err := ledger.OpenTree(known.Size, copyOf{d.copies[id]}).Head(known.Size)
	return err == nil && head == known
}

// copyOf is a copy of a ledger as the ledger package reads it.
type copyOf struct{ tiles *porttest.MemoryTiles }

// Tile implements ledger.Tiles.
func (c copyOf) Tile(path string) ([]byte, error) {
	content, err := c.tiles.ReadTile(context.Background(), path)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ledger.ErrNoTile, err)
	}
	return content, nil
}

// seal is what a sealed disk says of itself.
type seal struct {
	UUID       string
	Cluster    keys.ClusterID
	Owner      keys.OwnerID
	Role       join.Role
	Salt       []byte
	Threshold  uint8
	Serial     uint64
	Checkpoint merkle.Head
}

func (s *seal) facts() lifecycle.Seal {
	return lifecycle.Seal{
		Mark: lifecycle.Mark{Cluster: s.Cluster, Owner: s.Owner}, Role: s.Role, Threshold: s.Threshold,
		Serial: s.Serial, Checkpoint: s.Checkpoint,
	}
}

// header is what the area holds once a key was set.
func header(word string, key keys.Secret) string {
	sum := sha256.Sum256(key.Reveal())
	return word + " " + hex.EncodeToString(sum[:])
}

// sealed returns the area of a sealed disk.
func sealed(s *seal, disk, sealKey keys.Secret) []byte {
	text, err := json.Marshal(s)
	if err != nil {
		panic(err) // it holds nothing that JSON cannot
	}
	area := append([]byte(header("sealed", disk)+"\n"), text...)
	return append(append(area, '\n'), authenticator(area, sealKey)...)
}

func authenticator(area []byte, sealKey keys.Secret) []byte {
	h := hmac.New(sha256.New, sealKey.Reveal())
	h.Write(area)
	return []byte(hex.EncodeToString(h.Sum(nil)))
}

// split returns the parts of a sealed area.
func split(area []byte) (before, text, mac []byte, ok bool) {
	lines := bytes.Split(area, []byte("\n"))
	if len(lines) != 3 || !bytes.HasPrefix(lines[0], []byte("sealed ")) {
		return nil, nil, nil, false
	}
	return area[:len(lines[0])+1+len(lines[1])], lines[1], lines[2], true
}

// readSeal returns what the area says of itself, nil where it has no seal.
func (d *Disk) readSeal() *seal {
	if len(d.area) == 0 {
		return nil
	}
	if len(d.parsedIn) != len(d.area) || &d.parsedIn[0] != &d.area[0] { // areas are replaced, not changed
		d.parsed, d.parsedIn = parseSeal(d.area), d.area
	}
	return d.parsed
}

func parseSeal(area []byte) *seal {
	_, text, _, ok := split(area)
	s := new(seal)
	if !ok || json.Unmarshal(text, s) != nil {
		return nil
	}
	return s
}

// fits says whether the keys are those of the seal and of the volume.
func (d *Disk) fits(disk, sealKey keys.Secret) bool {
	before, _, mac, ok := split(d.area)
	return ok && hmac.Equal(mac, authenticator(before, sealKey)) && bytes.HasPrefix(d.area, []byte(header("sealed", disk)+"\n"))
}

// examine says what is on the disk, as reading its header area shows it.
func (d *Disk) examine() lifecycle.DiskExamined {
	switch s := d.readSeal(); {
	case len(d.area) == 0:
		return lifecycle.DiskExamined{Content: lifecycle.Blank}
	case s != nil && s.UUID == d.uuid:
		return lifecycle.DiskExamined{Content: lifecycle.WithSeal, UUID: d.uuid, Seal: s.facts()}
	case bytes.HasPrefix(d.area, []byte("header ")):
		return lifecycle.DiskExamined{Content: lifecycle.Unsealed}
	default:
		return lifecycle.DiskExamined{Content: lifecycle.Broken, Damage: "the seal cannot be read"}
	}
}

// write changes the header area. The judge looks on.
func (m *Machine) write(area []byte, why string) {
	m.w.k.Alive()
	m.w.judge.diskWrite(m, area, why)
	m.disk.area = area
}
