package attestedtls

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
)

// ALPN is the protocol that both ends negotiate (RFC 7301).
const ALPN = "asterism/1"

// exporterLabel is for the keying material that sessions are bound to (RFC 8446,
// section 7.5).
const exporterLabel = "EXPORTER-asterism-attestation"

// config returns the one TLS configuration of both sides.
func (p *keyPair) config() *tls.Config {
	return &tls.Config{
		Certificates:     []tls.Certificate{p.certificate},
		MinVersion:       tls.VersionTLS13,
		MaxVersion:       tls.VersionTLS13,
		CurvePreferences: []tls.CurveID{tls.X25519MLKEM768, tls.X25519},
		NextProtos:       []string{ALPN},
		ClientAuth:       tls.RequireAnyClientCert,
		VerifyConnection: verifyPeer,

		InsecureSkipVerify:          true, //nolint:gosec // no CA is trusted here: evidence is bound to the peer's key
		SessionTicketsDisabled:      true,
		DynamicRecordSizingDisabled: true, // evidence is sent at once, and read at once
	}
}

// verifyPeer wants the protocol of this package, a session that resumes no other,
// and exactly one self-signed certificate with a P-256 key. It does not look at
// the certificate's dates: the binding covers its key, and clocks can be moved.
func verifyPeer(cs tls.ConnectionState) error {
	switch {
	case cs.Version != tls.VersionTLS13:
		return errors.New("the peer does not speak TLS 1.3")
	case cs.NegotiatedProtocol != ALPN:
		return fmt.Errorf("the peer speaks %.32q, want %q", cs.NegotiatedProtocol, ALPN)
	case cs.DidResume:
		return errors.New("the session resumes another")
	case len(cs.PeerCertificates) != 1:
		return fmt.Errorf("the peer has %d certificates, want 1", len(cs.PeerCertificates))
	}
	return verifyLeaf(cs.PeerCertificates[0])
}

func verifyLeaf(leaf *x509.Certificate) error {
	key, ok := leaf.PublicKey.(*ecdsa.PublicKey)
	if !ok || key.Curve != elliptic.P256() {
		return errors.New("the peer's certificate has no P-256 key")
	}
	if !bytes.Equal(leaf.RawIssuer, leaf.RawSubject) {
		return errors.New("the peer's certificate is not self-signed")
	}
	if err := leaf.CheckSignature(leaf.SignatureAlgorithm, leaf.RawTBSCertificate, leaf.Signature); err != nil {
		return fmt.Errorf("the peer's certificate is not self-signed: %w", err)
	}
	return nil
}
