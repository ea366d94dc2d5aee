package attestedtls_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"net"
	"testing"

	"github.com/asterism-k8s/asterism/adapters/attestedtls"
	"github.com/asterism-k8s/asterism/adapters/attestedtls/internal/softtest"
	"github.com/asterism-k8s/asterism/domain/evidence"
	"github.com/asterism-k8s/asterism/domain/owner"
	"github.com/asterism-k8s/asterism/domain/policy"
	"github.com/asterism-k8s/asterism/ports"
)

// TestThreat30StatementOvertaken has another session see a newer statement while
// this one examines its server.
func TestThreat30StatementOvertaken(t *testing.T) {
	w := softtest.New(t)
	client := w.Client(t, evidence.Join, evidence.Joiner)
	asked := 0
	client.Statement.Anchor = func() owner.Anchor {
		anchor := w.Anchor()
		asked++
		if asked > 1 {
			anchor.MinSerial = w.Serial + 1
		}
		return anchor
	}
	client.Statement.Seen = func(s *attestedtls.Statement) error {
		t.Errorf("serial %d is seen after %d", s.Serial, w.Serial+1)
		return nil
	}
	atClient, atServer := softtest.Meet(t, client, softtest.NewServer(t, w.Server(t, evidence.Join)))
	requireRefused(t, atClient.Err, atServer.Err, policy.CodeStatementNotTrusted)
}

// fixed returns a source of one statement.
func fixed(statement []byte) func(context.Context) ([]byte, error) {
	return func(context.Context) ([]byte, error) { return statement, nil }
}

// TestThreat26ServerOfAnotherProfile has the statement list a debug release, which
// the server runs, and the client name its own profile.
func TestThreat26ServerOfAnotherProfile(t *testing.T) {
	w := softtest.New(t)
	config := w.Server(t, evidence.Join)
	statement := w.Statement(t, func(s *owner.Statement) {
		debug := s.Releases[0]
		debug.Name, debug.Profile = "v1.2.0-debug", "debug"
		s.Releases[0] = softtest.NewRelease("v1.1.0")
		s.Releases = append(s.Releases, debug)
	})
	config.Services[evidence.Join].Statement = fixed(statement)
	server := softtest.NewServer(t, config)
	client := w.Client(t, evidence.Join, evidence.Joiner)
	atClient, _ := softtest.Meet(t, client, server)
	var refused *attestedtls.Refused
	if !errors.As(atClient.Err, &refused) || refused.ByPeer || refused.Findings[0].Code != policy.CodePCRMismatch {
		t.Errorf("the client: %v", atClient.Err)
	}
	client.Statement.Profiles = []string{softtest.Profile, "debug"} // and it is for nothing else
	atClient, atServer := softtest.Meet(t, client, server)
	requireSession(t, atClient, atServer)
}

// TestThreat09EngineCAIsNoEndorsementRoot wants the CAs of the statement to be
// believed for what they are for only.
func TestThreat09EngineCAIsNoEndorsementRoot(t *testing.T) {
	w := softtest.New(t)
	client := w.Client(t, evidence.Join, evidence.Joiner)
	spy := &trustSpy{Verifiers: client.Verifiers}
	client.Verifiers = spy
	atClient, atServer := softtest.Meet(t, client, softtest.NewServer(t, w.Server(t, evidence.Join)))
	requireSession(t, atClient, atServer)
	s := atClient.Conn.Peer().Statement
	for _, root := range spy.got.EndorsementRoots {
		if root == s.EngineCA {
			t.Error("the engine's CA vouches for hardware")
		}
	}
	if len(spy.got.EndorsementRoots) != len(s.EndorsementRoots) || len(spy.got.EngineCAs) != 1 || spy.got.EngineCAs[0] != s.EngineCA {
		t.Errorf("trust is %+v", spy.got)
	}
	if s.EngineCA == sha256.Sum256(nil) {
		t.Error("there is no CA to confuse")
	}
}

// trustSpy sees what verifiers are given.
type trustSpy struct {
	ports.Verifiers

	got *ports.Trust
}

// Verifier implements ports.Verifiers.
func (s *trustSpy) Verifier(p evidence.Platform, trust *ports.Trust) (ports.Verifier, error) {
	s.got = trust
	return s.Verifiers.Verifier(p, trust)
}

// TestThreat23LargeTLSHandshake announces TLS messages larger than the bound,
// which the TLS library would wait for.
func TestThreat23LargeTLSHandshake(t *testing.T) {
	w := softtest.New(t)
	server := softtest.NewServer(t, w.Server(t, evidence.Admin))
	near, far := net.Pipe()
	ended := make(chan error, 1)
	go func() {
		_, err := server.Handshake(softtest.Context(t), far)
		ended <- err
	}()
	go func() { _, _ = io.Copy(io.Discard, near) }()
	// A ClientHello of 60 KB (RFC 8446, section 4), in records of 16 KB (section 5.1).
	message := append([]byte{1, 0, 0xea, 0x60}, make([]byte, 60000)...)
	sent := 0
	for len(message) > 0 {
		part := message[:min(len(message), 1<<14)]
		message = message[len(part):]
		n, err := near.Write(append([]byte{22, 3, 1, byte(len(part) >> 8), byte(len(part))}, part...))
		if sent += n; err != nil {
			break
		}
	}
	if err := <-ended; !errors.Is(err, attestedtls.ErrTLS) {
		t.Errorf("the server: %v", err)
	}
	if sent > 16<<10 {
		t.Errorf("the server read %d bytes", sent)
	}
}
