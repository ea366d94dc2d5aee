package attestedtls

import (
	"github.com/asterism-k8s/asterism/domain/evidence"
	"github.com/asterism-k8s/asterism/domain/keys"
)

// Exporter is the keying material that a session is bound to (RFC 8446, section
// 7.5), secret as long as the session is. The zero value is of no session.
type Exporter struct{ keys.Secret }

func newExporter(material [evidence.ExporterSize]byte) Exporter {
	return Exporter{keys.NewSecret(material[:])}
}

// Reveal returns the material itself, zero where there is none.
func (e Exporter) Reveal() (material [evidence.ExporterSize]byte) {
	copy(material[:], e.Secret.Reveal())
	return material
}

// Equal says whether both are of one session.
func (e Exporter) Equal(other Exporter) bool { return e.Secret.Equal(other.Secret) }
