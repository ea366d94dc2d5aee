package measurement

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// ErrRegister is wrapped by every error about the name or range of a register.
var ErrRegister = errors.New("not a register")

// The numbers of registers in each bank.
const (
	PCRCount  = 24 // TCG PC Client Platform TPM Profile, section 4.6
	RTMRCount = 4  // Intel TDX module, RTMR[0] to RTMR[3]

	registerCount = PCRCount + RTMRCount
)

// Bank is a set of registers of one algorithm.
type Bank uint8

// The banks. There is one TPM bank: SHA-256.
const (
	PCR Bank = iota + 1
	RTMR
)

// Algorithm returns the hash algorithm of the bank's registers.
func (b Bank) Algorithm() Algorithm {
	switch b {
	case PCR:
		return SHA256
	case RTMR:
		return SHA384
	default:
		return 0
	}
}

func (b Bank) prefix() string {
	if b == RTMR {
		return "rtmr"
	}
	return "pcr"
}

// Register names one register. Registers compare with ==, and order by bank,
// then index. The zero value is PCR 0.
type Register struct{ slot uint8 }

// NewRegister returns the register with the index in the bank.
func NewRegister(b Bank, index int) (Register, error) {
	switch {
	case b == PCR && index >= 0 && index < PCRCount:
		return Register{uint8(index)}, nil
	case b == RTMR && index >= 0 && index < RTMRCount:
		return Register{uint8(PCRCount + index)}, nil
	default:
		return Register{}, fmt.Errorf("%w: bank %d, index %d", ErrRegister, b, index)
	}
}

// ParseRegister reads a name such as "pcr4" or "rtmr3": lower case, no leading
// zeros.
func ParseRegister(name string) (Register, error) {
	for _, b := range []Bank{PCR, RTMR} {
		digits, found := strings.CutPrefix(name, b.prefix())
		if !found {
			continue
		}
		index, err := strconv.Atoi(digits)
		if err != nil || strconv.Itoa(index) != digits {
			break
		}
		if r, err := NewRegister(b, index); err == nil {
			return r, nil
		}
	}
	return Register{}, fmt.Errorf("%w: %q, want pcr0 to pcr%d or rtmr0 to rtmr%d", ErrRegister, name, PCRCount-1, RTMRCount-1)
}

// Bank returns the bank that the register belongs to.
func (r Register) Bank() Bank {
	if r.slot < PCRCount {
		return PCR
	}
	return RTMR
}

// Index returns the register's number within its bank.
func (r Register) Index() int {
	if r.Bank() == RTMR {
		return int(r.slot) - PCRCount
	}
	return int(r.slot)
}

// Compare returns -1, 0 or 1 as r orders before, with or after other.
func (r Register) Compare(other Register) int { return int(r.slot) - int(other.slot) }

// String returns the name for people: "PCR 4", "RTMR[3]".
func (r Register) String() string { return displayNames[r.slot] }

var displayNames = [registerCount]string{
	"PCR 0", "PCR 1", "PCR 2", "PCR 3", "PCR 4", "PCR 5", "PCR 6", "PCR 7",
	"PCR 8", "PCR 9", "PCR 10", "PCR 11", "PCR 12", "PCR 13", "PCR 14", "PCR 15",
	"PCR 16", "PCR 17", "PCR 18", "PCR 19", "PCR 20", "PCR 21", "PCR 22", "PCR 23",
	"RTMR[0]", "RTMR[1]", "RTMR[2]", "RTMR[3]",
}

// Name returns the name for documents, as ParseRegister reads it: "pcr4".
func (r Register) Name() string { return r.Bank().prefix() + strconv.Itoa(r.Index()) }

// MarshalText encodes like Name.
func (r Register) MarshalText() ([]byte, error) { return []byte(r.Name()), nil }

// UnmarshalText decodes like ParseRegister.
func (r *Register) UnmarshalText(text []byte) error {
	parsed, err := ParseRegister(string(text))
	if err != nil {
		return err
	}
	*r = parsed
	return nil
}

// PowerOn returns the value of the register before anything was extended: all
// ones in the dynamic-launch registers PCR 17 to 22, else all zeros (TCG PC
// Client Platform TPM Profile, section 4.6.2).
func (r Register) PowerOn() Digest {
	d := Digest{algorithm: r.Bank().Algorithm()}
	if r.Bank() == PCR && r.Index() >= 17 && r.Index() <= 22 {
		for i := range d.algorithm.Size() {
			d.sum[i] = 0xff
		}
	}
	return d
}
