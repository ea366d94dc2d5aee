package verifier

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"sync"

	"github.com/asterism-k8s/asterism/domain/evidence"
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
	return revocationListID(spkiHash(issuer))
}

func revocationListID(issuer evidence.SPKIHash) ports.EndorsementID {
	return ports.EndorsementID{Kind: policy.RevocationList, Subject: "CRL of " + issuer.String()}
}

// NewRevocationList checks a certificate revocation list in DER (RFC 5280, section
// 5) and returns it as a cache keeps it. It must be the issuer's, numbered, dated,
// complete, and without critical extensions: those narrow what it covers. The
// error wraps ErrRevocationList.
func NewRevocationList(issuer *x509.Certificate, der []byte) (*ports.CachedEndorsement, error) {
	l, err := parseRevocationList(der)
	if err != nil {
		return nil, err
	}
	if err := l.CheckSignatureFrom(issuer); err != nil {
		return nil, fmt.Errorf("%w: checking the signature of %q: %w", ErrRevocationList, issuer.Subject, err)
	}
	return &ports.CachedEndorsement{
		ID: RevocationListID(issuer), Number: l.Number.Uint64(), Issued: l.ThisUpdate, Expires: l.NextUpdate, Data: der,
	}, nil
}

func parseRevocationList(der []byte) (*x509.RevocationList, error) {
	if len(der) > ports.MaxEndorsementSize {
		return nil, fmt.Errorf("%w: %d bytes, at most %d", ErrRevocationList, len(der), ports.MaxEndorsementSize)
	}
	l, err := x509.ParseRevocationList(der)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrRevocationList, err)
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
	serials map[string]struct{} // as in ports.CertificateID
	checked bool                // the signature, here: who cached the list did before
}

func newRevocation(cache ports.EndorsementCache) *revocation {
	return &revocation{cache: cache, lists: make(map[ports.EndorsementID]*revoked)}
}

// check looks for each certificate of the chain in its issuer's list, and returns
// for what time the lists hold. One that is past its time still revokes: policy
// judges its age. The problem is nil where nothing is revoked and no list is lost.
func (r *revocation) check(ctx context.Context, chain []link) ([]policy.EndorsementClaims, *problem, error) {
	if r.cache == nil {
		return nil, nil, nil
	}
	var claims []policy.EndorsementClaims
	for i := range chain {
		if chain[i].issuer.spki == (evidence.SPKIHash{}) {
			continue
		}
		list, err := r.list(ctx, &chain[i].issuer)
		switch {
		case errors.Is(err, ports.ErrLost), errors.Is(err, ErrRevocationList):
			return nil, lostList(&chain[i].issuer), nil
		case errors.Is(err, ports.ErrNotCached):
			continue
		case err != nil:
			return nil, nil, fmt.Errorf("looking for revocations by the CA with the key %s: %w", chain[i].issuer.spki, err)
		}
		claims = append(claims, list.claims)
		if _, found := list.serials[chain[i].serial]; found {
			return claims, revokedCertificate(chain[i].serial), nil
		}
	}
	return claims, nil, nil
}

func revokedCertificate(serial string) *problem {
	return invalidCertificate("EK certificate", "certificates that are not revoked", "serial number "+serial+" is revoked")
}

// lostList says that it is not known any more what is revoked. Nobody is admitted
// on the absence of a list that was there.
func lostList(i *issuer) *problem {
	return &problem{
		code: policy.CodeEndorsementMissing, subject: revocationListID(i.spki).Subject,
		expected: "the revocation list that was cached", seen: "it is gone or damaged",
		remedy: "Fetch the issuer's revocation list again, and put it into the cache of the verifier.",
	}
}

func (r *revocation) list(ctx context.Context, i *issuer) (*revoked, error) {
	id := revocationListID(i.spki)
	cached, err := r.cache.Get(ctx, id)
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	kept := r.lists[id]
	if kept != nil && kept.number == cached.Number && kept.claims.Issued.Equal(cached.Issued) && (kept.checked || i.key == nil) {
		return kept, nil
	}
	parsed, err := parseRevocationList(cached.Data)
	if err != nil {
		return nil, err
	}
	if err := i.checkSignature(parsed); err != nil {
		return nil, err
	}
	if len(r.lists) >= maxRevocationLists {
		clear(r.lists)
	}
	r.lists[id] = newRevoked(id, parsed)
	r.lists[id].checked = i.key != nil
	return r.lists[id], nil
}

// checkSignature checks the list against the issuer's key alone. Whether the
// issuer's certificate lets it sign lists was checked when the list was cached:
// here the certificate may be one that the peer sent.
func (i *issuer) checkSignature(l *x509.RevocationList) error {
	if i.key == nil {
		return nil
	}
	key := &x509.Certificate{PublicKey: i.key}
	if err := key.CheckSignature(l.SignatureAlgorithm, l.RawTBSRevocationList, l.Signature); err != nil {
		return fmt.Errorf("%w: checking the signature of a cached list: %w", ErrRevocationList, err)
	}
	return nil
}

func newRevoked(id ports.EndorsementID, l *x509.RevocationList) *revoked {
	list := &revoked{
		number:  l.Number.Uint64(),
		claims:  policy.EndorsementClaims{Kind: id.Kind, Subject: id.Subject, Issued: l.ThisUpdate, Expires: l.NextUpdate},
		serials: make(map[string]struct{}, len(l.RevokedCertificateEntries)),
	}
	for i := range l.RevokedCertificateEntries {
		list.serials[l.RevokedCertificateEntries[i].SerialNumber.Text(16)] = struct{}{}
	}
	return list
}
