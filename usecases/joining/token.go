package joining

import (
	"crypto/hkdf"
	"crypto/sha256"
	"fmt"

	"github.com/asterism-k8s/asterism/domain/join"
	"github.com/asterism-k8s/asterism/domain/keys"
)

const (
	tokenLabel   = "asterism/v1/bootstrap-token" //nolint:gosec // a label, which is no secret
	tokenID      = 6                             // characters before the dot
	tokenSecret  = 16
	tokenLetters = "abcdefghijklmnopqrstuvwxyz0123456789"
)

// bootstrapToken derives a Kubernetes bootstrap token, [a-z0-9]{6}.[a-z0-9]{16},
// from a node's disk key and the request that was admitted:
//
//	letters of HKDF-SHA256(disk key, "asterism/v1/bootstrap-token", request ID, 64)
//
// in order, leaving out bytes of 252 and more, so that every letter is as likely.
// So a token need not be stored to be given out again, and two services that
// answer one request make one token. Only the node, the KMS and the JoinService
// that serves it can compute it, and it means nothing before AcceptToken.
func bootstrapToken(disk keys.Secret, id join.RequestID) (keys.Secret, error) {
	if disk.Len() == 0 {
		return keys.Secret{}, fmt.Errorf("deriving a bootstrap token: %w", keys.ErrEmpty)
	}
	const size = 64 // about 63 letters are expected, and 22 needed
	stream, err := hkdf.Key(sha256.New, disk.Reveal(), []byte(tokenLabel), string(id[:]), size)
	if err != nil {
		return keys.Secret{}, fmt.Errorf("deriving a bootstrap token: %w", err)
	}
	defer clear(stream)
	token := make([]byte, 0, tokenID+1+tokenSecret)
	for _, b := range stream {
		if len(token) == tokenID {
			token = append(token, '.')
		}
		if int(b) < 256/len(tokenLetters)*len(tokenLetters) && len(token) < cap(token) {
			token = append(token, tokenLetters[int(b)%len(tokenLetters)])
		}
	}
	if len(token) < cap(token) {
		return keys.Secret{}, fmt.Errorf("deriving a bootstrap token: %w", keys.ErrEmpty)
	}
	return keys.NewSecret(token), nil
}
