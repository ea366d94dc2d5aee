package ports

import (
	"context"
	"errors"
	"time"

	"github.com/asterism-k8s/asterism/domain/policy"
)

// MaxEndorsementSize is how many bytes an endorsement may have.
const MaxEndorsementSize = 1 << 20

// Errors of endorsement caches.
var (
	// ErrNotCached is wrapped where the cache holds no such endorsement.
	ErrNotCached = errors.New("the endorsement is not cached")
	// ErrLost is wrapped where the cache knows that it held such an endorsement
	// and cannot return it any more: it is gone or damaged. That is not absence:
	// who treats it so accepts what a revocation list, now deleted, had revoked.
	ErrLost = errors.New("the cached endorsement is lost")
	// ErrOlder is wrapped where the cache holds a newer one already.
	ErrOlder = errors.New("the endorsement is older than the cached one")
)

// EndorsementID names an endorsement: of its kind, the newest is kept.
type EndorsementID struct {
	Kind    policy.EndorsementKind
	Subject string // as in "CRL of <issuer's key identifier>"; at most 256 bytes
}

// CachedEndorsement is an endorsement whose signature the caller has checked.
type CachedEndorsement struct {
	ID EndorsementID
	// Number orders issues of one endorsement: a CRL number (RFC 5280, section
	// 5.2.3) or a tcbEvaluationDataNumber.
	Number  uint64
	Issued  time.Time
	Expires time.Time
	Data    []byte // at most MaxEndorsementSize bytes
}

// EndorsementCache keeps endorsements across restarts, so that verification
// needs no outbound call. Numbers never decrease: what was seen once is not
// undone by genuine old data, nor by turning the clock back. It may be used
// concurrently, and by several processes one after the other.
type EndorsementCache interface {
	// Get returns the newest endorsement of that name. The error wraps
	// ErrNotCached where there never was one, and ErrLost where there was and it
	// is gone or damaged; it never wraps both. What was damaged is not returned.
	// Put heals a loss, with the same issue or a newer one.
	Get(ctx context.Context, id EndorsementID) (*CachedEndorsement, error)
	// Put keeps the endorsement durably, in place of the one before. The error
	// wraps ErrOlder where that has a higher number, or the same number and was
	// issued later. One that is cached already is no error.
	Put(ctx context.Context, e *CachedEndorsement) error
	// Floor returns the newest time that anything kept was issued, the zero time
	// where nothing is. It never decreases.
	Floor(ctx context.Context) (time.Time, error)
	// RaiseFloor keeps a signed time from elsewhere (an image's build time, a
	// statement's date). An earlier one than the floor changes nothing.
	RaiseFloor(ctx context.Context, signed time.Time) error
}
