package attester

import (
	"encoding/asn1"
	"errors"
	"fmt"
	"log/slog"

	"github.com/google/go-tpm/tpm2"

	"github.com/asterism-k8s/asterism/adapters/attestation/tpm/profile"
)

const (
	// maxCertificate bounds the endorsement certificate in bytes: real ones have
	// less than 2,000.
	maxCertificate = 8 << 10
	// readSize is how many bytes all TPMs return at once (PC Client Platform TPM
	// Profile, section 4.4, TPM_PT_NV_BUFFER_MAX).
	readSize = 512
)

// ekCertificate returns the certificate from NV memory in DER, nothing where
// there is none. What is there but no certificate counts as none: the machine
// may still be on a list of endorsement keys.
func (c *connection) ekCertificate(log *slog.Logger) ([]byte, error) {
	content, err := c.readIndex(profile.EKCertificateIndex)
	if err != nil || content == nil {
		return nil, err
	}
	certificate, err := trimDER(content)
	if err != nil {
		log.Warn("the TPM's endorsement certificate is unreadable, going on without", slog.Any("error", err))
		return nil, nil
	}
	return certificate, nil
}

// readIndex returns the content of an NV index, nil where there is none.
func (c *connection) readIndex(index tpm2.TPMHandle) ([]byte, error) {
	response, err := tpm2.NVReadPublic{NVIndex: index}.Execute(c.tpm)
	if errors.Is(err, tpm2.TPMRCHandle) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("looking for NV index %#x: %w", uint32(index), err)
	}
	public, err := response.NVPublic.Contents()
	if err != nil {
		return nil, fmt.Errorf("reading the public area of NV index %#x: %w", uint32(index), err)
	}
	named := tpm2.NamedHandle{Handle: index, Name: response.NVName}
	var content []byte
	for left := min(public.DataSize, maxCertificate); left > 0; left = min(public.DataSize, maxCertificate) - uint16(len(content)) {
		data, err := c.readAt(named, public.Attributes, uint16(len(content)), min(left, readSize))
		if errors.Is(err, tpm2.TPMRCNVUninitialized) {
			return nil, nil
		}
		if err != nil {
			return nil, fmt.Errorf("reading NV index %#x at byte %d: %w", uint32(index), len(content), err)
		}
		content = append(content, data...)
	}
	return content, nil
}

// readAt reads with whatever needs no authorisation: that of the index itself,
// or the owner's hierarchy.
func (c *connection) readAt(index tpm2.NamedHandle, attributes tpm2.TPMANV, offset, size uint16) ([]byte, error) {
	auth := tpm2.AuthHandle{Handle: index.Handle, Name: index.Name, Auth: tpm2.PasswordAuth(nil)}
	if !attributes.AuthRead {
		auth = tpm2.AuthHandle{Handle: tpm2.TPMRHOwner, Auth: tpm2.PasswordAuth(nil)}
	}
	response, err := tpm2.NVRead{AuthHandle: auth, NVIndex: index, Size: size, Offset: offset}.Execute(c.tpm)
	if err != nil {
		return nil, err
	}
	if len(response.Data.Buffer) != int(size) {
		return nil, fmt.Errorf("%d bytes, asked for %d", len(response.Data.Buffer), size)
	}
	return response.Data.Buffer, nil
}

// trimDER returns the one DER value that content begins with: makers pad the
// index.
func trimDER(content []byte) ([]byte, error) {
	var value asn1.RawValue
	if _, err := asn1.Unmarshal(content, &value); err != nil {
		return nil, fmt.Errorf("no DER in %d bytes: %w", len(content), err)
	}
	if value.Class != asn1.ClassUniversal || value.Tag != asn1.TagSequence || !value.IsCompound {
		return nil, fmt.Errorf("DER of class %d and tag %d, want a certificate", value.Class, value.Tag)
	}
	return value.FullBytes, nil
}
