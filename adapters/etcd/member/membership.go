package member

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"time"

	"go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
)

// Bounds of changes to the members.
const (
	changeTime  = time.Minute            // at most, also where the context has more
	attemptTime = 5 * time.Second        // before an attempt is taken for lost in an election
	changePause = 250 * time.Millisecond // before a change is tried again
)

// Info is what the cluster knows of one of its members.
type Info struct {
	ID      uint64
	Peer    Peer     // without a name until it has been started for the first time
	Clients []string // addresses for clients, as host:port
	Learner bool
}

// Invitation is what a learner is started with: Peers, and Join.
type Invitation struct {
	ID    uint64
	Peers []Peer
}

// Members returns the members, sorted by name and address. The answer is as new as
// the last change.
func (m *Member) Members(ctx context.Context) ([]Info, error) {
	answer, err := m.client.MemberList(ctx)
	if err != nil {
		return nil, fmt.Errorf("listing the members of the store: %w", err)
	}
	return infos(answer.Members)
}

func infos(members []*etcdserverpb.Member) ([]Info, error) {
	all := make([]Info, len(members))
	for i, member := range members {
		clients, err := hosts(member.GetClientURLs())
		if err != nil {
			return nil, err
		}
		peers, err := hosts(member.GetPeerURLs())
		if err != nil || len(peers) != 1 {
			return nil, fmt.Errorf("the member %x has the addresses %q for its peers: %w", member.GetID(), member.GetPeerURLs(), err)
		}
		all[i] = Info{
			ID: member.GetID(), Peer: Peer{Name: member.GetName(), Address: peers[0]},
			Clients: clients, Learner: member.GetIsLearner(),
		}
	}
	slices.SortFunc(all, func(a, b Info) int {
		return cmp.Or(cmp.Compare(a.Peer.Name, b.Peer.Name), cmp.Compare(a.Peer.Address, b.Peer.Address))
	})
	return all, nil
}

// hosts returns the host:port of URLs.
func hosts(urls []string) ([]string, error) {
	all := make([]string, len(urls))
	for i, text := range urls {
		u, err := url.Parse(text)
		if err != nil {
			return nil, fmt.Errorf("reading the address of a member: %w", err)
		}
		all[i] = u.Host
	}
	return all, nil
}

// AddLearner tells the cluster of a member that will be started with the
// invitation. It receives everything and has no vote. Asking again with the same
// peer gives the same invitation. It tries for at most a minute: until members
// know each other long enough, changes are refused.
func (m *Member) AddLearner(ctx context.Context, peer Peer) (*Invitation, error) {
	var invitation *Invitation
	err := m.change(ctx, func(ctx context.Context) error {
		answer, err := m.client.MemberAddAsLearner(ctx, []string{m.config.scheme() + "://" + peer.Address})
		switch {
		case err == nil:
			invitation, err = invite(peer, answer.Members)
			return err
		case errors.Is(err, rpctypes.ErrPeerURLExist), errors.Is(err, rpctypes.ErrMemberExist):
			invitation, err = m.invited(ctx, peer)
			return err
		default:
			return err
		}
	})
	if err != nil {
		return nil, fmt.Errorf("adding %s at %s to the store: %w", peer.Name, peer.Address, err)
	}
	return invitation, nil
}

// invited returns the invitation of a learner that has been added already.
func (m *Member) invited(ctx context.Context, peer Peer) (*Invitation, error) {
	answer, err := m.client.MemberList(ctx)
	if err != nil {
		return nil, err
	}
	return invite(peer, answer.Members)
}

// errTaken says that another member is known at the address.
var errTaken = errors.New("another member has this address")

// invite returns the invitation of a peer that is among the members as one that
// has not been started.
func invite(peer Peer, members []*etcdserverpb.Member) (*Invitation, error) {
	all, err := infos(members)
	if err != nil {
		return nil, err
	}
	invitation := &Invitation{}
	for _, info := range all {
		if info.Peer.Address == peer.Address {
			if info.Peer.Name != "" && info.Peer.Name != peer.Name || !info.Learner {
				return nil, errTaken
			}
			invitation.ID, info.Peer.Name = info.ID, peer.Name
		}
		if info.Peer.Name != "" { // another one that has not been started needs no name yet
			invitation.Peers = append(invitation.Peers, info.Peer)
		}
	}
	return invitation, nil
}

// Promote gives a learner its vote, as soon as it has caught up. It waits for at
// most a minute. A member that has a vote already keeps it.
func (m *Member) Promote(ctx context.Context, id uint64) error {
	err := m.change(ctx, func(ctx context.Context) error {
		_, err := m.client.MemberPromote(ctx, id)
		if errors.Is(err, rpctypes.ErrMemberNotLearner) {
			return nil
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("giving the member %x a vote: %w", id, err)
	}
	return nil
}

// Remove takes a member out of the cluster for good. One that is not in it is no
// error. What would cost the majority is refused.
func (m *Member) Remove(ctx context.Context, id uint64) error {
	err := m.change(ctx, func(ctx context.Context) error {
		_, err := m.client.MemberRemove(ctx, id)
		if errors.Is(err, rpctypes.ErrMemberNotFound) {
			return nil
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("removing the member %x from the store: %w", id, err)
	}
	return nil
}

// change makes a change to the members until it is taken, or refused for a reason
// that does not pass. All changes here may be tried twice.
func (m *Member) change(ctx context.Context, do func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, changeTime)
	defer cancel()
	for {
		err := attempt(ctx, do)
		if err == nil || !passing(err) {
			return err
		}
		select {
		case <-time.After(changePause):
		case <-m.done:
			return fmt.Errorf("%w: %w", m.err, err)
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", ctx.Err(), err)
		}
	}
}

// attempt makes a change once. etcd itself would wait for it as long as there is
// time.
func attempt(ctx context.Context, do func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, attemptTime)
	defer cancel()
	return do(ctx)
}

// passing says whether a refusal is one of the moment.
func passing(err error) bool {
	for _, of := range []error{
		rpctypes.ErrUnhealthy, rpctypes.ErrMemberNotEnoughStarted, rpctypes.ErrMemberLearnerNotReady, rpctypes.ErrTooManyLearners,
		rpctypes.ErrNoLeader, rpctypes.ErrNotLeader, rpctypes.ErrLeaderChanged,
		context.DeadlineExceeded, rpctypes.ErrTimeout, rpctypes.ErrTimeoutDueToLeaderFail, rpctypes.ErrTimeoutDueToConnectionLost,
	} {
		if errors.Is(err, of) {
			return true
		}
	}
	return false
}
