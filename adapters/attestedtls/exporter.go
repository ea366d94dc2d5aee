package attestedtls

import (
	"crypto/subtle"
	"fmt"
	"log/slog"

	"github.com/asterism-k8s/asterism/domain/evidence"
)

// redacted stands for an exporter wherever one is printed.
const redacted = "[redacted]"

// Exporter is the keying material that a session is bound to (RFC 8446, section
// 7.5), secret as long as the session is. It shows as "[redacted]" in fmt, slog and
// text encodings. The zero value is of no session.
type Exporter struct {
	// A function, since printers cannot look into what it captured.
	material func() [evidence.ExporterSize]byte
}

func newExporter(material [evidence.ExporterSize]byte) Exporter {
	return Exporter{func() [evidence.ExporterSize]byte { return material }}
}

// Reveal returns the material itself, zero where there is none.
func (e Exporter) Reveal() [evidence.ExporterSize]byte {
	if e.material == nil {
		return [evidence.ExporterSize]byte{}
	}
	return e.material()
}

// Equal says whether both are of one session.
func (e Exporter) Equal(other Exporter) bool {
	a, b := e.Reveal(), other.Reveal()
	return e.material != nil && other.material != nil && subtle.ConstantTimeCompare(a[:], b[:]) == 1
}

// String returns "[redacted]".
func (Exporter) String() string { return redacted }

// GoString returns "[redacted]".
func (Exporter) GoString() string { return redacted }

// Format writes "[redacted]" whatever the verb.
func (Exporter) Format(s fmt.State, _ rune) { _, _ = s.Write([]byte(redacted)) }

// LogValue returns "[redacted]".
func (Exporter) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText returns "[redacted]".
func (Exporter) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// MarshalJSON returns "[redacted]" as a string.
func (Exporter) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }
