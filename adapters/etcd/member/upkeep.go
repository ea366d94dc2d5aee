package member

import (
	"context"
	"errors"
	"fmt"

	"go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
)

// Status is how a member is.
type Status struct {
	Size     int64  // bytes of its file
	InUse    int64  // bytes of them that hold something
	Quota    int64  // bytes that the file may have
	Revision int64  // of the newest transaction that it knows
	Leader   uint64 // its ID; zero: there is none
	Learner  bool
	// Full says that this member has reached its quota, and that the store takes no
	// more writes for that. ReclaimSpace ends it.
	Full bool
}

// Status returns how the member is.
func (m *Member) Status(ctx context.Context) (*Status, error) {
	answer, err := m.client.Status(ctx, m.config.ClientAddress)
	if err != nil {
		return nil, fmt.Errorf("asking a member of the store how it is: %w", err)
	}
	full, err := m.full(ctx)
	if err != nil {
		return nil, err
	}
	return &Status{
		Size: answer.DbSize, InUse: answer.DbSizeInUse, Quota: m.config.Quota, Revision: answer.Header.GetRevision(),
		Leader: answer.Leader, Learner: answer.IsLearner, Full: full,
	}, nil
}

// full says whether there is an alarm of this member about its quota.
func (m *Member) full(ctx context.Context) (bool, error) {
	answer, err := m.client.AlarmList(ctx)
	if err != nil {
		return false, fmt.Errorf("asking a member of the store for alarms: %w", err)
	}
	for _, a := range answer.Alarms {
		if a.GetMemberID() == m.ID() && a.GetAlarm() == etcdserverpb.AlarmType_NOSPACE {
			return true, nil
		}
	}
	return false, nil
}

// Compact makes the store forget what was replaced or deleted before a revision,
// on all members. That it has forgotten it already is no error.
func (m *Member) Compact(ctx context.Context, revision int64) error {
	_, err := m.client.Compact(ctx, revision, clientv3.WithCompactPhysical())
	if err != nil && !errors.Is(err, rpctypes.ErrCompacted) {
		return fmt.Errorf("compacting the store to revision %d: %w", revision, err)
	}
	return nil
}

// Defragment gives what nothing is in back to the file system, for this member
// alone. It does not answer meanwhile, and cannot be interrupted.
func (m *Member) Defragment(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("defragmenting a member of the store: %w", err)
	}
	if err := m.etcd.Server.Defragment(); err != nil {
		return fmt.Errorf("defragmenting a member of the store: %w", err)
	}
	return nil
}

// ErrStillFull is wrapped where nothing but deleting makes room.
var ErrStillFull = errors.New("what the store holds takes its quota")

// ReclaimSpace forgets everything but the newest values, gives the space back, and
// then lets this member take writes again if a tenth of its quota is free: with
// less it would be full again at once. Each member that is full has to do it. The
// error wraps ErrStillFull where there is less.
func (m *Member) ReclaimSpace(ctx context.Context) error {
	before, err := m.Status(ctx)
	if err != nil {
		return err
	}
	if err := errors.Join(m.Compact(ctx, before.Revision), m.Defragment(ctx)); err != nil {
		return err
	}
	after, err := m.Status(ctx)
	if err != nil || !after.Full {
		return err
	}
	if after.Size > after.Quota-after.Quota/10 {
		return fmt.Errorf("%w: %d of %d bytes", ErrStillFull, after.Size, after.Quota)
	}
	alarm := &clientv3.AlarmMember{MemberID: m.ID(), Alarm: etcdserverpb.AlarmType_NOSPACE}
	if _, err := m.client.AlarmDisarm(ctx, alarm); err != nil {
		return fmt.Errorf("letting a member of the store take writes again: %w", err)
	}
	return nil
}
