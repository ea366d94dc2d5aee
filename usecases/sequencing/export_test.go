package sequencing

// Waiting returns how many calls nobody has sent.
func (s *Sequencer) Waiting() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.queue)
}

// Acknowledgements are read from the store, and tests put other things there.
var (
	EncodeAck = encodeAck
	DecodeAck = decodeAck
)
