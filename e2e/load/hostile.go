package main

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/binary"
	"fmt"
	"io"
	"math/big"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/asterism-k8s/asterism/adapters/attestedtls"
	"github.com/asterism-k8s/asterism/adapters/attestedtls/frame"
	"github.com/asterism-k8s/asterism/domain/evidence"
	"github.com/asterism-k8s/asterism/domain/policy"
	"github.com/asterism-k8s/asterism/ports"
)

// Pauses of hostile clients: between connections, so that the machine that they
// share with the server does more than connect, and between dripping bytes.
const (
	betweenConnections = 100 * time.Millisecond
	betweenBytes       = 50 * time.Millisecond
)

// hostile is the clients that want nobody to join.
type hostile struct {
	address     string
	certificate tls.Certificate
	identity    ports.Identity // of an honest machine, which is no secret

	connections atomic.Int64
	admitted    atomic.Int64 // verdicts that should not have been
}

// trick is one way to use a connection up.
type trick struct {
	name string
	play func(h *hostile, ctx context.Context, conn net.Conn) error
}

func tricks() []trick {
	return []trick{
		{"silent before TLS", func(_ *hostile, _ context.Context, conn net.Conn) error { return outlast(conn) }},
		{"garbage before TLS", func(_ *hostile, _ context.Context, conn net.Conn) error { return flood(conn) }},
		{"dripping TLS", func(_ *hostile, ctx context.Context, conn net.Conn) error {
			return drip(ctx, conn, append([]byte{22, 3, 1, 1, 0, 1, 0, 0, 252}, make([]byte, 252)...)) // a ClientHello begins so
		}},
		{"silent after TLS", func(h *hostile, ctx context.Context, conn net.Conn) error {
			return h.within(ctx, conn, func(c *tls.Conn) error { return outlast(c) })
		}},
		{"garbage after TLS", func(h *hostile, ctx context.Context, conn net.Conn) error {
			return h.within(ctx, conn, func(c *tls.Conn) error { return flood(c) })
		}},
		{"half a hello", func(h *hostile, ctx context.Context, conn net.Conn) error {
			return h.within(ctx, conn, func(c *tls.Conn) error { return stall(c, frame.KindHello, 4000, 100) })
		}},
		{"dripping hello", func(h *hostile, ctx context.Context, conn net.Conn) error {
			return h.within(ctx, conn, func(c *tls.Conn) error { return drip(ctx, c, header(frame.KindHello, 4000)) })
		}},
		{"oversized hello", func(h *hostile, ctx context.Context, conn net.Conn) error {
			return h.within(ctx, conn, func(c *tls.Conn) error { return stall(c, frame.KindHello, 1<<31, 1<<20) })
		}},
		{"all but the last byte of a verdict", func(h *hostile, ctx context.Context, conn net.Conn) error {
			return h.within(ctx, conn, func(c *tls.Conn) error { return withhold(c, frame.KindVerdict) })
		}},
		{"all but the last byte of a verdict, later", func(h *hostile, ctx context.Context, conn net.Conn) error {
			return h.beforeEvidence(ctx, conn, func(c *tls.Conn) error { return withhold(c, frame.KindVerdict) })
		}},
		{"all but the last byte of evidence", func(h *hostile, ctx context.Context, conn net.Conn) error {
			return h.beforeEvidence(ctx, conn, func(c *tls.Conn) error { return withhold(c, frame.KindEvidence) })
		}},
		{"stalling evidence", func(h *hostile, ctx context.Context, conn net.Conn) error {
			return h.beforeEvidence(ctx, conn, func(c *tls.Conn) error { return stall(c, frame.KindEvidence, 1<<20, 1<<16) })
		}},
		{"oversized evidence", func(h *hostile, ctx context.Context, conn net.Conn) error {
			return h.beforeEvidence(ctx, conn, func(c *tls.Conn) error { return stall(c, frame.KindEvidence, 1<<30, 1<<16) })
		}},
		{"a mebibyte of no evidence", func(h *hostile, ctx context.Context, conn net.Conn) error {
			return h.beforeEvidence(ctx, conn, func(c *tls.Conn) error { return stall(c, frame.KindEvidence, 1<<20, 1<<20) })
		}},
	}
}

// newHostile prepares them with what anybody can know.
func newHostile(address string, known *ports.Identity) (*hostile, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "mallory"}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return nil, err
	}
	return &hostile{address: address, certificate: tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, identity: *known}, nil
}

// attack has that many of them at it until the context is done.
func (h *hostile) attack(ctx context.Context, clients int, list []trick) {
	var group sync.WaitGroup
	for i := range clients {
		group.Go(func() {
			for ctx.Err() == nil {
				_ = h.connect(ctx, list[i%len(list)]) // how a server ends them is not theirs to choose
				select {
				case <-time.After(betweenConnections):
				case <-ctx.Done():
				}
			}
		})
	}
	group.Wait()
}

func (h *hostile) connect(ctx context.Context, t trick) error {
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "tcp", h.address)
	if err != nil {
		return err
	}
	h.connections.Add(1)
	defer shut(conn)
	stop := context.AfterFunc(ctx, func() { shut(conn) })
	defer stop()
	return t.play(h, ctx, conn)
}

// within holds the TLS handshake, and what comes after it.
func (h *hostile) within(ctx context.Context, conn net.Conn, after func(*tls.Conn) error) error {
	c := tls.Client(conn, &tls.Config{
		Certificates: []tls.Certificate{h.certificate}, MinVersion: tls.VersionTLS13, NextProtos: []string{attestedtls.ALPN},
		InsecureSkipVerify: true, //nolint:gosec // it does not care who the server is
	})
	if err := c.HandshakeContext(ctx); err != nil {
		return err
	}
	return after(c)
}

// beforeEvidence goes as far as one can without a TPM.
func (h *hostile) beforeEvidence(ctx context.Context, conn net.Conn, after func(*tls.Conn) error) error {
	return h.within(ctx, conn, func(c *tls.Conn) error {
		hello := &frame.Hello{
			Purpose: evidence.Join, Role: evidence.Joiner, Nonce: [frame.NonceSize]byte{1},
			Formats: []evidence.Platform{evidence.ProcessVTPM}, Claimed: frame.Claimed{Mark: frame.Unmarked},
		}
		admitted := &frame.Verdict{Verdict: policy.Verdict{Admitted: true, Findings: []policy.Finding{}}}
		if err := write(c, hello); err != nil {
			return err
		}
		for range 3 { // hello, statement, evidence
			if err := skip(c); err != nil {
				return err
			}
		}
		if err := write(c, admitted, &frame.Identity{Identity: h.identity}); err != nil {
			return err
		}
		if err := after(c); err != nil {
			return err
		}
		return h.verdict(c)
	})
}

// verdict notes an admission, of which there must be none.
func (h *hostile) verdict(c *tls.Conn) error {
	head, err := frame.ReadHeader(c, frame.Kinds()...)
	if err != nil {
		return err
	}
	message, err := head.Read(c)
	if err != nil {
		return err
	}
	if m, err := frame.Unmarshal(head.Kind, message); err == nil {
		if v, ok := m.(*frame.Verdict); ok && v.Admitted {
			h.admitted.Add(1)
		}
	}
	return outlast(c)
}

func write(w io.Writer, messages ...frame.Message) error {
	for _, m := range messages {
		data, err := frame.Append(nil, m)
		if err != nil {
			return err
		}
		if _, err := w.Write(data); err != nil {
			return fmt.Errorf("sending a %v: %w", m.Kind(), err)
		}
	}
	return nil
}

// skip reads a frame and forgets it.
func skip(r io.Reader) error {
	head, err := frame.ReadHeader(r, frame.Kinds()...)
	if err != nil {
		return err
	}
	_, err = head.Read(r)
	return err
}

func header(k frame.Kind, length uint32) []byte {
	return binary.BigEndian.AppendUint32([]byte{byte(k)}, length)
}

// stall announces a frame, sends some of it, and waits.
func stall(conn net.Conn, k frame.Kind, length uint32, sent int) error {
	if _, err := conn.Write(append(header(k, length), bytes.Repeat([]byte{0xa5}, sent)...)); err != nil {
		return err
	}
	return outlast(conn)
}

// withhold sends the largest frame of the kind, but for its last byte, and waits.
func withhold(conn net.Conn, k frame.Kind) error {
	return stall(conn, k, uint32(k.Bound()), k.Bound()-1)
}

// drip sends a byte now and then, over and over.
func drip(ctx context.Context, w io.Writer, data []byte) error {
	for i := 0; ctx.Err() == nil; i++ {
		if _, err := w.Write(data[i%len(data) : i%len(data)+1]); err != nil {
			return err
		}
		select {
		case <-time.After(betweenBytes):
		case <-ctx.Done():
		}
	}
	return ctx.Err()
}

// flood sends garbage until the server has had enough.
func flood(conn net.Conn) error {
	garbage := make([]byte, 64<<10)
	if _, err := rand.Read(garbage); err != nil {
		return err
	}
	if _, err := conn.Write(garbage); err != nil {
		return err
	}
	return outlast(conn)
}

// outlast waits until the server closes.
func outlast(conn net.Conn) error {
	_, err := io.Copy(io.Discard, conn)
	return err
}
