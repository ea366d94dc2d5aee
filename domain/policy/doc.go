// Package policy holds the product's judgement: may a machine that proved these
// claims be admitted under this policy?
//
// Claims are plain data that a verifier took from evidence; every signature on
// them is already checked. A Document is what an owner writes and signs. New
// checks a document as a whole, names every problem with the path of its field,
// and makes a Policy: immutable, with one canonical JSON form and its hash.
//
// Appraise holds claims against a policy at a time and returns a Verdict. It is
// pure and total: the same arguments give the same verdict, no input makes it
// panic, and it never stops at the first Finding. A finding says what differs,
// what was expected and seen, and what to do; register mismatches are relative
// to the known release that is nearest.
//
// A verdict travels to the machine that it is about: EncodeVerdict and
// DecodeVerdict bound what one end tells the other. The time to judge at is the
// clock's or a Floor, the newest signed time seen, whichever is later.
//
// What is not known counts against the machine: a claim that is missing where
// the policy asks for it is a finding, never a pass.
package policy
