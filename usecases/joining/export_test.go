package joining

// Decoders of what lies in the store, each with what writes it again.

func ReencodeRequest(data []byte) ([]byte, error) {
	r, err := decodeRequest(data)
	if err != nil {
		return nil, err
	}
	return r.encode()
}

func ReencodeTally(data []byte) ([]byte, error) {
	t, err := decodeTally(data)
	if err != nil {
		return nil, err
	}
	return t.encode()
}

func ReencodeHolder(data []byte) ([]byte, error) {
	id, err := decodeHolder(data)
	if err != nil {
		return nil, err
	}
	return encodeHolder(id)
}
