package joining

import (
	"time"

	"github.com/asterism-k8s/asterism/domain/join"
)

// DefaultAttempts is how often something is decided anew because what it rested
// on changed.
const DefaultAttempts = 16

// MaxRequest bounds Limits.Request and Limits.Token: nodes take no token that is
// good for longer.
const MaxRequest = join.MaxTokenLifetime

// Limits bound what joins keep in the store. Zero fields mean the defaults.
type Limits struct {
	Attempts int           // to decide anew where something changed; DefaultAttempts
	Request  time.Duration // for which a request goes on, or is answered again; 10 min
	Token    time.Duration // for which a bootstrap token is accepted, at least Request; 15 min
	Lease    time.Duration // for which a control-plane node may take to come up; 15 min
	Waiting  time.Duration // for which a candidate waits for an approval; 24 h
	Waiters  int           // candidates that wait at once, up to ports.MaxListing; 256
	Retry    time.Duration // after which to ask again where something is taken now; 10 s
	Approval time.Duration // after which to ask again where an approval is missing; 30 s
}

func (l Limits) orDefaults() Limits {
	for _, f := range []struct {
		field *int
		value int
	}{{&l.Attempts, DefaultAttempts}, {&l.Waiters, 256}} {
		if *f.field <= 0 {
			*f.field = f.value
		}
	}
	for _, f := range []struct {
		field *time.Duration
		value time.Duration
	}{
		{&l.Request, 10 * time.Minute},
		{&l.Token, 15 * time.Minute},
		{&l.Lease, 15 * time.Minute},
		{&l.Waiting, 24 * time.Hour},
		{&l.Retry, 10 * time.Second},
		{&l.Approval, 30 * time.Second},
	} {
		if *f.field <= 0 {
			*f.field = f.value
		}
	}
	l.Request = min(l.Request, MaxRequest)
	l.Token = min(max(l.Token, l.Request), MaxRequest)
	return l
}
