package member

import (
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"regexp"
	"time"
)

// Defaults of a Config.
const (
	DefaultQuota   = 1 << 30 // bytes
	DefaultHistory = 10 * time.Minute
	DefaultToken   = "asterism"
)

// ErrConfig is wrapped where a Config cannot be used. Nothing was started.
var ErrConfig = errors.New("not a configuration of a member of the store")

// Files are the PEM files with which one kind of connection is authenticated, on
// both sides and with TLS 1.3. They are read anew for each connection.
type Files struct {
	Certificate string // for servers and for clients, with the addresses of this member
	Key         string
	Authority   string // signs this certificate and those of everybody who may connect
}

// Peer is a member as the others know it.
type Peer struct {
	Name    string
	Address string // of its peer port, as IP:port
}

// Config says what a member is.
type Config struct {
	// Name is its own among the members: 1 to 64 of a-z A-Z 0-9 . _ -
	Name string
	// Folder is where it keeps everything, and nobody else anything. It is made
	// where it is missing.
	Folder string
	// ClientAddress and PeerAddress are where it listens and where others find it,
	// as IP:port. Port 0 is one that is free.
	ClientAddress, PeerAddress string
	// ClientTLS and PeerTLS authenticate clients and other members. Their
	// authorities should not be the same: whoever is taken for a member may write
	// anything.
	ClientTLS, PeerTLS *Files
	// Insecure does without either. All addresses have to be loopback ones.
	Insecure bool
	// Peers are all members at the beginning, with this one. Empty: it is the only
	// one. Once the folder holds a member they count no more.
	Peers []Peer
	// Join says that the cluster exists and has this member among Peers. False: the
	// members found it together.
	Join bool
	// Token tells clusters apart that found themselves at the same addresses.
	// Empty: DefaultToken.
	Token string
	// Quota is how many bytes the store may take. Zero: DefaultQuota.
	Quota int64
	// History is for how long replaced and deleted values are kept, so that whoever
	// watches can catch up. Zero: DefaultHistory. Less than zero: until Compact.
	History time.Duration
	// UnsafeNoFsync acknowledges what a power failure takes back. It is for tests
	// only.
	UnsafeNoFsync bool
	// Logger is told what the server says. Nil: nobody is.
	Logger *slog.Logger
}

// complete returns the configuration with defaults in place of what is empty.
func (c Config) complete() (Config, error) {
	if c.Token == "" {
		c.Token = DefaultToken
	}
	if c.Quota == 0 {
		c.Quota = DefaultQuota
	}
	if c.History == 0 {
		c.History = DefaultHistory
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	err := c.check()
	return c, err
}

func (c *Config) check() error {
	switch {
	case c.Folder == "":
		return fmt.Errorf("%w: it has no folder", ErrConfig)
	case c.Quota < 0:
		return fmt.Errorf("%w: the quota is %d bytes", ErrConfig, c.Quota)
	case c.Join && len(c.Peers) < 2:
		return fmt.Errorf("%w: it joins a cluster without other members", ErrConfig)
	}
	if !regexp.MustCompile(`^[a-zA-Z0-9._-]{1,64}$`).MatchString(c.Token) {
		return fmt.Errorf("%w: the token %q is not a word", ErrConfig, c.Token)
	}
	for _, check := range []func() error{c.checkNames, c.checkAddresses, c.checkTLS} {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}

func (c *Config) checkNames() error {
	grammar := regexp.MustCompile(`^[a-zA-Z0-9._-]{1,64}$`)
	if !grammar.MatchString(c.Name) {
		return fmt.Errorf("%w: %q is no name", ErrConfig, c.Name)
	}
	seen := map[string]bool{}
	for _, p := range c.Peers {
		if !grammar.MatchString(p.Name) || seen[p.Name] {
			return fmt.Errorf("%w: %q is no name of a peer, or of two", ErrConfig, p.Name)
		}
		seen[p.Name] = true
		if p.Name == c.Name && p.Address != c.PeerAddress {
			return fmt.Errorf("%w: it is %s among the peers and listens on %s", ErrConfig, p.Address, c.PeerAddress)
		}
	}
	if len(c.Peers) > 0 && !seen[c.Name] {
		return fmt.Errorf("%w: %q is not among the peers", ErrConfig, c.Name)
	}
	return nil
}

func (c *Config) checkAddresses() error {
	addresses := []string{c.ClientAddress, c.PeerAddress}
	for _, p := range c.Peers {
		addresses = append(addresses, p.Address)
	}
	for _, a := range addresses {
		address, err := netip.ParseAddrPort(a)
		switch {
		case err != nil || address.Addr().IsUnspecified() || address.Addr().Zone() != "":
			return fmt.Errorf("%w: %q is not IP:port", ErrConfig, a)
		case c.Insecure && !address.Addr().IsLoopback():
			return fmt.Errorf("%w: it would speak to %s without TLS", ErrConfig, a)
		case address.Port() == 0 && len(c.Peers) > 0 && a == c.PeerAddress:
			return fmt.Errorf("%w: the other peers cannot know its port", ErrConfig)
		}
	}
	return nil
}

// checkTLS demands mutual TLS for everything, or that nobody has to ask why there
// is none.
func (c *Config) checkTLS() error {
	for _, files := range []*Files{c.ClientTLS, c.PeerTLS} {
		switch {
		case c.Insecure && files != nil:
			return fmt.Errorf("%w: it is to be insecure, with certificates", ErrConfig)
		case !c.Insecure && (files == nil || files.Certificate == "" || files.Key == "" || files.Authority == ""):
			return fmt.Errorf("%w: certificate, key or authority is missing", ErrConfig)
		}
	}
	return nil
}
