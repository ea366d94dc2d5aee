package verifier

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"errors"
	"fmt"
	"math/big"
	"strings"

	"github.com/google/go-tpm/tpm2"
)

// maxPublicSize is how many bytes a marshalled public area may have; one of RSA
// 4096 has less than 600.
const maxPublicSize = 1 << 10

// errPublic is wrapped where bytes are not a public area.
var errPublic = errors.New("not a public area")

// Attributes of objects (TPMA_OBJECT, TPM 2.0 Library, Part 2, section 8.3).
const (
	fixedTPM            = 1 << 1
	stClear             = 1 << 2
	fixedParent         = 1 << 4
	sensitiveDataOrigin = 1 << 5
	userWithAuth        = 1 << 6
	adminWithPolicy     = 1 << 7
	noDA                = 1 << 10
	encryptedDuplicate  = 1 << 11
	restricted          = 1 << 16
	decrypt             = 1 << 17
	sign                = 1 << 18
)

// publicArea is a marshalled TPMT_PUBLIC (TPM 2.0 Library, Part 2, section
// 12.2.4) of an asymmetric key. Algorithms that are absent are TPM_ALG_NULL.
type publicArea struct {
	kind       tpm2.TPMAlgID
	nameAlg    tpm2.TPMAlgID
	attributes uint32
	authPolicy []byte

	symmetric     tpm2.TPMAlgID
	symmetricBits uint16
	symmetricMode tpm2.TPMAlgID
	scheme        tpm2.TPMAlgID
	schemeHash    tpm2.TPMAlgID

	curve tpm2.TPMECCCurve // ECC
	kdf   tpm2.TPMAlgID    // ECC
	x, y  []byte           // ECC

	bits     uint16 // RSA
	exponent uint32 // RSA; 0 is 65537
	modulus  []byte // RSA
}

// parsePublic reads a public area of an RSA or ECC key, and nothing after it.
func parsePublic(data []byte) (*publicArea, error) {
	if len(data) > maxPublicSize {
		return nil, fmt.Errorf("%w: %d bytes, at most %d", errPublic, len(data), maxPublicSize)
	}
	c := cursor{rest: data}
	p := &publicArea{
		kind: tpm2.TPMAlgID(c.uint16()), nameAlg: tpm2.TPMAlgID(c.uint16()),
		attributes: c.uint32(), authPolicy: c.sized(),
	}
	if p.kind != tpm2.TPMAlgECC && p.kind != tpm2.TPMAlgRSA {
		return nil, fmt.Errorf("%w: an object of type %#04x, want an RSA or ECC key", errPublic, uint16(p.kind))
	}
	p.readSymmetric(&c)
	p.readScheme(&c)
	if p.kind == tpm2.TPMAlgECC {
		p.readECC(&c)
	} else {
		p.readRSA(&c)
	}
	if !c.whole() {
		return nil, fmt.Errorf("%w: %d bytes that do not add up", errPublic, len(data))
	}
	return p, nil
}

func (p *publicArea) readSymmetric(c *cursor) {
	p.symmetric = tpm2.TPMAlgID(c.uint16())
	if p.symmetric != tpm2.TPMAlgNull {
		p.symmetricBits, p.symmetricMode = c.uint16(), tpm2.TPMAlgID(c.uint16())
	}
}

func (p *publicArea) readScheme(c *cursor) {
	p.scheme, p.schemeHash = tpm2.TPMAlgID(c.uint16()), tpm2.TPMAlgNull
	if p.scheme != tpm2.TPMAlgNull && p.scheme != tpm2.TPMAlgRSAES {
		p.schemeHash = tpm2.TPMAlgID(c.uint16())
	}
	if p.scheme == tpm2.TPMAlgECDAA {
		c.uint16() // its count
	}
}

func (p *publicArea) readECC(c *cursor) {
	p.curve, p.kdf = tpm2.TPMECCCurve(c.uint16()), tpm2.TPMAlgID(c.uint16())
	if p.kdf != tpm2.TPMAlgNull {
		c.uint16() // its hash
	}
	p.x, p.y = c.sized(), c.sized()
}

func (p *publicArea) readRSA(c *cursor) {
	p.bits, p.exponent, p.modulus = c.uint16(), c.uint32(), c.sized()
}

// ecdsaKey returns the point of a P-256 key, which must be on the curve.
func (p *publicArea) ecdsaKey() (*ecdsa.PublicKey, error) {
	const size = 32
	if len(p.x) > size || len(p.y) > size {
		return nil, fmt.Errorf("%w: coordinates of %d and %d bytes", errPublic, len(p.x), len(p.y))
	}
	var point [1 + 2*size]byte
	point[0] = 4 // uncompressed: SEC 1, section 2.3.3
	copy(point[1+size-len(p.x):], p.x)
	copy(point[1+2*size-len(p.y):], p.y)
	key, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), point[:])
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errPublic, err)
	}
	return key, nil
}

// rsaKey returns the RSA key. Its modulus has as many bits as the area says.
func (p *publicArea) rsaKey() (*rsa.PublicKey, error) {
	n := new(big.Int).SetBytes(p.modulus)
	if len(p.modulus) != int(p.bits)/8 || n.BitLen() != int(p.bits) || n.Bit(0) == 0 {
		return nil, fmt.Errorf("%w: %d bytes that are no modulus of %d bits", errPublic, len(p.modulus), p.bits)
	}
	return &rsa.PublicKey{N: n, E: rsaExponent}, nil
}

// objectName returns the name of the object with that public area (TPM 2.0
// Library, Part 1, section 16): its name algorithm, here SHA-256, and the hash.
func objectName(area []byte) []byte {
	sum := sha256.Sum256(area)
	return append([]byte{byte(tpm2.TPMAlgSHA256 >> 8), byte(tpm2.TPMAlgSHA256 & 0xff)}, sum[:]...)
}

// attributeNames lists the attributes, in the words of the specification.
func attributeNames(attributes uint32) string {
	names := []struct {
		bit  uint32
		name string
	}{
		{fixedTPM, "fixedTPM"},
		{stClear, "stClear"},
		{fixedParent, "fixedParent"},
		{sensitiveDataOrigin, "sensitiveDataOrigin"},
		{userWithAuth, "userWithAuth"},
		{adminWithPolicy, "adminWithPolicy"},
		{noDA, "noDA"},
		{encryptedDuplicate, "encryptedDuplication"},
		{restricted, "restricted"},
		{decrypt, "decrypt"},
		{sign, "sign"},
	}
	var set []string
	for _, n := range names {
		if attributes&n.bit != 0 {
			set = append(set, n.name)
			attributes &^= n.bit
		}
	}
	if attributes != 0 {
		set = append(set, fmt.Sprintf("reserved bits %#x", attributes))
	}
	return strings.Join(set, ", ")
}
