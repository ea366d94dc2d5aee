package attester

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/go-tpm/tpm2"
	"github.com/google/go-tpm/tpm2/transport"

	"github.com/asterism-k8s/asterism/adapters/attestation/tpm/device"
	"github.com/asterism-k8s/asterism/adapters/attestation/tpm/profile"
)

// connection is one connection to a TPM, with the keys that live in it. One
// operation at a time uses it.
type connection struct {
	tpm transport.TPMCloser
	ek  *object // not loaded
	ak  *object // loaded
	// pcrs are the registers as they were last seen.
	pcrs profile.PCRValues
}

// openConnection makes the keys anew: a TPM that was reset keeps none.
func openConnection(ctx context.Context, address string) (*connection, error) {
	d, err := device.Open(ctx, address)
	if err != nil {
		return nil, err
	}
	c := &connection{tpm: d}
	if err := c.prepare(); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return c, nil
}

func (c *connection) prepare() error {
	if err := c.flushLeftovers(); err != nil {
		return err
	}
	ek, err := createObject(c.tpm, profile.CreateEK)
	if err != nil {
		return err
	}
	c.ek = ek
	if err := ek.unload(c.tpm); err != nil {
		return err
	}
	c.ak, err = createObject(c.tpm, profile.CreateAK)
	return err
}

// flushLeftovers makes room. What an earlier connection left behind, when its
// process died, would fill a TPM that no resource manager looks after; behind a
// resource manager a new connection sees nothing of others.
func (c *connection) flushLeftovers() error {
	for _, first := range []uint32{transientFirst, loadedSessionFirst} {
		handles, err := listHandles(c.tpm, first)
		if err != nil {
			return err
		}
		for _, handle := range handles {
			if err := flush(c.tpm, handle); err != nil {
				return err
			}
		}
	}
	return nil
}

func (c *connection) resetCount() (uint32, error) {
	clock, err := tpm2.ReadClock{}.Execute(c.tpm)
	if err != nil {
		return 0, fmt.Errorf("reading the clock: %w", err)
	}
	return clock.CurrentTime.ClockInfo.ResetCount, nil
}

// close leaves the TPM as it was found. One that is gone already has nothing
// left to flush.
func (c *connection) close() error {
	err := c.ak.unload(c.tpm)
	if errors.Is(err, device.ErrGone) {
		err = nil
	}
	return errors.Join(err, c.tpm.Close())
}

// First handles of their kinds (TPM 2.0 Library, Part 2, section 7.2).
const (
	loadedSessionFirst = 0x02000000
	transientFirst     = 0x80000000
)

// listHandles returns the handles of the kind that are in use.
func listHandles(t transport.TPM, first uint32) ([]tpm2.TPMHandle, error) {
	const atMost = 64 // more fit into no TPM
	response, err := tpm2.GetCapability{Capability: tpm2.TPMCapHandles, Property: first, PropertyCount: atMost}.Execute(t)
	if err != nil {
		return nil, fmt.Errorf("listing handles from %#x: %w", first, err)
	}
	list, err := response.CapabilityData.Data.Handles()
	if err != nil {
		return nil, fmt.Errorf("listing handles from %#x: %w", first, err)
	}
	return list.Handle, nil
}
