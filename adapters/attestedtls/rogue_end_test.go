package attestedtls_test

import (
	"net"
	"testing"

	"github.com/asterism-k8s/asterism/adapters/attestedtls"
	"github.com/asterism-k8s/asterism/adapters/attestedtls/frame"
	"github.com/asterism-k8s/asterism/adapters/attestedtls/internal/softtest"
)

// against has the rogue meet the honest end of its world, and returns what the
// rogue was told and how the honest end ended.
func (r *rogue) against(t *testing.T) (told *frame.Verdict, rogueErr, honest error) {
	t.Helper()
	rogueEnd, honestEnd := softtest.Pair(t)
	return r.over(t, rogueEnd, honestEnd)
}

func (r *rogue) over(t *testing.T, rogueEnd, honestEnd net.Conn) (told *frame.Verdict, rogueErr, honest error) {
	t.Helper()
	ended := make(chan error, 1)
	handshake := r.honest(t)
	go func() { ended <- handshake(honestEnd) }()
	ctx := softtest.Context(t)
	if rogueErr = r.secure(ctx, rogueEnd, selfSigned(t)); rogueErr == nil {
		told, rogueErr = r.play(ctx)
	}
	if told == nil && rogueErr == nil && r.alter != nil { // the honest end has had the last frame, not its say
		told, rogueErr = r.lastWord(nil)
	}
	_ = rogueEnd.Close()
	return told, rogueErr, <-ended
}

// honest returns the handshake of the other end.
func (r *rogue) honest(t *testing.T) func(net.Conn) error {
	t.Helper()
	ctx := softtest.Context(t)
	if r.side == attestedtls.ClientSide {
		server := r.server
		if server == nil {
			server = softtest.NewServer(t, r.world.Server(t, r.purpose))
		}
		return func(raw net.Conn) error {
			_, err := server.Handshake(ctx, raw)
			return err
		}
	}
	config := r.client
	if config == nil {
		config = r.world.Client(t, r.purpose, softtest.Clients(r.purpose)[0])
	}
	return func(raw net.Conn) error {
		_, err := attestedtls.Client(ctx, raw, config)
		return err
	}
}

func sides() []attestedtls.Side {
	return []attestedtls.Side{attestedtls.ClientSide, attestedtls.ServerSide}
}

// TestHonestRogue shows that the rogue speaks the protocol: what befalls it
// elsewhere is for what it does there.
func TestHonestRogue(t *testing.T) {
	for _, s := range sessions() {
		for _, side := range sides() {
			t.Run(s.String()+" as "+side.String(), func(t *testing.T) {
				told, rogueErr, honest := newRogue(t, softtest.New(t), s, side).against(t)
				if told != nil || rogueErr != nil || honest != nil {
					t.Errorf("told %+v, %v; the honest end: %v", told, rogueErr, honest)
				}
			})
		}
	}
}
