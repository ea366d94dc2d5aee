package verifier

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"slices"
	"unicode/utf8"
)

// maxAttribute is how many bytes an attribute of a TPM's name may have.
const maxAttribute = 256

// handleAlternativeName takes the subject's alternative name off the list of
// critical extensions that crypto/x509 does not handle. It does not know names of
// directories, and such a name of the TPM is what the EK Credential Profile
// (section 3.1.2) makes critical where the subject is empty. Nothing else is
// taken off the list.
func handleAlternativeName(leaf *x509.Certificate) error {
	isName := func(id asn1.ObjectIdentifier) bool { return id.Equal(alternativeName()) }
	if !slices.ContainsFunc(leaf.UnhandledCriticalExtensions, isName) {
		return nil
	}
	for _, extension := range leaf.Extensions {
		if !isName(extension.Id) {
			continue
		}
		if err := parseTPMName(extension.Value); err != nil {
			return fmt.Errorf("names its TPM in no known way: %w", err)
		}
	}
	leaf.UnhandledCriticalExtensions = slices.DeleteFunc(leaf.UnhandledCriticalExtensions, isName)
	return nil
}

// alternativeName is id-ce-subjectAltName (RFC 5280, section 4.2.1.6).
func alternativeName() asn1.ObjectIdentifier { return asn1.ObjectIdentifier{2, 5, 29, 17} }

// tpmAttributes are tcg-at-tpmManufacturer, -Model and -Version.
func tpmAttributes() []asn1.ObjectIdentifier {
	return []asn1.ObjectIdentifier{{2, 23, 133, 2, 1}, {2, 23, 133, 2, 2}, {2, 23, 133, 2, 3}}
}

// parseTPMName reads GeneralNames that hold one name of a directory, which holds
// the TPM's manufacturer, model and version once each, and nothing else.
func parseTPMName(der []byte) error {
	const directory = 4 // GeneralName: directoryName [4]
	var names []asn1.RawValue
	if rest, err := asn1.Unmarshal(der, &names); err != nil || len(rest) > 0 {
		return errors.New("not a sequence of names")
	}
	if len(names) != 1 || names[0].Class != asn1.ClassContextSpecific || names[0].Tag != directory || !names[0].IsCompound {
		return errors.New("not exactly one name of a directory")
	}
	var name pkix.RDNSequence
	if rest, err := asn1.Unmarshal(names[0].Bytes, &name); err != nil || len(rest) > 0 {
		return errors.New("not a distinguished name")
	}
	return checkTPMName(name)
}

func checkTPMName(name pkix.RDNSequence) error {
	missing := tpmAttributes()
	for _, set := range name {
		for _, attribute := range set {
			i := slices.IndexFunc(missing, attribute.Type.Equal)
			if i < 0 {
				return fmt.Errorf("attribute %v, or it twice", attribute.Type)
			}
			missing = slices.Delete(missing, i, i+1)
			text, ok := attribute.Value.(string)
			if !ok || text == "" || len(text) > maxAttribute || !utf8.ValidString(text) {
				return fmt.Errorf("attribute %v holds no text of 1 to %d bytes", attribute.Type, maxAttribute)
			}
		}
	}
	if len(missing) > 0 {
		return fmt.Errorf("no attribute %v", missing[0])
	}
	return nil
}
