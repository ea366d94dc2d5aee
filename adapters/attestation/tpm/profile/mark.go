package profile

// MarkPCR is the register that a member's mark is extended into.
const MarkPCR = 15

// MarkContentType is the type of the content of the mark's record in a Canonical
// Event Log. Its value is what the record's digest was computed over. The TCG
// leaves types above its own (CEL, version 1.0, section 5.1) to others.
const MarkContentType uint8 = 0xa5
