package attestedtls

import (
	"cmp"
	"runtime"
	"time"
)

// Limits bounds what strangers can ask of a server. A zero field stands for the
// default that DefaultLimits gives.
type Limits struct {
	// Handshakes is how many there are at once. Connections beyond are closed
	// unheard: to say why would take a TLS handshake, which is what a flood is
	// after. Each costs less than 32 KiB until its evidence begins to come in,
	// whatever it sends; 44 KiB while it waits with a whole record of TLS, which the
	// library keeps; and 48 KiB once it is refused, for Linger at most.
	Handshakes int
	// Timeout is for a whole handshake, waiting included.
	Timeout time.Duration
	// Readers is how many frames of evidence are in memory at once. A frame may
	// begin to arrive before; the rest is read by the holder of a reader's place,
	// which keeps it until the evidence is verified: at most Readers times 1.06 MiB
	// are in frames, which are neither grown nor copied, and what decoding and
	// verifying take is taken Verifications times. As many identities over 4 KiB
	// are in memory, of 16 KiB each.
	Readers int
	// EvidenceTime is for the rest of such a frame to arrive.
	EvidenceTime time.Duration
	// Verifications is how many are computed at once: evidence, and challenges.
	Verifications int
	// Queue is how many wait for a reader's place; more are told to come back.
	Queue int
	// RetryAfter is the least time that those are told to wait. It is stretched at
	// random to up to three times that, so that they do not come back at once.
	RetryAfter time.Duration
	// Sessions is how many there are at once with peers that did not attest, until
	// their Conn is closed; more are told to come back. Whoever connects may be
	// such a peer: all that proves an owner or a holder comes after the handshake.
	Sessions int
	// Unproven is how long such a Conn lives unless its server calls Proven.
	Unproven time.Duration
	// Linger is for the peer to take a refusal in, after all other time is over.
	Linger time.Duration
}

// DefaultLimits returns what zero fields stand for: 8,192 handshakes of 20
// seconds, 64 readers of one second, as many verifications as there are
// processors, 1,024 in the queue, 2 seconds to come back after, 256 sessions with
// peers that did not attest, 2 minutes to prove them, 2 seconds to linger.
func DefaultLimits() Limits {
	return Limits{
		Handshakes:    8192,
		Timeout:       20 * time.Second,
		Readers:       64,
		EvidenceTime:  time.Second,
		Verifications: runtime.GOMAXPROCS(0),
		Queue:         1024,
		RetryAfter:    2 * time.Second,
		Sessions:      256,
		Unproven:      2 * time.Minute,
		Linger:        2 * time.Second,
	}
}

func (l Limits) withDefaults() Limits {
	d := DefaultLimits()
	return Limits{
		Handshakes:    cmp.Or(l.Handshakes, d.Handshakes),
		Timeout:       cmp.Or(l.Timeout, d.Timeout),
		Readers:       cmp.Or(l.Readers, d.Readers),
		EvidenceTime:  cmp.Or(l.EvidenceTime, d.EvidenceTime),
		Verifications: cmp.Or(l.Verifications, d.Verifications),
		Queue:         cmp.Or(l.Queue, d.Queue),
		RetryAfter:    cmp.Or(l.RetryAfter, d.RetryAfter),
		Sessions:      cmp.Or(l.Sessions, d.Sessions),
		Unproven:      cmp.Or(l.Unproven, d.Unproven),
		Linger:        cmp.Or(l.Linger, d.Linger),
	}
}

func (l Limits) negative() bool {
	return min(l.Handshakes, l.Readers, l.Verifications, l.Queue, l.Sessions) < 0 || min(l.Timeout, l.EvidenceTime, l.RetryAfter, l.Unproven, l.Linger) < 0
}
