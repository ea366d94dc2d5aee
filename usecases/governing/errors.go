package governing

import (
	"errors"
	"fmt"
)

// Errors of the use case. Beside them stand those of ports.Store, and the
// *authority.DirectiveError of a directive that is refused.
var (
	// ErrRolledBack is wrapped where the store's newest directive is older than one
	// that was seen, or another one of the same serial.
	ErrRolledBack = errors.New("the store was rolled back behind what was seen of the owner's directives")
	// ErrStored is wrapped where the store does not hold a chain of the owner's
	// directives that ends as it says.
	ErrStored = errors.New("the store does not hold the owner's directives")
	// ErrContended is wrapped where others were always first. Nothing was written.
	ErrContended = errors.New("too many write what directives are about")
)

func damaged(format string, args ...any) error {
	return fmt.Errorf("%w: %w", ErrStored, fmt.Errorf(format, args...))
}
