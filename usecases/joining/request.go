package joining

import (
	"fmt"
	"time"

	"github.com/asterism-k8s/asterism/domain/authority"
	"github.com/asterism-k8s/asterism/domain/join"
	"github.com/asterism-k8s/asterism/domain/measurement"
)

const (
	requestVersion = "asterism/join-request-state/v1"
	maxRequestSize = 512 << 10 // bytes
)

// stage is how far a request has come.
type stage string

// The stages.
const (
	intended stage = "intended" // the intent is durable; keys may have been released
	done     stage = "done"     // the outcome is durable; the ticket may be given out
)

// request is what the store holds of a request that was admitted, for minutes:
// enough to go on, or to give the same ticket again, on any node. Its fields are
// in the order of RFC 8785.
type request struct {
	Answer   *answer            `json:"answer,omitempty"` // when done
	Boot     join.Boot          `json:"boot"`             // in which the node asked
	Expires  time.Time          `json:"expires"`          // UTC, whole seconds; of this item
	Hash     measurement.Digest `json:"hash"`             // SHA-256 of the request as encoded
	Identity join.Identity      `json:"identity"`
	Kind     join.Kind          `json:"kind"`
	Releases int                `json:"releases"` // how often its keys were
	Request  join.RequestID     `json:"request"`
	Stage    stage              `json:"stage"`
	Version  string             `json:"version"`
}

func (r *request) encode() ([]byte, error) {
	if err := r.validate(); err != nil {
		return nil, err
	}
	return encodeItem(r)
}

func decodeRequest(data []byte) (*request, error) {
	r, err := decodeItem[request](data, maxRequestSize)
	if err != nil {
		return nil, fmt.Errorf("reading a request: %w", err)
	}
	if err := r.validate(); err != nil {
		return nil, fmt.Errorf("reading a request: %w", err)
	}
	return r, nil
}

func (r *request) validate() error {
	refuse := func(what string) error { return fmt.Errorf("%w: request %v: %s", ErrItem, r.Request, what) }
	answered := r.Stage == done
	switch {
	case r.Version != requestVersion:
		return refuse("another version")
	case r.Identity == (join.Identity{}) || r.Hash.Algorithm() != measurement.SHA256:
		return refuse("it names no node, or no request")
	case r.Kind != join.FirstJoin && r.Kind != join.Rejoin:
		return refuse("it is neither a join nor a rejoin")
	case r.Stage != intended && !answered:
		return refuse("unknown stage")
	case answered != (r.Answer != nil):
		return refuse("it is answered without an answer")
	case answered && !r.Answer.valid():
		return refuse("its answer is not one")
	case r.Releases < 0 || r.Releases > MaxReleases || answered && r.Releases == 0:
		return refuse("its keys were released a number of times that cannot be")
	case !wholeSeconds(r.Expires):
		return refuse("a time is not in UTC and whole seconds")
	default:
		return nil
	}
}

// wholeSeconds says whether a time is one that items hold.
func wholeSeconds(t time.Time) bool { return t.Equal(seconds(t)) && t.Location() == time.UTC }

// seconds returns a time as items hold it.
func seconds(t time.Time) time.Time { return t.UTC().Truncate(time.Second) }

// over says whether nothing goes on under the request any more. One that ends
// later than any can comes from a clock that was ahead, and is over too.
func (r *request) over(now time.Time) bool {
	return now.After(r.Expires) || r.Expires.After(now.Add(MaxRequest+authority.MaxSkew))
}

// left returns how long the item is still to be kept, in whole seconds.
func (r *request) left(now time.Time) time.Duration {
	return min(max(r.Expires.Sub(now).Truncate(time.Second), time.Second), MaxRequest)
}
