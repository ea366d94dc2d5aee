package evidence

import "github.com/asterism-k8s/asterism/domain/merkle"

// LeafForTest returns the leaf of a binding with the given bytes.
func LeafForTest(sum [BindingSize]byte) Leaf { return Leaf{merkle.LeafHash(sum[:])} }
