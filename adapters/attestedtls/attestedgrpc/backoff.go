package attestedgrpc

import (
	"cmp"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/asterism-k8s/asterism/adapters/attestedtls"
)

// Backoff is how long a Redialer waits. A zero field stands for its default.
type Backoff struct {
	// Least and Most bound the wait after a connection was lost or could not be
	// made: it doubles with each attempt in a row. Defaults: 1 second, 1 minute.
	Least, Most time.Duration
	// Refused is the wait after a refusal that waiting changes nothing about; what
	// was found may change. Default: 5 minutes.
	Refused time.Duration
}

func (b Backoff) withDefaults() Backoff {
	return Backoff{
		Least:   cmp.Or(b.Least, time.Second),
		Most:    cmp.Or(b.Most, time.Minute),
		Refused: cmp.Or(b.Refused, 5*time.Minute),
	}
}

// after returns how long to wait after that many failures in a row, the last of
// which was err. A server that names a time is given at least that, if it proved
// itself; one that did not can cause no wait over Most, and none over Refused.
func (b Backoff) after(failures int, err error) time.Duration {
	var r *attestedtls.Refused
	switch {
	case isRefusal(err) && byStranger(err):
		return min(jitter(b.Refused), b.Refused)
	case isRefusal(err):
		return jitter(b.Refused)
	case errors.As(err, &r):
		wait := max(r.RetryAfter+jitter(b.Least), b.grown(failures))
		if byStranger(err) {
			return min(wait, b.Most)
		}
		return wait
	default:
		return b.grown(failures)
	}
}

func (b Backoff) grown(failures int) time.Duration {
	wait := b.Least
	for range failures - 1 {
		if wait *= 2; wait >= b.Most {
			wait = b.Most
			break
		}
	}
	return jitter(wait)
}

// isRefusal says whether err is a refusal that waiting changes nothing about.
func isRefusal(err error) bool {
	var r *attestedtls.Refused
	return errors.As(err, &r) && r.RetryAfter == 0
}

// byStranger says whether the peer refused without having proved itself.
func byStranger(err error) bool {
	var r *attestedtls.Refused
	return errors.As(err, &r) && r.ByPeer && !r.Attested
}

// jitter returns half of d to one and a half.
func jitter(d time.Duration) time.Duration {
	return d/2 + rand.N(d+1) //nolint:gosec // nothing depends on its being unpredictable
}
