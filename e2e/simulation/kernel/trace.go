package kernel

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash"
	"strings"
	"time"
)

// Line is one thing that happened, in words.
type Line struct {
	At   time.Duration // since the beginning
	Who  string
	What string
	Tone Tone
}

// Tone says what sort of thing happened.
type Tone byte

// The tones.
const (
	Normal Tone = ' '
	Fault  Tone = '!' // the world was made worse
	Good   Tone = '+' // a goal was reached
	Bad    Tone = 'x' // something was refused or failed, or an invariant broken
)

// Trace is what happened.
type Trace struct {
	start  time.Time
	now    time.Time
	sum    hash.Hash
	events uint64
	tail   []Line // a ring
	lines  uint64
	Print  func(Line) // nil: nobody reads along
}

// tailLines is how many lines are kept for who asks afterwards.
const tailLines = 64

func newTrace(start time.Time) *Trace {
	return &Trace{start: start, now: start, sum: sha256.New(), tail: make([]Line, 0, tailLines)}
}

// tick takes an event into the hash.
func (t *Trace) tick(now time.Time, seq uint64) {
	t.events++
	t.now = now
	var b [17]byte
	b[0] = 'e'
	binary.BigEndian.PutUint64(b[1:], uint64(now.Sub(t.start)))
	binary.BigEndian.PutUint64(b[9:], seq)
	t.sum.Write(b[:])
}

// Tell takes into the hash, and tells who reads along, that something happened.
// The parts are joined.
func (t *Trace) Tell(at time.Time, tone Tone, who string, parts ...string) {
	line := Line{At: at.Sub(t.start), Who: who, What: strings.Join(parts, ""), Tone: tone}
	t.digest(line)
	if len(t.tail) < tailLines {
		t.tail = append(t.tail, line)
	} else {
		t.tail[t.lines%tailLines] = line
	}
	t.lines++
	if t.Print != nil {
		t.Print(line)
	}
}

func (t *Trace) digest(l Line) {
	var b [14]byte
	b[0], b[1] = 'l', byte(l.Tone)
	binary.BigEndian.PutUint64(b[2:], uint64(l.At))
	binary.BigEndian.PutUint32(b[10:], uint32(len(l.Who)))
	t.sum.Write(b[:])
	t.sum.Write([]byte(l.Who))
	t.sum.Write([]byte(l.What))
}

// Tail returns the last lines, the oldest first.
func (t *Trace) Tail() []Line {
	if t.lines <= tailLines {
		return t.tail
	}
	cut := t.lines % tailLines
	return append(append([]Line{}, t.tail[cut:]...), t.tail[:cut]...)
}

// Hash returns the SHA-256 over all events and lines so far.
func (t *Trace) Hash() [sha256.Size]byte {
	var sum [sha256.Size]byte
	t.sum.Sum(sum[:0])
	return sum
}

// String returns the line as a story shows it.
func (l Line) String() string {
	at := l.At.Truncate(time.Millisecond)
	return fmt.Sprintf("%3d:%02d:%02d.%03d %c %-8s %s",
		int(at.Hours()), int(at.Minutes())%60, int(at.Seconds())%60, at.Milliseconds()%1000, l.Tone, l.Who, l.What)
}
