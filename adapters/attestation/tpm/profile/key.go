package profile

import (
	"crypto/rsa"
	"errors"
	"fmt"

	"github.com/google/go-tpm/tpm2"
	"github.com/google/go-tpm/tpm2/transport"
)

// EKCertificateIndex is the NV index of the certificate of the RSA 2048
// endorsement key (TCG EK Credential Profile, section 2.2.1.4).
const EKCertificateIndex tpm2.TPMHandle = 0x01c00002

// ErrKey is wrapped where a public area is not that of the key it should be.
var ErrKey = errors.New("not the key that the profile asks for")

// Key is a key that is loaded in a TPM.
type Key struct {
	Handle tpm2.TPMHandle
	Name   tpm2.TPM2BName
	Public []byte // TPMT_PUBLIC, as the TPM marshals it
}

// EKTemplate returns the TCG's default template L-1 for an RSA 2048 endorsement
// key (TCG EK Credential Profile, section B.3.3).
func EKTemplate() tpm2.TPMTPublic { return tpm2.RSAEKTemplate }

// AKTemplate returns the template of the attestation key: ECC P-256 that signs,
// by ECDSA with SHA-256, nothing but what the TPM itself made (restricted). Its
// unique field is empty and never changes, so that one TPM has one such key.
func AKTemplate() tpm2.TPMTPublic {
	return tpm2.TPMTPublic{
		Type:    tpm2.TPMAlgECC,
		NameAlg: tpm2.TPMAlgSHA256,
		ObjectAttributes: tpm2.TPMAObject{
			FixedTPM: true, FixedParent: true, SensitiveDataOrigin: true, UserWithAuth: true, NoDA: true, Restricted: true, SignEncrypt: true,
		},
		Parameters: tpm2.NewTPMUPublicParms(tpm2.TPMAlgECC, &tpm2.TPMSECCParms{
			CurveID: tpm2.TPMECCNistP256,
			Scheme: tpm2.TPMTECCScheme{
				Scheme:  tpm2.TPMAlgECDSA,
				Details: tpm2.NewTPMUAsymScheme(tpm2.TPMAlgECDSA, &tpm2.TPMSSigSchemeECDSA{HashAlg: tpm2.TPMAlgSHA256}),
			},
		}),
		Unique: tpm2.NewTPMUPublicID(tpm2.TPMAlgECC, &tpm2.TPMSECCPoint{}),
	}
}

// CreateEK makes the endorsement key. The caller flushes it.
func CreateEK(t transport.TPM) (*Key, error) {
	key, err := createPrimary(t, EKTemplate())
	if err != nil {
		return nil, fmt.Errorf("making the endorsement key: %w", err)
	}
	return key, nil
}

// CreateAK makes the attestation key. The caller flushes it.
func CreateAK(t transport.TPM) (*Key, error) {
	key, err := createPrimary(t, AKTemplate())
	if err != nil {
		return nil, fmt.Errorf("making the attestation key: %w", err)
	}
	return key, nil
}

// createPrimary makes a primary key of the endorsement hierarchy, whose
// authorisation is empty.
func createPrimary(t transport.TPM, template tpm2.TPMTPublic) (*Key, error) {
	response, err := tpm2.CreatePrimary{
		PrimaryHandle: tpm2.AuthHandle{Handle: tpm2.TPMRHEndorsement, Auth: tpm2.PasswordAuth(nil)},
		InPublic:      tpm2.New2B(template),
	}.Execute(t)
	if err != nil {
		return nil, err
	}
	return &Key{Handle: response.ObjectHandle, Name: response.Name, Public: response.OutPublic.Bytes()}, nil
}

// RSAPublicKey returns the key of an RSA public area (TPMT_PUBLIC). The error
// wraps ErrKey.
func RSAPublicKey(public []byte) (*rsa.PublicKey, error) {
	area, err := tpm2.Unmarshal[tpm2.TPMTPublic](public)
	if err != nil {
		return nil, fmt.Errorf("%w: reading a public area: %w", ErrKey, err)
	}
	parameters, err := area.Parameters.RSADetail()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKey, err)
	}
	modulus, err := area.Unique.RSA()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKey, err)
	}
	key, err := tpm2.RSAPub(parameters, modulus)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKey, err)
	}
	return key, nil
}
