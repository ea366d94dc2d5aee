package ports_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/asterism-k8s/asterism/domain/keys"
	"github.com/asterism-k8s/asterism/ports"
)

// TestThreat16ChallengesDoNotShowTheirSecret prints and logs one in all ways.
func TestThreat16ChallengesDoNotShowTheirSecret(t *testing.T) {
	c := ports.Challenge{Blob: []byte("blob"), Secret: keys.NewSecret([]byte("SECRET-of-a-challenge"))}
	var shown bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
		fmt.Fprintf(&shown, verb+verb+"\n", c, &c)
	}
	for _, verb := range []string{"%x", "%X", "%d"} {
		fmt.Fprintf(&shown, verb+"\n", c)
	}
	slog.New(slog.NewTextHandler(&shown, nil)).Info("challenging", "challenge", c)
	slog.New(slog.NewJSONHandler(&shown, nil)).Info("challenging", "challenge", c)
	encoded, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	shown.Write(encoded)
	for _, form := range []string{"SECRET", "534543524554", "83 69 67 82", "U0VDUkVU"} {
		if strings.Contains(shown.String(), form) {
			t.Errorf("the secret is shown as %s", form)
		}
	}
}
