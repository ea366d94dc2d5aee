package attestedtls_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/asterism-k8s/asterism/adapters/attestedtls"
	"github.com/asterism-k8s/asterism/adapters/attestedtls/internal/softtest"
	"github.com/asterism-k8s/asterism/domain/evidence"
)

// TestThreat16ExporterIsNotShown prints and logs a session's peer in all ways.
func TestThreat16ExporterIsNotShown(t *testing.T) {
	w := softtest.New(t)
	client, server := softtest.Meet(t, w.Client(t, evidence.Admin, evidence.Owner), softtest.NewServer(t, w.Server(t, evidence.Admin)))
	requireSession(t, client, server)
	peer := client.Conn.Peer()
	secret := peer.Exporter.Reveal()
	if !peer.Exporter.Equal(server.Conn.Peer().Exporter) || secret == [evidence.ExporterSize]byte{} {
		t.Fatal("the ends have different exporters, or none")
	}
	var shown bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		fmt.Fprintf(&shown, verb+"\n", peer.Exporter)
		fmt.Fprintf(&shown, verb+"\n", *peer)
	}
	for _, logger := range []*slog.Logger{slog.New(slog.NewTextHandler(&shown, nil)), slog.New(slog.NewJSONHandler(&shown, nil))} {
		logger.Info("a session", "exporter", peer.Exporter, "peer", *peer)
	}
	encoded, err := json.Marshal(struct{ Exporter attestedtls.Exporter }{peer.Exporter})
	if err != nil || !strings.Contains(string(encoded), "[redacted]") {
		t.Errorf("in JSON it is %s, %v", encoded, err)
	}
	shown.Write(encoded)
	part := secret[:4]
	decimal, hexadecimal := strings.Trim(fmt.Sprintf("%d", part), "[]"), hex.EncodeToString(part)
	for _, form := range []string{hexadecimal, strings.ToUpper(hexadecimal), decimal, strings.ReplaceAll(decimal, " ", ",")} {
		if strings.Contains(shown.String(), form) {
			t.Errorf("the exporter is shown as %q", form)
		}
	}
	if (attestedtls.Exporter{}).Equal(attestedtls.Exporter{}) {
		t.Error("no session is the same as no session")
	}
}
