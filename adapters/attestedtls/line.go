package attestedtls

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/asterism-k8s/asterism/adapters/attestedtls/frame"
)

// maxDrain is how many bytes a peer may still send after it was refused: all the
// frames that it could have sent before it read that.
const maxDrain = 2 << 20

// line carries frames over a TLS session, as the script has them. One goroutine
// uses it.
type line struct {
	raw    net.Conn
	tls    *tls.Conn
	side   Side
	script script
	out    []byte // frames that were put and not flushed
}

// put adds the frame to what the next flush sends.
func (l *line) put(m frame.Message) error {
	encoded, err := frame.Marshal(m)
	if err != nil {
		return err
	}
	return l.putEncoded(m.Kind(), encoded)
}

func (l *line) putEncoded(k frame.Kind, message []byte) error {
	if !l.script.take(l.side, k) {
		return fmt.Errorf("the %v has no place for a %v of the %v", l.script.allowed(l.side), k, l.side)
	}
	out, err := frame.AppendEncoded(l.out, k, message)
	if err != nil {
		return err
	}
	l.out = out
	return nil
}

// flush sends what was put. Where the peer does not take it, its last word may
// say why.
func (l *line) flush(ctx context.Context) error {
	out := l.out
	l.out = nil
	err := l.within(ctx, func() error { _, err := l.tls.Write(out); return err })
	if err == nil {
		return nil
	}
	if ctx.Err() == nil {
		if last := l.lastWord(ctx); last != nil {
			return last
		}
	}
	return interrupted(ctx, "sending to the peer", err)
}

// receive returns the peer's next frame, and its message as received.
func (l *line) receive(ctx context.Context) (frame.Message, []byte, error) {
	header, err := l.begin(ctx)
	if err != nil {
		return nil, nil, err
	}
	return l.rest(ctx, header)
}

// begin waits for the first bytes of the peer's next frame.
func (l *line) begin(ctx context.Context) (frame.Header, error) {
	var header frame.Header
	err := l.within(ctx, func() (err error) {
		header, err = frame.ReadHeader(l.tls, append(l.script.allowed(l.side.other()), frame.KindVerdict)...)
		return err
	})
	if err == nil && header.Length > l.bound(header.Kind) {
		err = &frame.Error{Kind: header.Kind, Err: fmt.Errorf("%w: %d bytes, at most %d", frame.ErrTooLarge, header.Length, l.bound(header.Kind))}
	}
	return header, l.explain(ctx, err)
}

// bound is how many bytes the peer's frame may have. A client's word on a server,
// for which anybody may send, is shorter than the other way round.
func (l *line) bound(k frame.Kind) int {
	return Step{Sender: l.side.other(), Kind: k}.Bound()
}

// rest reads and decodes the rest of a frame.
func (l *line) rest(ctx context.Context, h frame.Header) (frame.Message, []byte, error) {
	raw, err := l.read(ctx, h)
	if err != nil {
		return nil, nil, err
	}
	m, err := l.decode(h.Kind, raw)
	return m, raw, err
}

// read reads the rest of a frame.
func (l *line) read(ctx context.Context, h frame.Header) ([]byte, error) {
	var raw []byte
	err := l.within(ctx, func() (err error) { raw, err = h.Read(l.tls); return err })
	return raw, l.explain(ctx, err)
}

// decode decodes a frame that was read. A verdict that refuses ends the handshake,
// and may come at any time; all else comes where the script has it.
func (l *line) decode(k frame.Kind, raw []byte) (frame.Message, error) {
	m, err := frame.Unmarshal(k, raw)
	if err != nil {
		return nil, refuseFrame(err)
	}
	if v, ok := m.(*frame.Verdict); ok && !v.Admitted {
		return nil, refusedBy(&v.Verdict, v.RetryAfter)
	}
	if !l.script.take(l.side.other(), k) {
		return nil, refuseFrame(&frame.Error{Kind: k, Err: fmt.Errorf("%w: nothing is decided yet", frame.ErrUnexpected)})
	}
	return m, nil
}

func (l *line) explain(ctx context.Context, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, frame.ErrFrame):
		return refuseFrame(err)
	default:
		return interrupted(ctx, "waiting for the peer", err)
	}
}

// lastWord returns the refusal that the peer may have sent before the connection
// was lost, nil where there is none.
func (l *line) lastWord(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	var by *Refused
	if _, _, err := l.receive(ctx); errors.As(err, &by) && by.ByPeer {
		return err
	}
	return nil
}

// within runs an operation on the connection and interrupts it when the context
// is done.
func (l *line) within(ctx context.Context, op func() error) error {
	done := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(done)
		_ = l.raw.SetDeadline(time.Unix(1, 0)) // a connection that has none is closed
	})
	err := op()
	if !stop() {
		<-done
		_ = l.raw.SetDeadline(time.Time{})
	}
	return err
}

// say delivers a last verdict: it is written while whatever the peer still sends
// is read away, since a connection that is closed over unread bytes is reset, and
// takes the verdict with it. Who is refused hangs up, or is hung up on when the
// context is done.
func (l *line) say(ctx context.Context, v *frame.Verdict) error {
	defer l.raw.Close() //nolint:errcheck // nothing more is to be said; TLS would wait to say so
	message, err := frame.Append(nil, v)
	if err != nil {
		return err
	}
	return l.within(ctx, func() error {
		written := make(chan error, 1)
		go func() {
			_, err := l.tls.Write(message)
			if err == nil {
				err = l.tls.CloseWrite()
			}
			if err != nil {
				_ = l.raw.Close() // nobody listens: the drain need not wait either
			}
			written <- err
		}()
		l.drain()
		return <-written
	})
}

// drain reads away what the peer still sends. It takes little memory: a flood of
// those who are refused may linger here.
func (l *line) drain() {
	var scrap [512]byte
	for left := maxDrain; left > 0; {
		n, err := l.tls.Read(scrap[:])
		if err != nil {
			return
		}
		left -= n
	}
}
