package eventlog

import (
	"errors"
	"fmt"

	"github.com/asterism-k8s/asterism/domain/measurement"
	"github.com/asterism-k8s/asterism/domain/policy"
)

// Bounds of logs.
const (
	MaxSize   = 1 << 20          // bytes of a firmware's log
	MaxCEL    = 64 << 10         // bytes of a run-time log
	MaxEvents = policy.MaxEvents // records of both together, those that were not extended too
)

// Errors of logs.
var (
	// ErrMalformed is wrapped where bytes are not a log.
	ErrMalformed = errors.New("not an event log")
	// ErrTooLarge is wrapped where a log is over its bounds.
	ErrTooLarge = errors.New("the event log is too large")
)

// Log is what was measured, as far as it can be believed before a replay.
type Log struct {
	Events   []measurement.Event // the firmware's, then those at run time
	Locality uint8               // from which the TPM was started: 0, 3 or 4
	// SecureBoot is nil where the log does not say it in a way that the quoted
	// value of PCR 7 proves.
	SecureBoot *bool
}

// Parse reads both logs, each of which may be empty. quoted are the registers that
// the machine's TPM vouches for. The error wraps ErrMalformed or ErrTooLarge.
func Parse(firmware, runtime []byte, quoted *measurement.Registers) (*Log, error) {
	if len(firmware) > MaxSize || len(runtime) > MaxCEL {
		return nil, fmt.Errorf("%w: %d and %d bytes, at most %d and %d", ErrTooLarge, len(firmware), len(runtime), MaxSize, MaxCEL)
	}
	p := &parser{}
	if len(firmware) > 0 {
		if err := p.readFirmware(firmware, quoted); err != nil {
			return nil, fmt.Errorf("reading the firmware's log: %w", err)
		}
	}
	if err := p.readCEL(runtime); err != nil {
		return nil, fmt.Errorf("reading the run-time log: %w", err)
	}
	return &p.log, nil
}

// parser is a log that is being read.
type parser struct {
	log        Log
	records    int                        // read so far, those that were not extended too
	measured   [measurement.PCRCount]bool // into which registers something was extended
	located    bool                       // the startup locality was told
	secureBoot secureBoot
}

// count counts a record, whatever it says: reading one costs time.
func (p *parser) count() error {
	if p.records == MaxEvents {
		return fmt.Errorf("%w: more than %d events", ErrTooLarge, MaxEvents)
	}
	p.records++
	return nil
}

func (p *parser) append(e measurement.Event) {
	p.log.Events = append(p.log.Events, e)
	p.measured[e.Register.Index()] = true
}
