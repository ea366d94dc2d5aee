package keys

// Generation counts the KEKs of a master secret, from 1. A rekey adds one.
type Generation uint32

// FirstGeneration is the generation of every new cluster.
const FirstGeneration Generation = 1

func (g Generation) check() error {
	if g < FirstGeneration {
		return ErrGeneration
	}
	return nil
}
