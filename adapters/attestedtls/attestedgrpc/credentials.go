package attestedgrpc

import (
	"context"
	"errors"
	"net"

	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/peer"

	"github.com/asterism-k8s/asterism/adapters/attestedtls"
)

const authType = "attested-tls"

// AuthInfo says who is at the other end of a gRPC connection.
type AuthInfo struct {
	credentials.CommonAuthInfo

	Peer *attestedtls.Peer

	proven func()
}

// Proven says that the peer has proved itself by what it sent: see
// attestedtls.Conn.Proven.
func (a AuthInfo) Proven() {
	if a.proven != nil {
		a.proven()
	}
}

// Proven says, in a handler, that the caller has proved itself by what it sent:
// the owner's signature over this session held, or the commitment of a share.
func Proven(ctx context.Context) {
	if p, ok := peer.FromContext(ctx); ok {
		if info, ok := p.AuthInfo.(AuthInfo); ok {
			info.Proven()
		}
	}
}

// AuthType returns "attested-tls".
func (AuthInfo) AuthType() string { return authType }

// PeerFromContext returns who calls, in a handler. It returns false where the
// connection is no attested session. After a call, gRPC's own grpc.Peer option
// gives the peer.Peer whose AuthInfo this package made.
func PeerFromContext(ctx context.Context) (*attestedtls.Peer, bool) {
	p, ok := peer.FromContext(ctx)
	if !ok {
		return nil, false
	}
	info, ok := p.AuthInfo.(AuthInfo)
	return info.Peer, ok
}

func authInfo(conn *attestedtls.Conn) AuthInfo {
	return AuthInfo{credentials.CommonAuthInfo{SecurityLevel: credentials.PrivacyAndIntegrity}, conn.Peer(), conn.Proven}
}

// ServerCredentials has a gRPC server take its connections through the server's
// handshake. Give the gRPC server a grpc.ConnectionTimeout above the sum of
// attestedtls.Limits.Timeout and Linger.
//
// A session whose client did not attest is closed after attestedtls.Limits.Unproven
// unless a handler calls Proven, and there are attestedtls.Limits.Sessions of them.
func ServerCredentials(server *attestedtls.Server) credentials.TransportCredentials {
	return serverCredentials{server}
}

type serverCredentials struct{ server *attestedtls.Server }

// ServerHandshake implements credentials.TransportCredentials.
func (c serverCredentials) ServerHandshake(raw net.Conn) (net.Conn, credentials.AuthInfo, error) {
	conn, err := c.server.Handshake(context.Background(), raw)
	if err != nil {
		return nil, nil, err
	}
	return conn, authInfo(conn), nil
}

// ClientHandshake implements credentials.TransportCredentials.
func (serverCredentials) ClientHandshake(context.Context, string, net.Conn) (net.Conn, credentials.AuthInfo, error) {
	return nil, nil, errors.New("these credentials are a server's")
}

// Info implements credentials.TransportCredentials.
func (serverCredentials) Info() credentials.ProtocolInfo { return protocolInfo() }

// Clone implements credentials.TransportCredentials.
func (c serverCredentials) Clone() credentials.TransportCredentials { return c }

// OverrideServerName implements credentials.TransportCredentials.
func (serverCredentials) OverrideServerName(string) error { return errNoServerName }

// carrier are the credentials of a client whose handshake is over.
type carrier struct{}

// ClientHandshake implements credentials.TransportCredentials.
func (carrier) ClientHandshake(_ context.Context, _ string, raw net.Conn) (net.Conn, credentials.AuthInfo, error) {
	conn, ok := raw.(*attestedtls.Conn)
	if !ok {
		return nil, nil, errors.New("the connection is no attested session")
	}
	return conn, authInfo(conn), nil
}

// ServerHandshake implements credentials.TransportCredentials.
func (carrier) ServerHandshake(net.Conn) (net.Conn, credentials.AuthInfo, error) {
	return nil, nil, errors.New("these credentials are a client's")
}

// Info implements credentials.TransportCredentials.
func (carrier) Info() credentials.ProtocolInfo { return protocolInfo() }

// Clone implements credentials.TransportCredentials.
func (c carrier) Clone() credentials.TransportCredentials { return c }

// OverrideServerName implements credentials.TransportCredentials.
func (carrier) OverrideServerName(string) error { return errNoServerName }

var errNoServerName = errors.New("attested sessions have no server names")

func protocolInfo() credentials.ProtocolInfo {
	return credentials.ProtocolInfo{SecurityProtocol: authType}
}
