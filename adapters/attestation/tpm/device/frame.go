package device

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/google/go-tpm/tpm2"
)

// headerSize is the length of a header in bytes: tag, size, and command or
// response code (TPM 2.0 Library, Part 3, section 4.2).
const headerSize = 10

var errFrame = errors.New("malformed message")

// checkCommand returns the code of a whole command.
func checkCommand(command []byte) (tpm2.TPMCC, error) {
	if len(command) < headerSize || len(command) > MaxMessageSize {
		return 0, fmt.Errorf("%w: a command of %d bytes, want %d to %d", errFrame, len(command), headerSize, MaxMessageSize)
	}
	if size := binary.BigEndian.Uint32(command[2:]); uint64(size) != uint64(len(command)) {
		return 0, fmt.Errorf("%w: a command of %d bytes that says it has %d", errFrame, len(command), size)
	}
	return tpm2.TPMCC(binary.BigEndian.Uint32(command[6:])), nil
}

// checkResponse returns the code of a response that is one to the command: its
// size is right, and its tag is the command's, or that of an error.
func checkResponse(command, response []byte) (tpm2.TPMRC, error) {
	if len(response) < headerSize {
		return 0, fmt.Errorf("%w: a response of %d bytes", errFrame, len(response))
	}
	if size := binary.BigEndian.Uint32(response[2:]); uint64(size) != uint64(len(response)) {
		return 0, fmt.Errorf("%w: a response of %d bytes that says it has %d", errFrame, len(response), size)
	}
	tag := tpm2.TPMST(binary.BigEndian.Uint16(response))
	rc := tpm2.TPMRC(binary.BigEndian.Uint32(response[6:]))
	if rc == tpm2.TPMRCSuccess {
		if want := tpm2.TPMST(binary.BigEndian.Uint16(command)); tag != want {
			return 0, fmt.Errorf("%w: a response with tag %#x, want %#x", errFrame, uint16(tag), uint16(want))
		}
		return rc, nil
	}
	if tag != tpm2.TPMSTNoSessions || len(response) != headerSize {
		return 0, fmt.Errorf("%w: error %#x with tag %#x in %d bytes: not a TPM 2.0?", errFrame, uint32(rc), uint16(tag), len(response))
	}
	return rc, nil
}

// responseSize returns how long the response with that header is, in bytes.
func responseSize(header []byte) (int, error) {
	size := binary.BigEndian.Uint32(header[2:])
	if size < headerSize || size > MaxMessageSize {
		return 0, fmt.Errorf("%w: a response of %d bytes, want %d to %d", errFrame, size, headerSize, MaxMessageSize)
	}
	return int(size), nil
}
