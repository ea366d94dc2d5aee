package attestedtls

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"time"

	"github.com/asterism-k8s/asterism/adapters/attestedtls/frame"
	"github.com/asterism-k8s/asterism/domain/evidence"
	"github.com/asterism-k8s/asterism/ports"
)

// ClientConfig is what a client of one role brings to a session for one purpose.
type ClientConfig struct {
	Purpose evidence.Purpose
	Role    evidence.Role
	Keys    *Keys

	// NodeName is the node that is meant. It is needed in attest and admin, and
	// must be empty in all others.
	NodeName string
	// Claimed returns what the client says of itself: see frame.Hello.Validate.
	// Owners and holders need none.
	Claimed func() frame.Claimed
	// Attester makes the client's evidence. It is needed where the purpose has the
	// client attest, else nil.
	Attester ports.Attester

	// Verifiers verify the server.
	Verifiers ports.Verifiers
	// Trust is for init and attest. It is nil where the server shows a statement.
	Trust TrustSource
	// Statement is for all other purposes, else nil.
	Statement *StatementTrust

	// Now returns the time of verification, max(clock, floor).
	Now func() time.Time
	// Signed is told times that the owner signed, to raise the floor with. It may
	// be nil.
	Signed func(time.Time)
	// Logger gets what is not in errors. It may be nil.
	Logger *slog.Logger
	// Timeout is for the whole handshake; 0 is that of DefaultLimits.
	Timeout time.Duration
	// Linger is for the server to take a refusal in; 0 is that of DefaultLimits.
	Linger time.Duration
	// DialContext makes the connection of Dial; nil is a net.Dialer's.
	DialContext func(ctx context.Context, network, address string) (net.Conn, error)
}

// Service is what a server brings to sessions for one purpose. Its role follows
// from the purpose.
type Service struct {
	// Claimed returns what the server says of itself: see frame.Hello.Validate.
	Claimed func() frame.Claimed
	// Attester makes the server's evidence.
	Attester ports.Attester
	// Statement returns the encoded owner.SignedStatement. It is needed for all
	// purposes but init and attest, and nil for these.
	Statement func(context.Context) ([]byte, error)
	// Trust is what clients that attest are held against, nil where they do not.
	Trust TrustSource
}

// ServerConfig is what a server is made of.
type ServerConfig struct {
	Keys *Keys
	// Services holds what is served, by purpose. All others are refused.
	Services map[evidence.Purpose]*Service
	// Verifiers verify clients. It may be nil where none attests.
	Verifiers ports.Verifiers
	// Now returns the time of verification, max(clock, floor).
	Now    func() time.Time
	Logger *slog.Logger // may be nil
	Limits Limits
}

func (c *ClientConfig) validate() error {
	attests, shows := c.Purpose.ClientAttests(), frame.ShowsStatement(c.Purpose)
	named := c.Purpose == evidence.Attest || c.Purpose == evidence.Admin
	return firstOf(
		problemIf(!frame.IsClient(c.Purpose, c.Role), "no client is a %q for %q", c.Role, c.Purpose),
		problemIf(c.Keys == nil || c.Now == nil || c.Verifiers == nil, "Keys, Now and Verifiers are needed"),
		problemIf(attests != (c.Attester != nil), "Attester is there: %v, and a client attests for %q: %v", c.Attester != nil, c.Purpose, attests),
		problemIf(shows != (c.Statement != nil), "Statement is there: %v, and one is shown for %q: %v", c.Statement != nil, c.Purpose, shows),
		problemIf(shows == (c.Trust != nil), "Trust is there: %v, and a statement is shown for %q: %v", c.Trust != nil, c.Purpose, shows),
		problemIf(named != (c.NodeName != ""), "the node meant is %q, and one is needed for %q: %v", c.NodeName, c.Purpose, named),
		problemIf(c.Statement != nil && c.Statement.Anchor == nil, "Statement needs its Anchor"),
	)
}

func (c *ServerConfig) validate() error {
	if c.Keys == nil || c.Now == nil {
		return fmt.Errorf("%w: Keys and Now are needed", ErrConfig)
	}
	if c.Limits.negative() {
		return fmt.Errorf("%w: a limit is negative: %+v", ErrConfig, c.Limits)
	}
	for p, s := range c.Services {
		attests, shows := p.ClientAttests(), frame.ShowsStatement(p)
		problem := firstOf(
			problemIf(frame.ServerRole(p) == "", "there is no purpose %q", p),
			problemIf(s == nil || s.Attester == nil || s.Claimed == nil, "the service for %q needs an Attester and Claimed", p),
			problemIf(s != nil && shows != (s.Statement != nil), "Statement of the service for %q has to be there: %v", p, shows),
			problemIf(s != nil && attests != (s.Trust != nil), "Trust of the service for %q has to be there: %v", p, attests),
			problemIf(attests && c.Verifiers == nil, "Verifiers are needed for %q", p),
		)
		if problem != nil {
			return problem
		}
	}
	return nil
}

func problemIf(wrong bool, format string, args ...any) error {
	if !wrong {
		return nil
	}
	return fmt.Errorf("%w: %w", ErrConfig, fmt.Errorf(format, args...))
}

func firstOf(list ...error) error {
	for _, err := range list {
		if err != nil {
			return err
		}
	}
	return nil
}
