package eventlog

import (
	"bytes"
	"fmt"
	"slices"
)

const (
	maxBanks        = 8
	algorithmSHA256 = 0x000b // TPM_ALG_SHA256
)

// bank is an algorithm of which every event may have a digest, and how many bytes
// that has.
type bank struct{ algorithm, size uint16 }

func find(banks []bank, algorithm uint16) int {
	return slices.IndexFunc(banks, func(b bank) bool { return b.algorithm == algorithm })
}

// readHeader reads the first event, which says what the others look like
// (TCG_EfiSpecIdEvent, PC Client Platform Firmware Profile, section 10.4.5.1). A
// log that does not start with it has digests of SHA-1 alone.
func readHeader(r *reader) ([]bank, error) {
	register, kind := r.uint32(), eventType(r.uint32())
	r.take(20) // of a SHA-1 digest
	data := reader{rest: r.take(r.uint32())}
	signature := data.take(16)
	if r.cut || register != 0 || kind != evNoAction || !bytes.Equal(signature, []byte("Spec ID Event03\x00")) {
		return nil, fmt.Errorf("%w: it does not start with a Spec ID event; logs of SHA-1 alone are not read", ErrMalformed)
	}
	data.uint32() // platform class
	minor, major := data.uint8(), data.uint8()
	data.take(2) // errata, size of a UINTN
	if major != 2 || minor != 0 {
		return nil, fmt.Errorf("%w: version %d.%d, want 2.0", ErrMalformed, major, minor)
	}
	banks, err := readBanks(&data)
	if err != nil {
		return nil, err
	}
	data.take(uint32(data.uint8())) // what the vendor says
	if data.cut || len(data.rest) > 0 {
		return nil, fmt.Errorf("%w: the Spec ID event does not add up", ErrMalformed)
	}
	return banks, nil
}

func readBanks(data *reader) ([]bank, error) {
	count := data.uint32()
	if count > maxBanks {
		return nil, fmt.Errorf("%w: %d banks, at most %d", ErrMalformed, count, maxBanks)
	}
	banks := make([]bank, 0, maxBanks)
	for range count {
		b := bank{data.uint16(), data.uint16()}
		if find(banks, b.algorithm) >= 0 {
			return nil, fmt.Errorf("%w: bank %#04x twice", ErrMalformed, b.algorithm)
		}
		banks = append(banks, b)
	}
	if i := find(banks, algorithmSHA256); i < 0 || banks[i].size != 32 {
		return nil, fmt.Errorf("%w: it has no digests of the SHA-256 bank", ErrMalformed)
	}
	return banks, nil
}
