package device

import (
	"net"
	"os"
	"time"

	"github.com/google/go-tpm/tpm2"
)

// OnSocket returns a Device on a connection, with one time limit for all
// commands.
func OnSocket(conn net.Conn, limit time.Duration) *Device {
	return newDevice(&socket{conn}, func(tpm2.TPMCC) time.Duration { return limit })
}

// OnFile returns a Device on an open device file, with one time limit for all
// commands.
func OnFile(f *os.File, limit time.Duration) *Device {
	return newDevice(&file{f}, func(tpm2.TPMCC) time.Duration { return limit })
}

// CheckResponse is what stands between a TPM and its user.
func CheckResponse(command, response []byte) (tpm2.TPMRC, error) {
	return checkResponse(command, response)
}
