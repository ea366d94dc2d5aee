package policy

import (
	"encoding/json"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/asterism-k8s/asterism/domain/measurement"
)

// Bounds of an encoded finding, so that a verdict has room for some of any kind.
const (
	maxFindingSize = 12 << 10 // bytes
	maxFindingList = 16       // entries of each list
	shortText      = 128      // bytes of each text, where longer ones do not fit
)

// encodeFinding encodes a finding in at most maxFindingSize bytes: as it is but
// for control characters, else with its texts cut short.
func encodeFinding(f *Finding) json.RawMessage {
	data := marshal(f.clean(maxText))
	if len(data) > maxFindingSize {
		return marshal(f.clean(shortText))
	}
	return data
}

// clean returns a copy of the finding that a peer can read: no control character,
// no text over limit bytes, no list over maxFindingList.
func (f *Finding) clean(limit int) *Finding {
	return &Finding{
		Code: f.Code, Severity: f.Severity, Subject: clean(f.Subject, limit),
		Expected: cleanList(f.Expected, limit), Seen: clean(f.Seen, limit), Divergence: f.Divergence.clean(limit),
		ExplainedBy: cleanList(f.ExplainedBy, limit), Remedy: clean(f.Remedy, limit),
	}
}

// clean drops a divergence that could not be read again.
func (d *Divergence) clean(limit int) *Divergence {
	if d == nil || d.Position < 0 || d.Position > MaxEvents {
		return nil
	}
	return &Divergence{d.Position, cleanEvent(d.Expected, limit), cleanEvent(d.Seen, limit)}
}

func cleanEvent(e *measurement.Event, limit int) *measurement.Event {
	if e == nil || e.Digest.IsZero() {
		return nil
	}
	return &measurement.Event{Register: e.Register, Digest: e.Digest, Type: clean(e.Type, limit), Description: clean(e.Description, limit)}
}

func cleanList(list []string, limit int) []string {
	var out []string
	for _, text := range list[:min(len(list), maxFindingList)] {
		out = append(out, clean(text, limit))
	}
	return out
}

// clean returns text in at most limit bytes of UTF-8 without control characters.
func clean(text string, limit int) string {
	const mark = "…"
	text = strings.Map(func(r rune) rune { // and what is not UTF-8 becomes the same
		if unicode.IsControl(r) {
			return utf8.RuneError
		}
		return r
	}, text)
	if len(text) <= limit {
		return text
	}
	cut := limit - len(mark)
	for !utf8.RuneStart(text[cut]) {
		cut--
	}
	return text[:cut] + mark
}
