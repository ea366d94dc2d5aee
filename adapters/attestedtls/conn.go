package attestedtls

import (
	"crypto/tls"
	"net"
)

// Conn is an attested session. Bytes on it go through TLS, and whoever is at its
// end is the Peer.
type Conn struct {
	net.Conn // the *tls.Conn

	peer *Peer
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
