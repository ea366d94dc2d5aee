package asterismapp

import (
	"errors"
	"io/fs"
	"net"
	"syscall"

	"github.com/asterism-k8s/asterism/adapters/attestation/tpm/device"
	"github.com/asterism-k8s/asterism/ports"
)

// unavailableError says that the TPM cannot be used, and what to do.
type unavailableError struct {
	err  error
	hint string
}

func (e *unavailableError) Error() string { return e.err.Error() }

func (e *unavailableError) Unwrap() error { return e.err }

// explain says what to do about an error of the TPM. Some errors say it
// themselves.
func (e *evidenceSource) explain(err error) error {
	if hint := e.hintOn(err); hint != "" {
		return &unavailableError{err, hint}
	}
	return err
}

func (e *evidenceSource) hintOn(err error) string {
	_, refused := errors.AsType[*net.OpError](err)
	lost := errors.Is(err, device.ErrGone)
	switch {
	case errors.Is(err, fs.ErrPermission):
		return "Run it as root, or as a member of the group that owns the TPM (tss on most systems)."
	case !isDevice(e.address) && (refused || lost):
		return "Check that the software TPM runs and listens there, and that no other program is connected: it serves one at a time."
	case errors.Is(err, fs.ErrNotExist):
		return "Enable the TPM in the machine's firmware, or name another one with --tpm; a software TPM is at unix:PATH or tcp:HOST:PORT."
	case errors.Is(err, syscall.EBUSY):
		return "Another program holds the TPM: use the kernel's resource manager, " + device.Kernel + ", which serves several."
	case errors.Is(err, device.ErrAddress):
		return "Name the TPM with --tpm."
	case lost:
		return "Check that this is a TPM 2.0, and see what the kernel says of it (dmesg)."
	case errors.Is(err, ports.ErrUnavailable):
		return "Nothing was changed in the TPM; try again when it is free."
	default:
		return ""
	}
}
