package owner

// NewPayload lets tests sign what no constructor of payloads would hand out.
func NewPayload(data []byte) Payload { return Payload{data} }
