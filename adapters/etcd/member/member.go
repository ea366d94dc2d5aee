package member

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/server/v3/embed"
	"go.etcd.io/etcd/server/v3/etcdserver/api/v3client"
	"google.golang.org/grpc"
)

// Errors of a member that runs no more.
var (
	// ErrRemoved says that the others have removed it. Its folder is of no more use.
	ErrRemoved = errors.New("the member has been removed from the store")
	// ErrStopped says that it has stopped, or was stopped.
	ErrStopped = errors.New("the member of the store has stopped")
)

// ErrRecovering is wrapped by Start where Recover was interrupted halfway: the folder
// belongs to its old cluster no more, and to no new one yet. Call Recover again if the
// majority is lost. If it is there after all, Remove this member through one of the
// others, empty the folder, and let it join like a new one (AddLearner).
var ErrRecovering = errors.New("the recovery of the member's folder has not come to its end")

// Bounds of what a member does.
const (
	portAttempts = 5                // to find ports that nobody takes meanwhile
	stopGrace    = time.Second      // for requests that are being answered
	stopTime     = 15 * time.Second // for a member that did not become ready
)

// Member is a running member. Its methods may be called concurrently.
type Member struct {
	config Config
	etcd   *embed.Etcd
	client *clientv3.Client // asks the server directly
	grpc   *registration
	done   chan struct{} // closed when it runs no more
	err    error         // then: why
	close  sync.Once
	closed chan struct{} // closed when nothing of it is left
}

// registration is etcd's gRPC server, which it makes once it is ready.
type registration struct {
	mu     sync.Mutex
	server *grpc.Server
}

func (r *registration) set(s *grpc.Server) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.server = s
}

func (r *registration) stop() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.server != nil {
		r.server.Stop()
	}
}

// Start starts a member and returns once it serves, for which a majority of the
// members has to be there. If the context is done before, everything is stopped
// again; the folder stays as it is and can be started again. One that joins tries
// until the cluster knows it. The context is not used later on.
//
// The error wraps ErrRecovering where Recover has begun with the folder and not
// come to its end.
func Start(ctx context.Context, config Config) (*Member, error) {
	config, err := config.complete()
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(config.Folder, 0o700); err != nil {
		return nil, fmt.Errorf("making the folder of a member: %w", err)
	}
	if halfway, err := config.exists(recovering); err != nil {
		return nil, err
	} else if halfway {
		return nil, fmt.Errorf("%w: %s", ErrRecovering, config.Folder)
	}
	return start(ctx, config, settle)
}

// Recover starts a member from its folder as the only one of a new cluster. It
// keeps all that was committed as far as this member knows. The other members must
// never be started again, but may join with empty folders. It is for where the
// majority is lost, and for one start only.
//
// After an error it may be called again. Where it fails before it has changed
// anything, because of the configuration, a certificate, a port or a context that is
// done, the folder is still one of the old cluster, for Start. Where it fails later,
// Start refuses the folder with ErrRecovering.
//
// What the others knew and this one did not is lost, also where it was acknowledged.
// Revisions therefore go on far above those that were given out, as after Restore,
// before any client is served.
func Recover(ctx context.Context, config Config) (*Member, error) {
	config.Peers, config.Join = nil, false
	config, err := config.complete()
	if err != nil {
		return nil, err
	}
	if logged, err := config.exists("wal"); err != nil {
		return nil, err
	} else if !logged { // there is nothing of another cluster
		return Start(ctx, config)
	}
	m, err := start(ctx, config, takeOver)
	if err != nil {
		return nil, err
	}
	if err := config.unmark(recovering); err != nil {
		stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTime)
		defer cancel()
		return nil, errors.Join(err, m.Stop(stopping))
	}
	return m, nil
}

// start prepares the folder of a member and starts it, with other ports and again
// where that may help.
func start(ctx context.Context, config Config, prepare func(context.Context, Config) error) (*Member, error) {
	for attempt := 1; ; {
		settled, chosen, err := config.settled(ctx)
		if err != nil {
			return nil, err
		}
		m, err := begin(ctx, settled, prepare)
		switch {
		case chosen && errors.Is(err, syscall.EADDRINUSE) && attempt < portAttempts:
			attempt++
		case settled.Join && unheardOf(err) && rest(ctx):
		default:
			return m, err
		}
	}
}

// unheardOf says whether the member that was asked about the cluster has not been
// told of this one yet, or nobody could be asked. etcd has no type for that.
func unheardOf(err error) bool {
	return err != nil && (strings.Contains(err.Error(), "error validating peerURLs") ||
		strings.Contains(err.Error(), "cannot fetch cluster info"))
}

// rest waits before another try, and says whether there is time for one.
func rest(ctx context.Context) bool {
	select {
	case <-time.After(changePause):
		return true
	case <-ctx.Done():
		return false
	}
}

// begin starts a member whose ports are known, after its folder has been prepared.
func begin(ctx context.Context, config Config, prepare func(context.Context, Config) error) (*Member, error) {
	if err := prepare(ctx, config); err != nil {
		return nil, err
	}
	return launch(ctx, config, false)
}

// launch starts a server. One that is alone takes its folder over from whatever
// cluster that was in, cuts its log off, and listens where no client and no other
// member knows: none of them is to hear of a cluster that may not come to be.
func launch(ctx context.Context, config Config, alone bool) (*Member, error) {
	registered := &registration{}
	conf, err := config.server(registered.set)
	if err != nil {
		return nil, err
	}
	if alone {
		conf.ForceNewCluster = true
		conf.SnapshotCount, conf.SnapshotCatchUpEntries = 1, 1
		conf.ListenClientUrls, conf.ListenPeerUrls = config.urls("127.0.0.1:0"), config.urls("127.0.0.1:0")
	}
	server, err := startEtcd(conf)
	if err != nil {
		return nil, fmt.Errorf("starting a member of the store: %w", err)
	}
	m := &Member{
		config: config, etcd: server, client: v3client.New(server.Server), grpc: registered,
		done: make(chan struct{}), closed: make(chan struct{}),
	}
	go m.attend()
	if err := m.becomeReady(ctx); err != nil {
		return nil, err
	}
	return m, nil
}

// startEtcd returns as an error what etcd would end the process for, such as a
// damaged folder.
func startEtcd(conf *embed.Config) (server *embed.Etcd, err error) {
	defer func() {
		if fatal := recover(); fatal != nil {
			server, err = nil, fmt.Errorf("%w: %v", ErrStopped, fatal)
		}
	}()
	return embed.StartEtcd(conf)
}

// becomeReady waits until the member serves, or stops it.
func (m *Member) becomeReady(ctx context.Context) error {
	var err error
	select {
	case <-m.etcd.Server.ReadyNotify():
		return nil
	case <-m.done:
		err = m.err
	case <-ctx.Done():
		err = ctx.Err()
	}
	stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTime)
	defer cancel()
	return errors.Join(fmt.Errorf("waiting for a member of the store to be ready: %w", err), m.Stop(stopping))
}

// attend notes why the member runs no more.
func (m *Member) attend() {
	defer close(m.done)
	select {
	case err := <-m.etcd.Err():
		m.err = ErrStopped
		if err != nil {
			m.err = fmt.Errorf("%w: %w", ErrStopped, err)
		}
	case <-m.etcd.Server.StopNotify():
		m.err = ErrStopped
		if !m.etcd.Server.IsMemberExist(m.etcd.Server.MemberID()) {
			m.err = ErrRemoved
		}
	}
}

// Stop hands leadership over, ends all connections and returns when nothing of
// the member is left, or when the context is done; it then goes on by itself. What
// was acknowledged is on the disk.
func (m *Member) Stop(ctx context.Context) error {
	m.close.Do(func() {
		go func() {
			defer close(m.closed)
			m.end()
		}()
	})
	select {
	case <-m.closed:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("stopping a member of the store: %w", ctx.Err())
	}
}

// end ends the server. Watches are requests without an end, and what is not ready
// does not end by being closed: etcd would wait for both.
func (m *Member) end() {
	hurry := time.AfterFunc(stopGrace, m.grpc.stop)
	defer hurry.Stop()
	select {
	case <-m.etcd.Server.ReadyNotify():
	default:
		m.etcd.Server.HardStop()
	}
	m.etcd.Close()
	_ = m.client.Close()
}

// Done is closed when the member runs no more, by itself or because of Stop.
func (m *Member) Done() <-chan struct{} { return m.done }

// Err returns why the member runs no more: it wraps ErrRemoved or ErrStopped. It
// returns nil while it runs.
func (m *Member) Err() error {
	select {
	case <-m.done:
		return m.err
	default:
		return nil
	}
}

// ID returns by which number the members know it.
func (m *Member) ID() uint64 { return uint64(m.etcd.Server.MemberID()) }

// Peer returns how the other members know it.
func (m *Member) Peer() Peer { return Peer{Name: m.config.Name, Address: m.config.PeerAddress} }

// Endpoints returns where its clients find it, as host:port.
func (m *Member) Endpoints() []string { return []string{m.config.ClientAddress} }
