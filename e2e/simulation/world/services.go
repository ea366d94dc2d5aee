package world

import (
	"context"
	"crypto/sha256"
	"fmt"
	"time"

	"github.com/asterism-k8s/asterism/domain/join"
	"github.com/asterism-k8s/asterism/domain/keys"
	"github.com/asterism-k8s/asterism/ports"
	"github.com/asterism-k8s/asterism/usecases/joining"
)

// keyManager is the KMS of one control-plane node, with the KEK in its memory.
type keyManager struct{ s *server }

func (k *keyManager) available(ctx context.Context) error {
	m := k.s.n.m
	m.pause()
	m.w.k.Sleep(m.w.k.Between(50*time.Microsecond, time.Millisecond))
	if ctx.Err() != nil || m.w.faults.kmsDown {
		return fmt.Errorf("%w: it does not answer", ports.ErrKeysUnavailable)
	}
	return nil
}

// DataKey implements ports.KeyManager.
func (k *keyManager) DataKey(ctx context.Context, id keys.ID, length int) (keys.Secret, error) {
	if err := k.available(ctx); err != nil {
		return keys.Secret{}, err
	}
	k.s.n.m.w.judge.keyDerived(k.s, id)
	return k.s.n.secrets.kek.DataKey(id, length)
}

// Measurement implements joining.Roots.
func (k *keyManager) Measurement(ctx context.Context) (keys.MeasurementSecret, keys.MeasurementSalt, error) {
	if err := k.available(ctx); err != nil {
		return keys.MeasurementSecret{}, keys.MeasurementSalt{}, err
	}
	s := k.s.n.secrets
	copied, err := keys.NewMeasurementSecret(copySecret(s.measurement.Reveal()))
	return copied, s.salt, err
}

// KEK implements joining.Roots.
func (k *keyManager) KEK(ctx context.Context) (keys.KEK, error) {
	if err := k.available(ctx); err != nil {
		return keys.KEK{}, err
	}
	kek := k.s.n.secrets.kek
	return keys.NewKEK(copySecret(kek.Reveal()), kek.Generation())
}

// minter makes certificates that say what they are, and tells Kubernetes of
// tokens.
type minter struct{ s *server }

// Certify implements joining.Minter.
func (mi *minter) Certify(_ context.Context, o *joining.Order) (*joining.Certified, error) {
	mi.s.n.m.pause()
	mi.s.n.m.w.judge.minted(mi.s, o.Record)
	c := &joining.Certified{EngineCA: []byte("engine CA of " + mi.s.c.name)}
	subject := o.Record.Identity.String()
	if len(o.AK) > 0 {
		c.AKCertificate = []byte("AK of " + subject)
	}
	for _, service := range o.Services {
		c.Services = append(c.Services, join.ServiceCertificate{
			Service: service.Service, Certificate: []byte(service.Service + " of " + subject),
		})
	}
	c.Kubernetes = &join.Kubernetes{
		Endpoint: "api.example:6443", CA: sha256.Sum256([]byte("Kubernetes CA")), Version: "v1.34.2",
		Manifest: digest("manifest"),
	}
	return c, nil
}

// AcceptToken implements joining.Minter.
func (mi *minter) AcceptToken(_ context.Context, r *join.Record, token *join.Token) error {
	mi.s.n.m.pause()
	mi.s.n.m.w.judge.minted(mi.s, r)
	mi.s.c.tokens[string(token.Secret.Reveal())] = r.Identity
	return nil
}

// Files implements joining.Minter.
func (mi *minter) Files(_ context.Context, r *join.Record) ([]join.File, error) {
	mi.s.n.m.pause()
	mi.s.n.m.w.judge.minted(mi.s, r)
	return []join.File{{Name: "pki/ca.key", Content: keys.NewSecret([]byte("CA key of " + mi.s.c.name))}}, nil
}

// blobPort is the folder of evidence.
type blobPort struct{ s *server }

// ReadBlob implements ports.Blobs.
func (b *blobPort) ReadBlob(_ context.Context, hash [32]byte) ([]byte, error) {
	if content, there := b.s.c.blobs[hash]; there {
		return content, nil
	}
	return nil, ports.ErrNoFile
}

// WriteBlob implements ports.Blobs.
func (b *blobPort) WriteBlob(_ context.Context, content []byte) ([32]byte, error) {
	b.s.n.m.pause()
	hash := sha256.Sum256(content)
	b.s.c.blobs[hash] = content
	return hash, nil
}

// prober asks the machine that got a record's last ticket whether it lives, a few
// times.
type prober struct{ s *server }

// Alive implements joining.Prober. There may be several machines with the keys of
// that identity; each is asked.
func (p *prober) Alive(_ context.Context, r *join.Record) (join.Liveness, error) {
	m := p.s.n.m
	for _, other := range m.w.machinesOf(r.Identity) {
		for range 3 {
			f, answered := call(m.w.net, m, other, 2*time.Second, other.attest)
			if answered && f != nil && f.mark == p.s.c.mark && bootOf(f) == r.Held() {
				return join.Alive, nil
			}
			if answered {
				break
			}
		}
	}
	return join.Silent, nil
}
