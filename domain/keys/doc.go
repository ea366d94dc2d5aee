// Package keys derives every secret of a cluster from one master secret, and
// decides which names a key may have.
//
// With lp(x) = uint32be(length of x) ‖ x, all texts in UTF-8, and HKDF as in
// RFC 5869 over SHA-256, as HKDF(IKM, salt, info, length) and
// HKDF-Expand(PRK, info, length):
//
//	master secret       = key (32 B) ‖ salt (32 B)
//	KEK(g)              = HKDF(key, salt, "asterism/v1/kek" ‖ uint32be(g), 32)
//	K(KEK, g, p, x, n)  = HKDF-Expand(KEK, "asterism/v1/data-key"
//	                        ‖ lp(p) ‖ lp(x) ‖ uint32be(g) ‖ uint32be(n), n)
//	data key            = K(KEK(g), g, purpose, name, n)
//	measurement secret  = K(KEK(1), 1, "cluster", "measurement", 32)
//	cluster ID          = HKDF(measurement secret, measurement salt, "asterism/v1/cluster-id", 32)
//	mark                = H("asterism/mark/v1" ‖ lp(cluster ID) ‖ lp(owner ID)), H = SHA-256 or SHA-384
//
// The length is part of what a key is derived from, so that a short key is no
// prefix of a longer one; so is the generation, beside the KEK that differs.
//
// A [Secret] hides its bytes from everything that prints, and is read only
// through [Secret.Reveal]. [MasterSecret], [KEK] and [MeasurementSecret] are
// secrets, with every method of one, which know what they are for. An [ID] cannot be made with a purpose or
// a name that is not canonical, and never with the purpose "cluster": nobody who
// asks for data keys can name the measurement secret. testdata/vectors.json has
// an example of every derivation for other implementations.
package keys
