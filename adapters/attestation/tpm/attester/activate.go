package attester

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"fmt"

	"github.com/google/go-tpm/tpm2"

	"github.com/asterism-k8s/asterism/adapters/attestation/tpm/profile"
	"github.com/asterism-k8s/asterism/domain/evidence"
	"github.com/asterism-k8s/asterism/ports"
)

// maxActivations is how many sessions may want an activation at once. On slow
// hardware the last of them waits some ten seconds.
const maxActivations = 32

// Activate answers a challenge: a credential as profile.ParseCredential reads it.
func (a *Attester) Activate(ctx context.Context, s *evidence.Session, challenge []byte) (ports.Proof, error) {
	binding, err := s.Binding()
	if err != nil {
		return ports.Proof{}, fmt.Errorf("answering a challenge: %w", err)
	}
	credential, err := profile.ParseCredential(challenge)
	if err != nil {
		return ports.Proof{}, fmt.Errorf("answering a challenge: %w: %w", ports.ErrChallenge, err)
	}
	leave, err := a.awaitActivation(ctx)
	if err != nil {
		return ports.Proof{}, fmt.Errorf("answering a challenge: %w", err)
	}
	defer leave()
	secret, err := query(ctx, a.tpm, "answering a challenge", func(c *connection) ([]byte, error) {
		return c.activate(credential)
	})
	if err != nil {
		return ports.Proof{}, err
	}
	return prove(secret, binding), nil
}

// awaitActivation waits for the turn among activations, in a line of bounded
// length. The caller calls leave.
func (a *Attester) awaitActivation(ctx context.Context) (leave func(), err error) {
	select {
	case a.activations <- struct{}{}:
	default:
		return nil, fmt.Errorf("%w: %d sessions wait for an activation already, try again later", ports.ErrUnavailable, maxActivations)
	}
	select {
	case a.activating <- struct{}{}:
		return func() { <-a.activating; <-a.activations }, nil
	case <-ctx.Done():
		<-a.activations
		return nil, fmt.Errorf("waiting for the TPM: %w", ctx.Err())
	}
}

// prove uses the secret up.
func prove(secret []byte, binding evidence.Binding) ports.Proof {
	defer clear(secret)
	mac := hmac.New(sha256.New, secret)
	mac.Write(binding.Bytes())
	return ports.Proof(mac.Sum(nil))
}

// activate is TPM2_ActivateCredential (TPM 2.0 Library, Part 3, section 12.5).
// The endorsement key is there only meanwhile.
func (c *connection) activate(credential *profile.Credential) (secret []byte, err error) {
	if err := c.ak.ensure(c.tpm); err != nil {
		return nil, err
	}
	if err := c.ek.load(c.tpm); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, c.ek.unload(c.tpm)) }()
	session, end, err := c.endorsementSession()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, end()) }()
	response, err := tpm2.ActivateCredential{
		ActivateHandle: c.ak.auth(),
		KeyHandle:      tpm2.AuthHandle{Handle: c.ek.handle, Name: c.ek.name, Auth: session},
		CredentialBlob: tpm2.TPM2BIDObject{Buffer: credential.IDObject[:]},
		Secret:         tpm2.TPM2BEncryptedSecret{Buffer: credential.EncryptedSecret[:]},
	}.Execute(c.tpm)
	if err != nil {
		return nil, c.challengeError(err)
	}
	if n := len(response.CertInfo.Buffer); n != profile.SecretSize {
		return nil, fmt.Errorf("%w: its secret has %d bytes, want %d", ports.ErrChallenge, n, profile.SecretSize)
	}
	return response.CertInfo.Buffer, nil
}

// endorsementSession opens a session that satisfies the endorsement key's
// policy, PolicySecret of the endorsement hierarchy. The caller ends it.
func (c *connection) endorsementSession() (tpm2.Session, func() error, error) {
	const nonceSize = 16
	session, end, err := tpm2.PolicySession(c.tpm, tpm2.TPMAlgSHA256, nonceSize)
	if err != nil {
		return nil, nil, fmt.Errorf("opening a session: %w", err)
	}
	_, err = tpm2.PolicySecret{
		AuthHandle:    tpm2.AuthHandle{Handle: tpm2.TPMRHEndorsement, Auth: tpm2.PasswordAuth(nil)},
		PolicySession: session.Handle(),
		NonceTPM:      session.NonceTPM(),
	}.Execute(c.tpm)
	if err != nil {
		return nil, nil, errors.Join(fmt.Errorf("using the endorsement hierarchy: %w", err), end())
	}
	return session, end, nil
}

// challengeError tells what is wrong with a challenge from what is wrong with
// the TPM. The former is an error of a parameter, or TPM_RC_FAILURE from a TPM
// that has not failed: libtpms says so of what the endorsement key cannot
// decrypt, while a TPM in failure mode would refuse the next command too.
func (c *connection) challengeError(err error) error {
	var format1 tpm2.TPMFmt1Error
	isParameter := false
	if errors.As(err, &format1) {
		isParameter, _ = format1.Parameter()
	}
	if !isParameter && errors.Is(err, tpm2.TPMRCFailure) {
		_, failed := c.resetCount()
		isParameter = failed == nil
	}
	if isParameter {
		// Not wrapped: nothing is to be done about the TPM.
		return fmt.Errorf("%w: %v", ports.ErrChallenge, err) //nolint:errorlint // see above
	}
	return fmt.Errorf("activating a credential: %w", err)
}
