package world

import (
	"crypto/sha256"
	"encoding/binary"

	"github.com/asterism-k8s/asterism/domain/measurement"
)

// Numbers of the TCG PC Client Platform Firmware Profile, sections 10.2.2 and
// 10.4.1, and of the TPM 2.0 Library, Part 2, section 6.3.
const (
	evNoAction = 0x00000003
	evIPL      = 0x0000000d
	algSHA256  = 0x000b
)

// eventLog returns the log of a firmware that measured one event into a register,
// in the crypto-agile form of the Firmware Profile, section 10.2.
func eventLog(register uint32, event measurement.Digest, data []byte) []byte {
	specification := append([]byte("Spec ID Event03\x00"), 0, 0, 0, 0, 0, 2, 0, 2) // platform class, version 2.0, errata, UINTN of 64 bits
	specification = binary.LittleEndian.AppendUint32(specification, 1)             // one bank
	specification = binary.LittleEndian.AppendUint16(specification, algSHA256)
	specification = binary.LittleEndian.AppendUint16(specification, sha256.Size)
	specification = append(specification, 0) // nothing of the vendor's

	log := binary.LittleEndian.AppendUint32(nil, 0) // the first event is in the old form
	log = binary.LittleEndian.AppendUint32(log, evNoAction)
	log = append(log, make([]byte, 20)...) // of a SHA-1 digest
	log = binary.LittleEndian.AppendUint32(log, uint32(len(specification)))
	log = append(log, specification...)

	log = binary.LittleEndian.AppendUint32(log, register)
	log = binary.LittleEndian.AppendUint32(log, evIPL)
	log = binary.LittleEndian.AppendUint32(log, 1)
	log = binary.LittleEndian.AppendUint16(log, algSHA256)
	log = append(log, event.Bytes()...)
	log = binary.LittleEndian.AppendUint32(log, uint32(len(data)))
	return append(log, data...)
}
