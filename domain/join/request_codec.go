package join

import (
	"encoding/binary"
	"fmt"

	"github.com/asterism-k8s/asterism/domain/internal/lp"
)

const requestLabel = "asterism/join-request/v1"

// Encode returns
//
//	"asterism/join-request/v1" ‖ lp(ID) ‖ lp(kind) ‖ lp(disk) ‖ lp(name) ‖ lp(role)
//	  ‖ uint32(services) ‖ lp(service) ‖ lp(hash of its key)…
//
// A request has one encoding. The error is an *InvalidError of the kind
// ErrRequest.
func (r *Request) Encode() ([]byte, error) {
	if err := r.Validate(); err != nil {
		return nil, err
	}
	data := lp.Append([]byte(requestLabel), r.ID[:])
	data = lp.Append(data, string(r.Kind), r.Disk, string(r.Name), string(r.Role))
	data = binary.BigEndian.AppendUint32(data, uint32(len(r.Services)))
	for _, s := range r.Services {
		data = lp.Append(data, s.Service)
		data = lp.Append(data, s.SPKI[:])
	}
	return data, nil
}

// DecodeRequest reads what Encode writes, and nothing else. The error wraps
// ErrRequest.
func DecodeRequest(data []byte) (*Request, error) {
	if len(data) > MaxRequestSize {
		return nil, fmt.Errorf("%w: %d bytes, at most %d", ErrRequest, len(data), MaxRequestSize)
	}
	r, err := decodeRequest(lp.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrRequest, err)
	}
	if err := r.Validate(); err != nil {
		return nil, err
	}
	return r, nil
}

func decodeRequest(r *lp.Reader) (*Request, error) {
	if err := r.Literal(requestLabel); err != nil {
		return nil, fmt.Errorf("reading the label: %w", err)
	}
	var out Request
	if err := readFixed(r, out.ID[:]); err != nil {
		return nil, fmt.Errorf("reading the ID: %w", err)
	}
	var texts [4]string
	for i := range texts {
		field, err := r.Field(MaxNodeName)
		if err != nil {
			return nil, fmt.Errorf("reading text %d: %w", i, err)
		}
		texts[i] = string(field)
	}
	out.Kind, out.Disk, out.Name, out.Role = Kind(texts[0]), texts[1], NodeName(texts[2]), Role(texts[3])
	var err error
	if out.Services, err = readServices(r); err != nil {
		return nil, err
	}
	return &out, r.End()
}

func readServices(r *lp.Reader) ([]ServiceKey, error) {
	count, err := r.Uint32()
	if err != nil {
		return nil, fmt.Errorf("reading the number of services: %w", err)
	}
	if count > MaxServices {
		return nil, fmt.Errorf("%d services, at most %d", count, MaxServices)
	}
	var list []ServiceKey
	for i := range count {
		name, err := r.Field(MaxServiceName)
		if err != nil {
			return nil, fmt.Errorf("reading the name of service %d: %w", i, err)
		}
		s := ServiceKey{Service: string(name)}
		if err := readFixed(r, s.SPKI[:]); err != nil {
			return nil, fmt.Errorf("reading the key of service %d: %w", i, err)
		}
		list = append(list, s)
	}
	return list, nil
}

// readFixed reads a field that must fill dst exactly.
func readFixed(r *lp.Reader, dst []byte) error {
	field, err := r.Field(len(dst))
	if err != nil {
		return err
	}
	if len(field) != len(dst) {
		return fmt.Errorf("%d bytes, want %d", len(field), len(dst))
	}
	copy(dst, field)
	return nil
}
