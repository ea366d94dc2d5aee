package member

import (
	"fmt"

	"go.etcd.io/etcd/server/v3/storage/backend"
	"go.etcd.io/etcd/server/v3/storage/mvcc"
	"go.etcd.io/etcd/server/v3/storage/schema"
	"go.uber.org/zap"
)

// revisionLeap is by how much revisions grow when a folder is settled. No store
// comes so far between two of its copies.
const revisionLeap = 1_000_000_000

// change changes a backend's file, whose member does not run.
func change(path string, do func(backend.BatchTx) error) (err error) {
	defer func() { // how etcd's packages say that a file is not theirs
		if fatal := recover(); fatal != nil {
			err = fmt.Errorf("%w: %v", ErrSnapshot, fatal)
		}
	}()
	config := backend.DefaultBackendConfig(zap.NewNop())
	config.Path = path
	b := backend.New(config)
	tx := b.BatchTx()
	tx.LockOutsideApply()
	err = do(tx)
	tx.Unlock()
	if err != nil {
		_ = b.Close()
		return err
	}
	b.ForceCommit()
	if err := b.Close(); err != nil {
		return fmt.Errorf("changing a member's file: %w", err)
	}
	return nil
}

// orphan makes a backend's file forget the cluster that it comes from: members,
// alarms, and how far its log had been applied. What its items are stays.
func orphan(path string) error {
	return change(path, func(tx backend.BatchTx) error {
		for _, bucket := range []backend.Bucket{schema.Members, schema.MembersRemoved, schema.Cluster, schema.Alarm} {
			tx.UnsafeCreateBucket(bucket)
			tx.UnsafeDeleteBucket(bucket)
			tx.UnsafeCreateBucket(bucket)
		}
		tx.UnsafeCreateBucket(schema.Key)
		tx.UnsafeCreateBucket(schema.Meta)
		for _, key := range [][]byte{schema.MetaConsistentIndexKeyName, schema.MetaTermKeyName, schema.MetaConfStateName} {
			tx.UnsafeDelete(schema.Meta, key)
		}
		return nil
	})
}

// leap makes the next revision one that nobody has been given, and all before it
// forgotten. An item with an empty key takes the revision: no client can ask for
// it.
func leap(path string) error {
	return change(path, func(tx backend.BatchTx) error {
		var newest mvcc.Revision
		err := tx.UnsafeForEach(schema.Key, func(key, _ []byte) error {
			if r := mvcc.BytesToRev(key); r.GreaterThan(newest) {
				newest = r
			}
			return nil
		})
		if err != nil {
			return fmt.Errorf("reading the revisions in a member's file: %w", err)
		}
		newest = mvcc.Revision{Main: newest.Main + revisionLeap}
		tx.UnsafePut(schema.Key, mvcc.RevToBytes(newest, mvcc.NewRevBytes()), []byte{})
		mvcc.UnsafeSetScheduledCompact(tx, newest.Main)
		return nil
	})
}
