package eventlog

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"github.com/asterism-k8s/asterism/domain/measurement"
)

// bytesPerEvent is how large events of real machines are on average, or less.
const bytesPerEvent = 192

// reader reads little-endian fields. After the first read beyond the end it
// returns zeros, and cut says so.
type reader struct {
	rest []byte
	cut  bool
}

func (r *reader) take(n uint32) []byte {
	if uint64(n) > uint64(len(r.rest)) {
		r.rest, r.cut = nil, true
		return nil
	}
	taken := r.rest[:n:n]
	r.rest = r.rest[n:]
	return taken
}

func (r *reader) uint8() uint8 {
	if b := r.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (r *reader) uint16() uint16 {
	if b := r.take(2); b != nil {
		return binary.LittleEndian.Uint16(b)
	}
	return 0
}

func (r *reader) uint32() uint32 {
	if b := r.take(4); b != nil {
		return binary.LittleEndian.Uint32(b)
	}
	return 0
}

// record is a TCG_PCR_EVENT2, with the digest of the SHA-256 bank alone. Its byte
// strings alias the log.
type record struct {
	register uint32
	kind     eventType
	digest   []byte
	data     []byte
}

func (p *parser) readFirmware(log []byte, quoted *measurement.Registers) error {
	r := &reader{rest: log}
	banks, err := readHeader(r)
	if err != nil {
		return err
	}
	p.log.Events = make([]measurement.Event, 0, len(log)/bytesPerEvent)
	for n := 1; len(r.rest) > 0; n++ {
		if err := p.count(); err != nil {
			return err
		}
		e, err := readRecord(r, banks)
		if err != nil {
			return fmt.Errorf("event %d: %w", n, err)
		}
		if err := p.add(&e); err != nil {
			return fmt.Errorf("event %d: %w", n, err)
		}
	}
	p.log.SecureBoot = p.secureBoot.proven(p.log.Events, quoted)
	return nil
}

func readRecord(r *reader, banks []bank) (record, error) {
	e := record{register: r.uint32(), kind: eventType(r.uint32())}
	count := r.uint32()
	if r.cut || e.register >= measurement.PCRCount || count == 0 || count > uint32(len(banks)) {
		return e, fmt.Errorf("%w: register %d, %d digests of %d banks", ErrMalformed, e.register, count, len(banks))
	}
	var seen [maxBanks]bool
	for range count {
		i := find(banks, r.uint16())
		if i < 0 || seen[i] {
			return e, fmt.Errorf("%w: a digest of an unknown bank, or a second one", ErrMalformed)
		}
		seen[i] = true
		if digest := r.take(uint32(banks[i].size)); banks[i].algorithm == algorithmSHA256 {
			e.digest = digest
		}
	}
	e.data = r.take(r.uint32())
	if r.cut || e.digest == nil {
		return e, fmt.Errorf("%w: it is cut off, or has no SHA-256 digest", ErrMalformed)
	}
	return e, nil
}

// add puts what was extended into the log, and takes note of what was not.
func (p *parser) add(e *record) error {
	register, err := measurement.NewRegister(measurement.PCR, int(e.register))
	if err != nil {
		return fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	if e.kind == evNoAction {
		return p.note(e)
	}
	if e.kind == evEFIHCRTM && e.register == 0 && !p.measured[0] {
		p.log.Locality, p.located = hcrtmLocality, true
	}
	p.secureBoot.see(e)
	kind, description := e.describe()
	p.append(measurement.Event{
		Register: register, Digest: measurement.DigestSHA256([32]byte(e.digest)), Type: kind, Description: description,
	})
	return nil
}

// hcrtmLocality is what PCR 0 starts with after an H-CRTM (PC Client Platform
// Firmware Profile, section 10.4.5.3).
const hcrtmLocality = 4

// note takes the locality from an event that was not extended. Others of the kind
// carry references for verifiers, which are not asked for here.
func (p *parser) note(e *record) error {
	locality, found := bytes.CutPrefix(e.data, []byte("StartupLocality\x00"))
	if !found || e.register != 0 {
		return nil
	}
	if len(locality) != 1 || locality[0] != 0 && locality[0] != 3 && locality[0] != 4 {
		return fmt.Errorf("%w: startup from locality %x, want 0, 3 or 4", ErrMalformed, locality)
	}
	if p.located || p.measured[0] {
		return fmt.Errorf("%w: the startup locality comes after what it starts, or twice", ErrMalformed)
	}
	p.log.Locality, p.located = locality[0], true
	return nil
}
