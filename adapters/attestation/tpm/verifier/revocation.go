package verifier

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"math/big"
	"sync"

	"github.com/asterism-k8s/asterism/domain/policy"
	"github.com/asterism-k8s/asterism/ports"
)

// maxRevocationLists is how many issuers' lists are kept in parsed form.
const maxRevocationLists = 64

// ErrRevocationList is wrapped where bytes are not the issuer's revocation list,
// or one that cannot be relied on.
var ErrRevocationList = errors.New("not a usable revocation list")

// RevocationListID names the list of an issuer in a ports.EndorsementCache: by
// its key, which it cannot change without becoming another issuer.
func RevocationListID(issuer *x509.Certificate) ports.EndorsementID {
	hash := sha256.Sum256(issuer.RawSubjectPublicKeyInfo)
	return ports.EndorsementID{Kind: policy.RevocationList, Subject: "CRL of " + hex.EncodeToString(hash[:])}
}

// NewRevocationList checks a certificate revocation list in DER (RFC 5280, section
// 5) and returns it as a cache keeps it. It must be the issuer's, numbered, dated,
// complete, and without critical extensions: those narrow what it covers. The
// error wraps ErrRevocationList.
func NewRevocationList(issuer *x509.Certificate, der []byte) (*ports.CachedEndorsement, error) {
	l, err := parseRevocationList(issuer, der)
	if err != nil {
		return nil, err
	}
	return &ports.CachedEndorsement{
		ID: RevocationListID(issuer), Number: l.Number.Uint64(), Issued: l.ThisUpdate, Expires: l.NextUpdate, Data: der,
	}, nil
}

func parseRevocationList(issuer *x509.Certificate, der []byte) (*x509.RevocationList, error) {
	if len(der) > ports.MaxEndorsementSize {
		return nil, fmt.Errorf("%w: %d bytes, at most %d", ErrRevocationList, len(der), ports.MaxEndorsementSize)
	}
	l, err := x509.ParseRevocationList(der)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrRevocationList, err)
	}
	if err := l.CheckSignatureFrom(issuer); err != nil {
		return nil, fmt.Errorf("%w: checking the signature of %q: %w", ErrRevocationList, issuer.Subject, err)
	}
	if l.Number == nil || !l.Number.IsUint64() {
		return nil, fmt.Errorf("%w: no number of at most 64 bits", ErrRevocationList)
	}
	if l.ThisUpdate.IsZero() || !l.NextUpdate.After(l.ThisUpdate) {
		return nil, fmt.Errorf("%w: it does not say for which time it holds", ErrRevocationList)
	}
	for i := range l.Extensions {
		if l.Extensions[i].Critical {
			return nil, fmt.Errorf("%w: critical extension %v", ErrRevocationList, l.Extensions[i].Id)
		}
	}
	return l, nil
}

// revocation answers whether certificates are revoked, from the lists in a cache.
type revocation struct {
	cache ports.EndorsementCache // nil: nothing revoked is known

	mu    sync.Mutex
	lists map[ports.EndorsementID]*revoked
}

// revoked is a parsed list.
type revoked struct {
	number  uint64
	claims  policy.EndorsementClaims
	serials map[string]struct{}
}

func newRevocation(cache ports.EndorsementCache) *revocation {
	return &revocation{cache: cache, lists: make(map[ports.EndorsementID]*revoked)}
}

// check looks for each certificate of the chain in its issuer's list, and returns
// for what time the lists hold. One that is past its time still revokes: policy
// judges its age. The problem is nil where nothing is revoked.
func (r *revocation) check(ctx context.Context, chain []*x509.Certificate) ([]policy.EndorsementClaims, *problem, error) {
	if r.cache == nil {
		return nil, nil, nil
	}
	var claims []policy.EndorsementClaims
	for i := range max(0, len(chain)-1) {
		list, err := r.list(ctx, chain[i+1])
		if errors.Is(err, ports.ErrNotCached) {
			continue
		}
		if err != nil {
			return nil, nil, fmt.Errorf("looking for revocations by %q: %w", chain[i+1].Subject, err)
		}
		claims = append(claims, list.claims)
		if list.has(chain[i].SerialNumber) {
			return claims, invalidCertificate("EK certificate", "certificates that are not revoked", "serial number "+chain[i].SerialNumber.Text(16)+" is revoked"), nil
		}
	}
	return claims, nil, nil
}

func (l *revoked) has(serial *big.Int) bool {
	_, found := l.serials[string(serial.Bytes())]
	return found
}

func (r *revocation) list(ctx context.Context, issuer *x509.Certificate) (*revoked, error) {
	id := RevocationListID(issuer)
	cached, err := r.cache.Get(ctx, id)
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if l := r.lists[id]; l != nil && l.number == cached.Number && l.claims.Issued.Equal(cached.Issued) {
		return l, nil
	}
	parsed, err := parseRevocationList(issuer, cached.Data)
	if err != nil {
		return nil, err
	}
	if len(r.lists) >= maxRevocationLists {
		clear(r.lists)
	}
	r.lists[id] = newRevoked(id, parsed)
	return r.lists[id], nil
}

func newRevoked(id ports.EndorsementID, l *x509.RevocationList) *revoked {
	list := &revoked{
		number:  l.Number.Uint64(),
		claims:  policy.EndorsementClaims{Kind: id.Kind, Subject: id.Subject, Issued: l.ThisUpdate, Expires: l.NextUpdate},
		serials: make(map[string]struct{}, len(l.RevokedCertificateEntries)),
	}
	for i := range l.RevokedCertificateEntries {
		list.serials[string(l.RevokedCertificateEntries[i].SerialNumber.Bytes())] = struct{}{}
	}
	return list
}
