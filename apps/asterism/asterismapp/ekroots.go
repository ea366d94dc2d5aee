package asterismapp

import (
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/asterism-k8s/asterism/domain/measurement"
	"github.com/asterism-k8s/asterism/ports"
)

// maxRootsSize is the size of the largest file of certificates in bytes.
const maxRootsSize = 4 << 20

// endorsements are the flags that say which TPMs are believed in.
type endorsements struct {
	roots []string
	ek    measurement.Digest // zero where it was not given
}

// endorsementsHelp says what the flags take.
const endorsementsHelp = "A file of --ek-roots holds certificates in PEM. Those that signed themselves are\n" +
	"roots, and vouch for the TPMs below them; the others complete chains. A TPM\n" +
	"without a certificate is not named in its evidence: give its endorsement key\n" +
	"(EK) with --ek, as 'asterism attest' printed it on the machine."

// addEndorsements gives a command the flags --ek-roots and --ek.
func addEndorsements(c *cobra.Command) *endorsements {
	e := &endorsements{}
	c.Flags().StringArrayVar(&e.roots, "ek-roots", nil, "TPM makers' certificates in PEM, a `file`; repeatable")
	c.Flags().Var((*ekFlag)(&e.ek), "ek", "the EK's `sha256`, where the evidence does not name it")
	complete(c, "ek-roots", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return []string{"pem", "crt", "cer"}, cobra.ShellCompDirectiveFilterFileExt
	})
	completeNothing(c, "ek")
	return e
}

// ekFlag is the value of --ek.
type ekFlag measurement.Digest

// String returns hexadecimal, nothing where it was not given.
func (f *ekFlag) String() string {
	if d := measurement.Digest(*f); !d.IsZero() {
		return d.String()
	}
	return ""
}

// Type names the flag's argument in help.
func (f *ekFlag) Type() string { return "sha256" }

// Set takes SHA-256 of the key's SubjectPublicKeyInfo.
func (f *ekFlag) Set(text string) error {
	d, err := measurement.ParseDigest(text)
	if err != nil || d.Algorithm() != measurement.SHA256 {
		return errors.New("want 64 lower-case hexadecimal digits, as 'asterism attest' prints them")
	}
	*f = ekFlag(d)
	return nil
}

// readTrust reads files of certificates: self-signed ones are roots, named by
// their key. The error is an *inputError.
func (s *System) readTrust(names []string) (*ports.Trust, error) {
	trust := &ports.Trust{}
	for _, name := range names {
		data, err := s.read(name, maxRootsSize)
		if err != nil {
			return nil, err
		}
		if err := addCertificates(trust, data); err != nil {
			return nil, &inputError{fmt.Errorf("%s: %w", displayName(name), err), "--ek-roots takes certificates of CAs in PEM, and nothing else."}
		}
	}
	if len(names) > 0 && len(trust.EndorsementRoots) == 0 {
		return nil, &inputError{errors.New("no file of --ek-roots holds a root, which is a certificate that signed itself"), "Add the manufacturer's root certificate."}
	}
	return trust, nil
}

// addCertificates adds those in PEM to the trust, of which there must be some.
func addCertificates(trust *ports.Trust, data []byte) error {
	if len(data) > maxRootsSize {
		return fmt.Errorf("is too large: more than %d bytes", maxRootsSize)
	}
	for n := 1; ; n++ {
		block, rest := pem.Decode(data)
		if block == nil && n == 1 {
			return errors.New("holds no certificate in PEM")
		}
		if block == nil {
			return nil
		}
		if err := addCertificate(trust, block); err != nil {
			return fmt.Errorf("block %d: %w", n, err)
		}
		data = rest
	}
}

func addCertificate(trust *ports.Trust, block *pem.Block) error {
	if block.Type != "CERTIFICATE" {
		return fmt.Errorf("is a %s, want CERTIFICATE", block.Type)
	}
	certificate, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return fmt.Errorf("is no certificate: %w", err)
	}
	if !certificate.IsCA {
		return fmt.Errorf("the certificate of %q is none of a CA", certificate.Subject)
	}
	trust.Certificates = append(trust.Certificates, certificate.Raw)
	if isSelfSigned(certificate) {
		trust.EndorsementRoots = append(trust.EndorsementRoots, sha256.Sum256(certificate.RawSubjectPublicKeyInfo))
	}
	return nil
}

func isSelfSigned(c *x509.Certificate) bool {
	return bytes.Equal(c.RawSubject, c.RawIssuer) && c.CheckSignatureFrom(c) == nil
}
