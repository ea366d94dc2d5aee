package attestedtls

import (
	"crypto/tls"
	"net"
	"sync"
	"time"
)

// Conn is an attested session. Bytes on it go through TLS, and whoever is at its
// end is the Peer.
type Conn struct {
	net.Conn // the *tls.Conn

	peer  *Peer
	lease *lease // of a server's session with a peer that did not attest, else nil
}

// Proven says that the peer, which did not attest, has proved itself since: the
// owner's signature over this session held, or the commitment of a share. The
// session is not closed then when Limits.Unproven is over. It does nothing where
// the peer attested, and at a client.
func (c *Conn) Proven() {
	if c.lease != nil {
		c.lease.timer.Stop()
	}
}

// Close ends the session.
func (c *Conn) Close() error {
	if c.lease != nil {
		c.lease.end()
	}
	return c.Conn.Close()
}

// lease is one of a server's sessions with peers that did not attest.
type lease struct {
	timer *time.Timer // closes the session
	end   func()      // once
}

// lend has the connection closed after a time, and the place left when it closes.
func (c *Conn) lend(unproven time.Duration, leave func()) {
	c.lease = &lease{}
	started := make(chan struct{})
	c.lease.timer = time.AfterFunc(unproven, func() {
		<-started
		_ = c.Close()
	})
	timer := c.lease.timer
	c.lease.end = sync.OnceFunc(func() {
		timer.Stop()
		leave()
	})
	close(started)
}

// Peer returns who is at the other end.
func (c *Conn) Peer() *Peer { return c.peer }

// CloseWrite tells the peer that nothing more will come (RFC 8446, section 6.1).
func (c *Conn) CloseWrite() error {
	t, ok := c.Conn.(*tls.Conn)
	if !ok {
		return net.ErrClosed
	}
	return t.CloseWrite()
}
