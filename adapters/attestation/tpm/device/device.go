package device

import (
	"fmt"
	"sync"
	"time"

	"github.com/google/go-tpm/tpm2"

	"github.com/asterism-k8s/asterism/ports"
)

// MaxMessageSize is how many bytes a command or a response may have, which is
// what TPMs and the kernel's driver take at most.
const MaxMessageSize = 4096

// Pauses between attempts at a command that the TPM put off.
const (
	firstPause = time.Millisecond
	maxPause   = 100 * time.Millisecond
)

// channel carries whole messages. A channel that failed once is not used again.
type channel interface {
	// exchange sends a command and returns the TPM's response, unchecked.
	exchange(command []byte, limit time.Duration) ([]byte, error)
	close() error
}

// Device is a connection to a TPM. It may be used concurrently. It implements
// go-tpm's transport.TPMCloser.
type Device struct {
	limit func(tpm2.TPMCC) time.Duration

	mu      sync.Mutex // one command at a time
	channel channel
	gone    error // why the channel is not used any more
}

func newDevice(c channel, limit func(tpm2.TPMCC) time.Duration) *Device {
	return &Device{channel: c, limit: limit}
}

// Send runs a command, again and again while the TPM puts it off, until the
// command's time limit is over. Others may have their turn in between.
func (d *Device) Send(command []byte) ([]byte, error) {
	code, err := checkCommand(command)
	if err != nil {
		return nil, err
	}
	limit := d.limit(code)
	start := time.Now()
	for pause := firstPause; ; pause = min(2*pause, maxPause) {
		response, rc, err := d.once(command, limit)
		if err != nil {
			return nil, err
		}
		if !putOff(rc) {
			return response, nil
		}
		if time.Since(start) > limit {
			return nil, fmt.Errorf("%w: the TPM has put off command %#x for %v (%w): wait, and look for another program that keeps it busy",
				ports.ErrUnavailable, uint32(code), limit, rc)
		}
		time.Sleep(pause)
	}
}

// Close ends the connection, after the command that is running. Transient
// objects and sessions stay in a TPM that no resource manager looks after.
func (d *Device) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.gone != nil {
		return nil
	}
	d.gone = goneError(errClosed)
	if err := d.channel.close(); err != nil {
		return fmt.Errorf("closing the TPM: %w", err)
	}
	return nil
}

// once makes one attempt. A failure of the channel, or a response that is none,
// leaves the connection in a state that nobody knows, and ends it.
func (d *Device) once(command []byte, limit time.Duration) ([]byte, tpm2.TPMRC, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.gone != nil {
		return nil, 0, d.gone
	}
	response, err := d.channel.exchange(command, limit)
	if err != nil {
		return nil, 0, d.lose(err)
	}
	rc, err := checkResponse(command, response)
	if err != nil {
		return nil, 0, d.lose(err)
	}
	return response, rc, nil
}

func (d *Device) lose(cause error) error {
	d.gone = goneError(cause)
	d.channel.close() //nolint:errcheck // the cause says more than what closing a broken connection says
	return d.gone
}

// putOff says whether the TPM wants the command again, later.
func putOff(rc tpm2.TPMRC) bool {
	switch rc {
	case tpm2.TPMRCRetry, tpm2.TPMRCYielded, tpm2.TPMRCTesting:
		return true
	default:
		return false
	}
}
