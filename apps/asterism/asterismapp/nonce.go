package asterismapp

import (
	"encoding/hex"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/asterism-k8s/asterism/domain/evidence"
)

// nonce is the value of --nonce: evidence.MinNonceSize to evidence.MaxNonceSize
// bytes, nil where it was not given.
type nonce []byte

// String returns lower-case hexadecimal.
func (n *nonce) String() string { return hex.EncodeToString(*n) }

// Type names the flag's argument in help.
func (n *nonce) Type() string { return "hex" }

// Set takes hexadecimal digits of either case.
func (n *nonce) Set(text string) error {
	data, err := hex.DecodeString(text)
	if err != nil || len(data) < evidence.MinNonceSize || len(data) > evidence.MaxNonceSize {
		return fmt.Errorf("want %d to %d hexadecimal digits, an even number of them", 2*evidence.MinNonceSize, 2*evidence.MaxNonceSize)
	}
	*n = data
	return nil
}

// addNonce gives a command the flag --nonce.
func addNonce(c *cobra.Command, usage string) *nonce {
	n := new(nonce)
	c.Flags().Var(n, "nonce", usage)
	completeNothing(c, "nonce")
	return n
}

// completeNothing keeps shells from offering files as the value of a flag.
func completeNothing(c *cobra.Command, flag string) { complete(c, flag, cobra.NoFileCompletions) }

func complete(c *cobra.Command, flag string, f cobra.CompletionFunc) {
	if err := c.RegisterFlagCompletionFunc(flag, f); err != nil {
		panic(err) // who calls it has just added the flag
	}
}
