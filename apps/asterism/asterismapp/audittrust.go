package asterismapp

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/asterism-k8s/asterism/domain/keys"
	"github.com/asterism-k8s/asterism/domain/ledger"
	"github.com/asterism-k8s/asterism/domain/owner"
)

// ledgerTrust are the flags that say whose ledger it must be.
type ledgerTrust struct {
	statement, owner   string
	ledgerKey, cluster string
	known              string
	at                 string
}

func addLedgerTrust(c *cobra.Command) *ledgerTrust {
	t := &ledgerTrust{}
	c.Flags().StringVar(&t.statement, "statement", "", "the `file` of the cluster statement, or -")
	c.Flags().StringVar(&t.owner, "owner", "", "the owner's `ID`, who must have signed the statement")
	c.Flags().StringVar(&t.ledgerKey, "ledger-key", "", "the ledger's key in `hex`, in place of a statement")
	c.Flags().StringVar(&t.cluster, "cluster", "", "the cluster's `ID`; needed with --ledger-key")
	c.Flags().StringVar(&t.known, "known", "", "the `file` of a checkpoint that it must continue")
	c.Flags().StringVar(&t.at, "at", "", "judge the statement as of this `time` (default now)")
	complete(c, "statement", completeAnyFile)
	complete(c, "known", completeAnyFile)
	for _, flag := range []string{"owner", "ledger-key", "cluster", "at"} {
		completeNothing(c, flag)
	}
	return t
}

// open returns what the auditor knows.
func (t *ledgerTrust) open(s *System, c *cobra.Command) (*ledger.Audit, error) {
	if err := t.check(c); err != nil {
		return nil, err
	}
	a := &ledger.Audit{}
	var err error
	if t.statement != "" {
		err = t.fromStatement(s, c, a)
	} else {
		err = t.fromFlags(c, a)
	}
	if err != nil || t.known == "" {
		return a, err
	}
	a.Known, err = t.readKnown(s, a)
	return a, err
}

// check finds flags that do not go together.
func (t *ledgerTrust) check(c *cobra.Command) error {
	var err error
	switch {
	case t.statement == "" && t.ledgerKey == "":
		err = errors.New("whose ledger it must be is missing: name --statement and --owner, or --ledger-key and --cluster")
	case t.statement != "" && t.ledgerKey != "":
		err = errors.New("--ledger-key is for ledgers without a --statement, which names the key")
	case t.statement != "" && t.owner == "":
		err = errors.New("--owner is missing: name the owner who must have signed the statement")
	case t.ledgerKey != "" && t.cluster == "":
		err = errors.New("--cluster is missing: name the cluster whose ledger it must be")
	case t.at != "" && t.statement == "":
		err = errors.New("--at is for a --statement, which holds for a time only")
	case countStdin([]string{t.statement, t.known}) > 1:
		err = errors.New("two files cannot both come from standard input")
	default:
		return nil
	}
	return wrongUsage(c, err)
}

// fromStatement takes key and cluster from what the owner signed.
func (t *ledgerTrust) fromStatement(s *System, c *cobra.Command, a *ledger.Audit) error {
	anchor := owner.Anchor{}
	var err error
	if anchor.Owner, err = keys.ParseOwnerID(t.owner); err != nil {
		return wrongUsage(c, fmt.Errorf("--owner: %w", err))
	}
	if t.cluster != "" {
		if anchor.Cluster, err = keys.ParseClusterID(t.cluster); err != nil {
			return wrongUsage(c, fmt.Errorf("--cluster: %w", err))
		}
	}
	at := s.Now()
	if t.at != "" {
		if at, err = time.Parse(time.RFC3339, t.at); err != nil {
			return wrongUsage(c, fmt.Errorf("--at %q is not a time, want one as in 2026-06-01T00:00:00Z", t.at))
		}
	}
	data, err := s.read(t.statement, owner.MaxSignedStatementSize)
	if err != nil {
		return err
	}
	statement, err := owner.OpenStatement(data, anchor, at)
	if err != nil {
		return &inputError{fmt.Errorf("%s: %w", displayName(t.statement), err), hintOnStatement(err)}
	}
	a.Cluster, a.Owner, a.Key = statement.Cluster, statement.Owner, statement.LedgerKey
	return nil
}

func hintOnStatement(err error) string {
	if refused, ok := errors.AsType[*owner.StatementError](err); ok && refused.Reason == owner.Expired {
		return "Get the cluster's current statement, or judge this one as of an earlier time with --at."
	}
	return "Get the cluster's statement from its owner, and check the owner's ID."
}

// fromFlags takes key and cluster as they are given.
func (t *ledgerTrust) fromFlags(c *cobra.Command, a *ledger.Audit) error {
	var err error
	if err = a.Key.UnmarshalText([]byte(t.ledgerKey)); err != nil || a.Key == (owner.PublicKey{}) {
		return wrongUsage(c, errors.New("--ledger-key is not a key: want 64 lower-case hexadecimal digits, not all zero"))
	}
	if a.Cluster, err = keys.ParseClusterID(t.cluster); err != nil {
		return wrongUsage(c, fmt.Errorf("--cluster: %w", err))
	}
	if t.owner == "" {
		return nil
	}
	if a.Owner, err = keys.ParseOwnerID(t.owner); err != nil {
		return wrongUsage(c, fmt.Errorf("--owner: %w", err))
	}
	return nil
}

// readKnown reads a checkpoint that was kept.
func (t *ledgerTrust) readKnown(s *System, a *ledger.Audit) (*ledger.Checkpoint, error) {
	data, err := s.read(t.known, ledger.MaxNoteSize)
	if err != nil {
		return nil, err
	}
	known, err := ledger.OpenCheckpoint(data, ledger.Origin(a.Cluster), a.Key, nil, 0)
	if err != nil {
		return nil, &inputError{
			fmt.Errorf("%s: %w", displayName(t.known), err),
			"Keep the checkpoint of a ledger that verified, and name it when you verify the next export.",
		}
	}
	return known, nil
}
