package attester

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/asterism-k8s/asterism/adapters/attestation/tpm/device"
	"github.com/asterism-k8s/asterism/ports"
)

// ErrReplaced is wrapped where the TPM at the address is another one than when
// the attester was opened, or has another endorsement seed. Nothing is proved with it: open a new attester.
var ErrReplaced = errors.New("the TPM is another one than before")

func replaced() error { return fmt.Errorf("%w: %w", ports.ErrUnavailable, ErrReplaced) }

var errClosed = errors.New("the attester was closed")

// identity is what never changes about a TPM.
type identity struct {
	ekCertificate []byte // DER, empty if there is none
	ekPublic      []byte // TPMT_PUBLIC
	akPublic      []byte // TPMT_PUBLIC
}

// link is the way to a TPM. It outlives connections.
type link struct {
	address  string
	log      *slog.Logger
	identity identity

	turn       chan struct{} // holds one token, which is the right to use what is below
	connection *connection   // nil when it was lost
	mark       mark          // what the machine was marked with
	closed     bool
}

func openLink(ctx context.Context, address string, log *slog.Logger) (*link, error) {
	l := &link{address: address, log: log, turn: make(chan struct{}, 1)}
	l.turn <- struct{}{}
	err := l.use(ctx, "reading the keys of the TPM", func(c *connection) error {
		certificate, err := c.ekCertificate(log)
		if err != nil {
			return err
		}
		l.identity = identity{certificate, c.ek.public, c.ak.public}
		return nil
	})
	if err != nil {
		return nil, errors.Join(err, l.close())
	}
	return l, nil
}

// use runs an operation on the TPM when its turn has come, and once more on a
// new connection where the old one turns out to be lost. Operations begin anew
// then, and must bear it.
//
// A TPM's work cannot be interrupted, and an operation that stopped in the middle
// would leave things behind: when the context is done, use returns, and the
// operation goes on to its end.
func (l *link) use(ctx context.Context, what string, operation func(*connection) error) error {
	select {
	case <-l.turn:
	case <-ctx.Done():
		return fmt.Errorf("%s: waiting for the TPM: %w", what, ctx.Err())
	}
	done := make(chan error, 1)
	go func() {
		defer func() { l.turn <- struct{}{} }()
		done <- l.attempt(context.WithoutCancel(ctx), operation)
	}()
	select {
	case err := <-done:
		if err != nil {
			return fmt.Errorf("%s: %w", what, device.Explain(err))
		}
		return nil
	case <-ctx.Done():
		return fmt.Errorf("%s: %w", what, ctx.Err())
	}
}

// query is use for operations that find something out. What nobody awaits any
// more is dropped.
func query[T any](ctx context.Context, l *link, what string, operation func(*connection) (T, error)) (T, error) {
	found := make(chan T, 1)
	err := l.use(ctx, what, func(c *connection) error {
		value, err := operation(c)
		if err == nil {
			found <- value
		}
		return err
	})
	if err != nil {
		var none T
		return none, err
	}
	return <-found, nil
}

func (l *link) attempt(ctx context.Context, operation func(*connection) error) error {
	fresh := l.connection == nil
	err := l.once(ctx, operation)
	if fresh || !errors.Is(err, device.ErrGone) {
		return err
	}
	l.log.WarnContext(ctx, "the connection to the TPM was lost, opening it again", slog.Any("error", err))
	return l.once(ctx, operation)
}

func (l *link) once(ctx context.Context, operation func(*connection) error) error {
	if err := l.connect(ctx); err != nil {
		return err
	}
	err := operation(l.connection)
	if errors.Is(err, device.ErrGone) {
		l.connection = nil
	}
	return err
}

// connect opens a connection where there is none, and sees to it that the keys
// are those that were there before.
func (l *link) connect(ctx context.Context) error {
	if l.closed {
		return fmt.Errorf("%w: %w", ports.ErrUnavailable, errClosed)
	}
	if l.connection != nil {
		return nil
	}
	c, err := openConnection(ctx, l.address)
	if err != nil {
		return err
	}
	known := l.identity.akPublic != nil
	if known && (!bytes.Equal(c.ak.public, l.identity.akPublic) || !bytes.Equal(c.ek.public, l.identity.ekPublic)) {
		return errors.Join(replaced(), c.close())
	}
	l.connection = c
	return nil
}

func (l *link) close() error {
	<-l.turn
	defer func() { l.turn <- struct{}{} }()
	l.closed = true
	if l.connection == nil {
		return nil
	}
	err := l.connection.close()
	l.connection = nil
	return err
}
