package governing

import (
	"context"

	"github.com/asterism-k8s/asterism/domain/authority"
)

// Next returns the directive that says d next, for the owner or an administrator
// to sign elsewhere: serial, hash of the one before and time of issue are filled
// in. The error is one of Load's, or an *authority.InvalidDirectiveError.
func (g *Governor) Next(ctx context.Context, d authority.Directive) (*authority.Directive, error) {
	s, err := g.load(ctx)
	if err != nil {
		return nil, err
	}
	return s.authority.Draft(d, g.now())
}
