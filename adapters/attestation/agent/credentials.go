package agent

import (
	"context"
	"errors"
	"fmt"
	"net"

	"google.golang.org/grpc/credentials"
)

const securityProtocol = "unix-peer"

// peerCredentials carry to gRPC what the gate knows of a connection.
type peerCredentials struct{}

// peerInfo is what handlers can read of who calls them.
type peerInfo struct {
	credentials.CommonAuthInfo

	peer    Peer
	allowed bool
}

// AuthType names the kind of information.
func (peerInfo) AuthType() string { return securityProtocol }

// ServerHandshake exchanges nothing: the kernel vouches for the peer.
func (peerCredentials) ServerHandshake(raw net.Conn) (net.Conn, credentials.AuthInfo, error) {
	c, ok := raw.(*conn)
	if !ok {
		return nil, nil, fmt.Errorf("a connection of type %T did not come through the gate", raw)
	}
	info := peerInfo{peer: c.peer, allowed: c.allowed}
	info.SecurityLevel = credentials.PrivacyAndIntegrity // it never leaves the kernel
	return c, info, nil
}

// ClientHandshake refuses: these are a server's credentials.
func (peerCredentials) ClientHandshake(context.Context, string, net.Conn) (net.Conn, credentials.AuthInfo, error) {
	return nil, nil, errors.New("a client asks for no peer's credentials")
}

// Info describes the credentials.
func (peerCredentials) Info() credentials.ProtocolInfo {
	return credentials.ProtocolInfo{SecurityProtocol: securityProtocol}
}

// Clone returns the credentials, which hold nothing.
func (c peerCredentials) Clone() credentials.TransportCredentials { return c }

// OverrideServerName does nothing: unix sockets have no server names.
func (peerCredentials) OverrideServerName(string) error { return nil }
