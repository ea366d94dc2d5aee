package agent

import (
	"fmt"
	"log/slog"
	"net"
	"sync"
	"syscall"
	"time"
)

// Bounds of the connections to one socket.
const (
	maxConnections = 16
	maxRefused     = 4               // of users who may not use it
	refusedTime    = 3 * time.Second // in which they can read why
)

// gate accepts connections and asks the kernel who is there. Users who may not
// use the socket are let in to be told so, a few at a time and for a moment; each
// costs its place for the whole of that moment, which bounds the log as well.
type gate struct {
	*net.UnixListener
	access            *Access
	logger            *slog.Logger
	admitted, refused chan struct{}
}

func newGate(l *net.UnixListener, access *Access, logger *slog.Logger) *gate {
	return &gate{
		UnixListener: l,
		access:       access,
		logger:       logger,
		admitted:     make(chan struct{}, maxConnections),
		refused:      make(chan struct{}, maxRefused),
	}
}

// Accept returns the next connection for which there is a place. Others are
// closed.
func (g *gate) Accept() (net.Conn, error) {
	for {
		raw, err := g.AcceptUnix()
		if err != nil {
			return nil, err
		}
		if conn := g.seat(raw); conn != nil {
			return conn, nil
		}
		_ = raw.Close()
	}
}

// seat returns nil where there is no place for the connection.
func (g *gate) seat(raw *net.UnixConn) *conn {
	peer, err := peerOf(raw)
	if err != nil {
		g.logger.Warn("a peer has no credentials", slog.Any("error", err))
		return nil
	}
	c := &conn{UnixConn: raw, peer: peer, allowed: g.access.allows(peer)}
	if !c.allowed {
		return g.seatRefused(c)
	}
	select {
	case g.admitted <- struct{}{}:
		c.leave = func() { <-g.admitted }
		return c
	default:
		g.logger.Warn("too many connections", peer.attr())
		return nil
	}
}

func (g *gate) seatRefused(c *conn) *conn {
	select {
	case g.refused <- struct{}{}:
	default:
		return nil
	}
	g.logger.Warn("a user who may not use the socket was refused", c.peer.attr())
	c.leave = func() {}
	time.AfterFunc(refusedTime, func() {
		_ = c.Close()
		<-g.refused
	})
	return c
}

// conn is a connection of which it is known who opened it.
type conn struct {
	*net.UnixConn
	peer    Peer
	allowed bool
	leave   func() // gives its place back
	once    sync.Once
}

// Close closes the connection and gives its place to the next.
func (c *conn) Close() error {
	defer c.once.Do(c.leave)
	return c.UnixConn.Close()
}

// peerOf reads who connected (SO_PEERCRED, unix(7)). The kernel noted it when
// they did.
func peerOf(c *net.UnixConn) (Peer, error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return Peer{}, fmt.Errorf("reaching the socket: %w", err)
	}
	var cred *syscall.Ucred
	var credErr error
	err = raw.Control(func(fd uintptr) {
		cred, credErr = syscall.GetsockoptUcred(int(fd), syscall.SOL_SOCKET, syscall.SO_PEERCRED)
	})
	if err != nil {
		return Peer{}, fmt.Errorf("reaching the socket: %w", err)
	}
	if credErr != nil {
		return Peer{}, fmt.Errorf("asking who is there: %w", credErr)
	}
	return Peer{UID: cred.Uid, GID: cred.Gid, PID: cred.Pid}, nil
}

func (p Peer) attr() slog.Attr {
	return slog.Group("peer", slog.Uint64("uid", uint64(p.UID)), slog.Uint64("gid", uint64(p.GID)), slog.Int64("pid", int64(p.PID)))
}
