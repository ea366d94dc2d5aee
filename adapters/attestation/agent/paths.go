package agent

import (
	"errors"
	"fmt"
	"path/filepath"
	"syscall"

	"github.com/asterism-k8s/asterism/domain/evidence"
)

// MaxPathLength is how long the path of a socket may be in bytes: the kernel's
// 108 (unix(7), sun_path) without the zero at the end.
const MaxPathLength = len(syscall.RawSockaddrUnix{}.Path) - 1

// ErrPath is wrapped where a path cannot be that of a socket.
var ErrPath = errors.New("not a path for a socket")

const statementsName = "statements.sock"

// SocketPath returns where the socket of a purpose stands in the server's folder.
func SocketPath(folder string, p evidence.Purpose) string {
	return filepath.Join(folder, string(p)+".sock")
}

// StatementsPath returns where the socket for public verification stands in the
// server's folder.
func StatementsPath(folder string) string { return filepath.Join(folder, statementsName) }

func checkPath(path string) error {
	if path == "" || len(path) > MaxPathLength {
		return fmt.Errorf("%w: %q has %d bytes, want 1 to %d", ErrPath, path, len(path), MaxPathLength)
	}
	return nil
}

// checkPurpose refuses what is not a purpose: sockets are named by purposes.
func checkPurpose(p evidence.Purpose) error {
	switch p {
	case evidence.Init, evidence.Join, evidence.Rejoin, evidence.Recover, evidence.Attest, evidence.Admin, evidence.Unseal:
		return nil
	default:
		return fmt.Errorf("%w: there is no purpose %q", evidence.ErrPurpose, string(p))
	}
}
