// Package canonicaljson holds the one JSON form of what is hashed or signed: RFC
// 8785 (JSON Canonicalization Scheme). Keys are sorted, nothing is spaced,
// strings take the shortest escapes, and numbers are integers that an IEEE 754
// double holds exactly.
//
// Marshal writes it. Who reads it decodes with Decode, checks what the values
// mean, writes them again and lets Check compare: a document that says the same
// in any other way is refused, so one meaning has one hash.
package canonicaljson
