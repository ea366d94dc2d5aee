// Package eventlog reads what a machine says it measured: the firmware's log, in
// the TCG's crypto-agile format (PC Client Platform Firmware Profile, section 10),
// and the run-time log, in the TCG's Canonical Event Log format with TLV encoding.
//
// Nothing vouches for a log but the registers: a replay that leads to their quoted
// values shows which digests were extended, in which order. It does not show what
// they are digests of. So only the digest of an event is handed on as it is. Its
// type is one of a list of known names, or none. Its description is believed where
// the digest covers the event's data, and begins with "unverified:" where not;
// where the type demands that it does, and it does not, both are dropped. The
// state of secure boot is told only where the first digest in PCR 7, replayed to
// the quoted value, is of the variable that says it.
//
// The parser is bounded, allocates little, and takes SHA-256 alone: a log without
// that bank explains nothing that is quoted.
package eventlog
