package attestedtls_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"testing"

	"github.com/asterism-k8s/asterism/adapters/attestedtls"
	"github.com/asterism-k8s/asterism/adapters/attestedtls/frame"
	"github.com/asterism-k8s/asterism/adapters/attestedtls/internal/softtest"
	"github.com/asterism-k8s/asterism/domain/evidence"
	"github.com/asterism-k8s/asterism/domain/policy"
)

// session is a purpose and a role that opens sessions for it.
type session struct {
	purpose evidence.Purpose
	role    evidence.Role
}

func (s session) String() string { return fmt.Sprintf("%s of %s", s.purpose, s.role) }

// sessions returns every combination that there is.
func sessions() []session {
	var all []session
	for _, p := range softtest.Purposes() {
		for _, r := range softtest.Clients(p) {
			all = append(all, session{p, r})
		}
	}
	return all
}

func TestEverySession(t *testing.T) {
	for _, s := range sessions() {
		t.Run(s.String(), func(t *testing.T) {
			w := softtest.New(t)
			server := softtest.NewServer(t, w.Server(t, s.purpose))
			client, served := softtest.Meet(t, w.Client(t, s.purpose, s.role), server)
			requireSession(t, client, served)
			checkPeers(t, s, client.Conn.Peer(), served.Conn.Peer())
			exchange(t, client.Conn, served.Conn)
		})
	}
}

// TestEverySessionUnbuffered has both ends meet over a connection that holds
// nothing: no end may rely on its frame being taken before the other reads.
func TestEverySessionUnbuffered(t *testing.T) {
	for _, s := range sessions() {
		t.Run(s.String(), func(t *testing.T) {
			w := softtest.New(t)
			server := softtest.NewServer(t, w.Server(t, s.purpose))
			clientEnd, serverEnd := net.Pipe()
			client, served := softtest.MeetOver(t, w.Client(t, s.purpose, s.role), server, clientEnd, serverEnd)
			requireSession(t, client, served)
		})
	}
}

func requireSession(t *testing.T, client, server softtest.Outcome) {
	t.Helper()
	if client.Err != nil || server.Err != nil {
		t.Fatalf("client: %v; server: %v", client.Err, server.Err)
	}
}

func checkPeers(t *testing.T, s session, atClient, atServer *attestedtls.Peer) {
	t.Helper()
	if atClient.Role != frame.ServerRole(s.purpose) || atServer.Role != s.role {
		t.Errorf("client sees %q, server sees %q", atClient.Role, atServer.Role)
	}
	if atClient.Side != attestedtls.ServerSide || atServer.Side != attestedtls.ClientSide {
		t.Errorf("client sees a %v, server sees a %v", atClient.Side, atServer.Side)
	}
	if !atClient.Exporter.Equal(atServer.Exporter) || atClient.Exporter.Reveal() == [64]byte{} {
		t.Error("the exporters differ, or are zero")
	}
	if atClient.ClientSPKI != atServer.ClientSPKI || atClient.ServerSPKI != atServer.ServerSPKI || atClient.ClientSPKI == atClient.ServerSPKI {
		t.Error("the keys differ, or are the same at both ends")
	}
	if !atClient.Attested() || atServer.Attested() != s.purpose.ClientAttests() {
		t.Errorf("attested: server %v, client %v", atClient.Attested(), atServer.Attested())
	}
	if atServer.Attested() && (!atServer.Verdict.Admitted || !atServer.Verdict.MarkChecked) {
		t.Errorf("the server's verdict is %+v", atServer.Verdict)
	}
	if (atClient.Statement != nil) != frame.ShowsStatement(s.purpose) {
		t.Errorf("the client has the statement %v", atClient.Statement)
	}
}

// exchange sends bytes both ways.
func exchange(t *testing.T, a, b net.Conn) {
	t.Helper()
	for _, ends := range [][2]net.Conn{{a, b}, {b, a}} {
		if _, err := ends[0].Write([]byte("hello")); err != nil {
			t.Fatal(err)
		}
		got := make([]byte, 5)
		if _, err := io.ReadFull(ends[1], got); err != nil || string(got) != "hello" {
			t.Fatalf("read %q, %v", got, err)
		}
	}
}

// requireRefused wants one end to have refused with those codes, and the other to
// have been told.
func requireRefused(t *testing.T, by, other error, want ...policy.Code) {
	t.Helper()
	requireCodes(t, by, false, want...)
	requireCodes(t, other, true, want...)
}

func requireCodes(t *testing.T, err error, byPeer bool, want ...policy.Code) {
	t.Helper()
	var r *attestedtls.Refused
	if !errors.As(err, &r) {
		t.Fatalf("by the peer: %v: no refusal but %v", byPeer, err)
	}
	var got []policy.Code
	for i := range r.Findings {
		got = append(got, r.Findings[i].Code)
	}
	if r.ByPeer != byPeer || fmt.Sprint(got) != fmt.Sprint(want) {
		t.Fatalf("refused by the peer: %v, for %v; want %v, %v\n%v", r.ByPeer, got, byPeer, want, err)
	}
}
