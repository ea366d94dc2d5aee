package join

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/asterism-k8s/asterism/domain/keys"
)

// MaxTokenLifetime bounds for how long a token can be good from now on.
const MaxTokenLifetime = time.Hour

// ErrToken is wrapped by every error about bootstrap tokens. It never holds one.
var ErrToken = errors.New("not a bootstrap token")

// Token is a Kubernetes bootstrap token, with which a kubelet asks for its first
// certificate.
type Token struct {
	Secret  keys.Secret // [a-z0-9]{6}.[a-z0-9]{16}
	Expires time.Time   // the first instant at which it does not hold
}

// Check wants a token that holds now, and for minutes. The error wraps ErrToken.
func (t *Token) Check(now time.Time) error {
	left := t.Expires.Sub(now)
	switch {
	case !validToken(string(t.Secret.Reveal())):
		return fmt.Errorf("%w: want 6 and 16 of a-z and 0-9, and a dot between them", ErrToken)
	case left <= 0:
		return fmt.Errorf("%w: it has expired", ErrToken)
	case left > MaxTokenLifetime:
		return fmt.Errorf("%w: it holds for longer than %v", ErrToken, MaxTokenLifetime)
	default:
		return nil
	}
}

// validToken knows Kubernetes' grammar of bootstrap tokens.
func validToken(text string) bool {
	const idSize, secretSize = 6, 16
	id, secret, found := strings.Cut(text, ".")
	outside := func(r rune) bool { return !isLowerAlphanumeric(r) }
	return found && len(id) == idSize && len(secret) == secretSize && !strings.ContainsFunc(id+secret, outside)
}
