// Package fixedhex reads the one text form that hashes and public keys have in
// documents: lower-case hexadecimal of exactly their size.
package fixedhex
