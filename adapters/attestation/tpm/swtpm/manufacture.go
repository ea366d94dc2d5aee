package swtpm

import (
	"fmt"

	"github.com/google/go-tpm/tpm2"
	"github.com/google/go-tpm/tpm2/transport"

	"github.com/asterism-k8s/asterism/adapters/attestation/tpm/profile"
)

// unwrittenSize is how large an index is that has no content yet, in bytes.
const unwrittenSize = 64

// writeSize is how many bytes are written to NV memory at once. All TPMs take
// that much (PC Client Platform TPM Profile, section 4.4, TPM_PT_NV_BUFFER_MAX).
const writeSize = 512

// Manufacture gives the TPM a certificate of its endorsement key (RSA 2048, from
// the TCG's default template) where operating systems look for it, and returns
// it in DER. It needs the platform hierarchy, which a TPM without firmware leaves
// open.
func Manufacture(t transport.TPM, ca *CA) ([]byte, error) {
	ek, err := profile.CreateEK(t)
	if err != nil {
		return nil, err
	}
	if _, err := (tpm2.FlushContext{FlushHandle: ek.Handle}).Execute(t); err != nil {
		return nil, fmt.Errorf("flushing the endorsement key: %w", err)
	}
	public, err := profile.RSAPublicKey(ek.Public)
	if err != nil {
		return nil, err
	}
	certificate, err := ca.CertifyEK(public)
	if err != nil {
		return nil, err
	}
	if err := WriteNV(t, profile.EKCertificateIndex, certificate); err != nil {
		return nil, fmt.Errorf("storing the endorsement certificate: %w", err)
	}
	return certificate, nil
}

// WriteNV defines an NV index with the attributes that the TCG wants for
// certificates (EK Credential Profile, section 2.2.1.3.1) and fills it. An index
// without content has unwrittenSize bytes, none of them written.
func WriteNV(t transport.TPM, index tpm2.TPMHandle, content []byte) error {
	size := len(content)
	if size == 0 {
		size = unwrittenSize
	}
	_, err := tpm2.NVDefineSpace{
		AuthHandle: tpm2.AuthHandle{Handle: tpm2.TPMRHPlatform, Auth: tpm2.PasswordAuth(nil)},
		PublicInfo: tpm2.New2B(tpm2.TPMSNVPublic{
			NVIndex: index,
			NameAlg: tpm2.TPMAlgSHA256,
			Attributes: tpm2.TPMANV{
				PPWrite: true, WriteDefine: true, PPRead: true, OwnerRead: true, AuthRead: true, NoDA: true, PlatformCreate: true,
			},
			DataSize: uint16(size),
		}),
	}.Execute(t)
	if err != nil {
		return fmt.Errorf("defining NV index %#x: %w", uint32(index), err)
	}
	public, err := tpm2.NVReadPublic{NVIndex: index}.Execute(t)
	if err != nil {
		return fmt.Errorf("reading the public area of NV index %#x: %w", uint32(index), err)
	}
	for offset := 0; offset < len(content); offset += writeSize {
		_, err := tpm2.NVWrite{
			AuthHandle: tpm2.AuthHandle{Handle: tpm2.TPMRHPlatform, Auth: tpm2.PasswordAuth(nil)},
			NVIndex:    tpm2.NamedHandle{Handle: index, Name: public.NVName},
			Data:       tpm2.TPM2BMaxNVBuffer{Buffer: content[offset:min(offset+writeSize, len(content))]},
			Offset:     uint16(offset),
		}.Execute(t)
		if err != nil {
			return fmt.Errorf("writing NV index %#x at byte %d: %w", uint32(index), offset, err)
		}
	}
	return nil
}
