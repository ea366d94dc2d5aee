package governing

import (
	"context"
	"fmt"

	"github.com/asterism-k8s/asterism/domain/join"
	"github.com/asterism-k8s/asterism/ports"
)

// MaxQueue is how many candidates Waiting returns at most.
const MaxQueue = 10_000

// Queue is who waits for an approval. It is for people to look at: the store may
// say what it likes, and an approval is decided on anew when the machine comes
// back.
type Queue struct {
	Candidates []*join.Waiting // sorted by identity
	Unreadable []ports.Key     // items that are not what they should be
	More       bool            // there are more than MaxQueue
}

// Waiting returns who waits for an approval. The errors are the store's.
func (g *Governor) Waiting(ctx context.Context) (*Queue, error) {
	q := &Queue{}
	after := ""
	for {
		listing, err := g.store.List(ctx, ports.Waiting, after, ports.MaxListing)
		if err != nil {
			return nil, fmt.Errorf("reading who waits for an approval: %w", err)
		}
		for _, item := range listing.Items {
			q.add(item)
			after = item.Key.Name
		}
		q.More = listing.More && len(listing.Items) > 0
		if !q.More || len(q.Candidates)+len(q.Unreadable) >= MaxQueue {
			return q, nil
		}
	}
}

func (q *Queue) add(item *ports.Item) {
	w, err := join.DecodeWaiting(item.Value)
	if err != nil || item.Key != waitingKey(w.Identity) {
		q.Unreadable = append(q.Unreadable, item.Key)
		return
	}
	q.Candidates = append(q.Candidates, w)
}
