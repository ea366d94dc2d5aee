// Package lp holds the one length-prefixed encoding that every hashed or
// signed byte string of the engine uses:
//
//	lp(x) = uint32 big-endian length of x ‖ x
//
// A label, then lp of each field in a fixed order, cannot be read in two ways:
// moving a byte from one field to the next changes a length. Append builds
// such strings, Reader takes them apart again and refuses whatever Append
// would not have written.
package lp
