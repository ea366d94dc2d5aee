package joining_test

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"fmt"
	"slices"
	"sync"

	"github.com/asterism-k8s/asterism/domain/join"
	"github.com/asterism-k8s/asterism/domain/keys"
	"github.com/asterism-k8s/asterism/ports"
	"github.com/asterism-k8s/asterism/usecases/joining"
)

// kms is a key manager over a real KEK, which counts.
type kms struct {
	master keys.MasterSecret
	mu     sync.Mutex
	n      int
	fail   error
}

func (k *kms) derived() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.n
}

func (k *kms) DataKey(_ context.Context, id keys.ID, length int) (keys.Secret, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.fail != nil {
		return keys.Secret{}, k.fail
	}
	k.n++
	kek, err := k.master.KEK(keys.FirstGeneration)
	if err != nil {
		return keys.Secret{}, err
	}
	defer kek.Wipe()
	return kek.DataKey(id, length)
}

// roots are those of the same master secret.
type roots struct {
	master keys.MasterSecret
	salt   keys.MeasurementSalt
}

func (r *roots) Measurement(context.Context) (keys.MeasurementSecret, keys.MeasurementSalt, error) {
	secret, err := r.master.MeasurementSecret()
	return secret, r.salt, err
}

func (r *roots) KEK(context.Context) (keys.KEK, error) { return r.master.KEK(keys.FirstGeneration) }

// blobs keeps content by its hash.
type blobs struct {
	mu   sync.Mutex
	held map[[32]byte][]byte
	fail error
	n    int // of writes
}

func newBlobs() *blobs { return &blobs{held: map[[32]byte][]byte{}} }

func (b *blobs) ReadBlob(_ context.Context, sum [32]byte) ([]byte, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	content, found := b.held[sum]
	if !found {
		return nil, ports.ErrNoFile
	}
	return bytes.Clone(content), nil
}

func (b *blobs) WriteBlob(_ context.Context, content []byte) ([32]byte, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.fail != nil {
		return [32]byte{}, b.fail
	}
	b.n++
	sum := sha256.Sum256(content)
	b.held[sum] = bytes.Clone(content)
	return sum, nil
}

// prober answers what it is told to; of whom nobody said anything, it says silent.
type prober struct {
	mu    sync.Mutex
	alive map[join.Identity]join.Liveness
	fail  error
	asked []join.Identity
	boots map[join.Identity]join.Boot // in which who is alive is; of others, any
}

func (p *prober) Alive(_ context.Context, r *join.Record) (join.Liveness, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked = append(p.asked, r.Identity)
	if p.fail != nil {
		return join.NotAsked, p.fail
	}
	if b, found := p.boots[r.Identity]; found && b != r.Held() {
		return join.Silent, nil
	}
	if l, found := p.alive[r.Identity]; found {
		return l, nil
	}
	return join.Silent, nil
}

// minter makes certificates that differ each time, as real ones do, and remembers
// tokens.
type minter struct {
	mu        sync.Mutex
	certified int
	tokens    []string // as accepted, in order
	file      string   // of control-plane nodes; empty: pki/ca.key
	fail      error
	refuses   error // of AcceptToken
}

func (m *minter) Certify(_ context.Context, o *joining.Order) (*joining.Certified, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fail != nil {
		return nil, m.fail
	}
	m.certified++
	c := &joining.Certified{
		EngineCA: []byte("engine CA"), AKCertificate: fmt.Appendf(nil, "certificate %d of %x", m.certified, sha256.Sum256(o.AK)),
		Kubernetes: &join.Kubernetes{
			Endpoint: "10.0.0.1:6443", CA: sha256.Sum256([]byte("Kubernetes CA")), Version: "v1.34.2", Manifest: hash([]byte("manifest")),
		},
	}
	for _, s := range o.Services {
		c.Services = append(c.Services, join.ServiceCertificate{Service: s.Service, Certificate: fmt.Appendf(nil, "certificate %d for %s", m.certified, s.SPKI)})
	}
	return c, nil
}

func (m *minter) AcceptToken(_ context.Context, _ *join.Record, token *join.Token) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fail != nil || m.refuses != nil {
		return cmp.Or(m.fail, m.refuses)
	}
	m.tokens = append(m.tokens, string(token.Secret.Reveal()))
	return nil
}

const caKey = "the private key of Kubernetes' CA"

func (m *minter) Files(context.Context, *join.Record) ([]join.File, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return []join.File{{Name: cmp.Or(m.file, "pki/ca.key"), Content: keys.NewSecret([]byte(caKey))}}, m.fail
}

// distinct returns how many different tokens were made.
func (m *minter) distinct() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(slices.Compact(slices.Sorted(slices.Values(m.tokens))))
}
