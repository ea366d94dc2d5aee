package device

import (
	"errors"
	"fmt"

	"github.com/google/go-tpm/tpm2"

	"github.com/asterism-k8s/asterism/ports"
)

// ErrGone is wrapped, beside ports.ErrUnavailable, where the connection to the
// TPM is lost. The Device will not come back: open another one.
var ErrGone = errors.New("the connection to the TPM is lost")

// ErrAddress is wrapped where an address names no TPM.
var ErrAddress = errors.New("not the address of a TPM")

var errClosed = errors.New("it was closed")

func goneError(cause error) error {
	return fmt.Errorf("%w: %w: %w", ports.ErrUnavailable, ErrGone, cause)
}

// Explain wraps ports.ErrUnavailable around errors of commands that say nothing
// about the command and that somebody can do something about, and says what.
// Other errors, nil among them, come back as they are. Codes keep the names of
// the TPM 2.0 Library, Part 2, section 6.6.
func Explain(err error) error {
	var rc tpm2.TPMRC
	if !errors.As(err, &rc) || errors.Is(err, ports.ErrUnavailable) {
		return err
	}
	if advice := remedy(rc); advice != "" {
		return fmt.Errorf("%w: %s: %w", ports.ErrUnavailable, advice, err)
	}
	return err
}

func remedy(rc tpm2.TPMRC) string {
	switch rc {
	case tpm2.TPMRCLockout:
		return "the TPM is in dictionary-attack lockout; wait for its recovery time, or clear it with the lockout authorisation (tpm2_dictionarylockout -c)"
	case tpm2.TPMRCObjectMemory, tpm2.TPMRCObjectHandles, tpm2.TPMRCMemory:
		return "the TPM has no room for another object; other programs hold them: use the kernel's resource manager, or flush them (tpm2_flushcontext -t)"
	case tpm2.TPMRCSessionMemory, tpm2.TPMRCSessionHandles, tpm2.TPMRCContextGap, tpm2.TPMRCTooManyContexts:
		return "the TPM has no room for another session; flush those that other programs left (tpm2_flushcontext -l -s)"
	case tpm2.TPMRCNVRate, tpm2.TPMRCNVUnavailable:
		return "the TPM cannot write its memory now; wait"
	case tpm2.TPMRCInitialize:
		return "firmware did not start the TPM; reboot"
	case tpm2.TPMRCFailure:
		return "the TPM is in failure mode; power the machine off and on"
	case tpm2.TPMRCReboot, tpm2.TPMRCUpgrade:
		return "the TPM's firmware was changed; reboot"
	default:
		return ""
	}
}
