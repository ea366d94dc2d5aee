package device

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/google/go-tpm/tpm2"

	"github.com/asterism-k8s/asterism/ports"
)

// Kernel is the address of the kernel's resource manager, which keeps the objects
// and sessions of programs apart.
const Kernel = "/dev/tpmrm0"

// Open connects to the TPM at the address, which is one of
//
//	/dev/tpmrm0     a character device
//	unix:PATH       a software TPM behind a unix socket
//	tcp:HOST:PORT   a software TPM behind TCP
//
// Behind sockets, messages follow each other without framing, as swtpm wants it.
// The error wraps ErrAddress where the address is none of these, and
// ports.ErrUnavailable where nothing answers at it.
func Open(ctx context.Context, address string) (*Device, error) {
	c, err := connect(ctx, address)
	if err != nil {
		return nil, fmt.Errorf("opening the TPM at %q: %w", address, err)
	}
	return newDevice(c, commandLimit), nil
}

func connect(ctx context.Context, address string) (channel, error) {
	scheme, rest, found := strings.Cut(address, ":")
	switch {
	case filepath.IsAbs(address):
		return openFile(address)
	case found && rest != "" && (scheme == "unix" || scheme == "tcp"):
		return dial(ctx, scheme, rest)
	default:
		return nil, fmt.Errorf("%w: want a device such as %s, unix:PATH or tcp:HOST:PORT", ErrAddress, Kernel)
	}
}

func dial(ctx context.Context, network, address string) (channel, error) {
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, network, address)
	if err != nil {
		return nil, fmt.Errorf("%w: is the software TPM running? %w", ports.ErrUnavailable, err)
	}
	return &socket{conn}, nil
}

func openFile(path string) (channel, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("%w: is there a TPM, and is its driver loaded? %w", ports.ErrUnavailable, err)
	}
	if info.Mode()&os.ModeCharDevice == 0 {
		return nil, fmt.Errorf("%w: %s is no character device", ErrAddress, path)
	}
	return openBlocking(path)
}

// commandLimit is how long a command may take. Making an RSA key takes some TPMs
// most of a minute; everything else is over in seconds (the PC Client Platform
// TPM Profile, section 5.5.1.3, has two seconds for the slowest class).
func commandLimit(code tpm2.TPMCC) time.Duration {
	switch code {
	case tpm2.TPMCCCreatePrimary, tpm2.TPMCCCreate, tpm2.TPMCCCreateLoaded:
		return 2 * time.Minute
	default:
		return 15 * time.Second
	}
}
