// Package lp stands for an encoder of length-prefixed fields.
package lp

// Append has one fixed parameter.
func Append(dst []byte, fields ...[]byte) []byte { return dst }

// Fixed has no variadic one.
func Fixed(dst, field []byte) []byte { return dst }
