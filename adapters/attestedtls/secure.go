package attestedtls

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/asterism-k8s/asterism/domain/evidence"
)

// maxTLSHandshake is how many bytes a peer may send before TLS stands. Certificate
// and key exchange of this package are 3 KiB; the TLS library would take 256.
const maxTLSHandshake = 16 << 10

// secured is a TLS session before anybody has proven anything.
type secured struct {
	conn      *tls.Conn
	reins     *reins
	exporter  [evidence.ExporterSize]byte
	own, peer evidence.SPKIHash
}

// secure holds the TLS handshake. It closes the connection where that fails. The
// error wraps ErrTLS.
func secure(ctx context.Context, raw net.Conn, side Side, keys *Keys) (*secured, error) {
	pair, err := keys.pair()
	if err != nil {
		return nil, errors.Join(err, raw.Close())
	}
	reins := &reins{Conn: raw, left: maxTLSHandshake}
	conn := tls.Client(reins, pair.config())
	if side == ServerSide {
		conn = tls.Server(reins, pair.config())
	}
	if err := conn.HandshakeContext(ctx); err != nil {
		_ = raw.Close()
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return nil, fmt.Errorf("%w: %w", ErrTLS, err)
	}
	reins.secured = true
	s := &secured{conn: conn, reins: reins, own: pair.spki}
	if err := s.export(); err != nil {
		_ = raw.Close()
		return nil, fmt.Errorf("%w: %w", ErrTLS, err)
	}
	return s, nil
}

func (s *secured) export() error {
	state := s.conn.ConnectionState()
	material, err := state.ExportKeyingMaterial(exporterLabel, nil, evidence.ExporterSize)
	if err != nil {
		return fmt.Errorf("exporting keying material: %w", err)
	}
	s.exporter = [evidence.ExporterSize]byte(material)
	s.peer = sha256.Sum256(state.PeerCertificates[0].RawSubjectPublicKeyInfo)
	return nil
}

// reins is the connection under TLS while a handshake runs.
type reins struct {
	net.Conn

	left    int  // bytes that may be read before TLS stands
	secured bool // TLS stands
	loose   bool // the whole handshake is over
}

// Read reads at most what is left.
func (r *reins) Read(p []byte) (int, error) {
	if r.secured {
		return r.Conn.Read(p)
	}
	if r.left == 0 {
		return 0, fmt.Errorf("the peer's handshake has over %d bytes", maxTLSHandshake)
	}
	n, err := r.Conn.Read(p[:min(len(p), r.left)])
	r.left -= n
	return n, err
}

// SetWriteDeadline keeps TLS from giving itself more time to say goodbye than the
// handshake has.
func (r *reins) SetWriteDeadline(t time.Time) error {
	if !r.loose {
		return nil
	}
	return r.Conn.SetWriteDeadline(t)
}
