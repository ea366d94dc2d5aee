package world

import (
	"time"

	"github.com/asterism-k8s/asterism/domain/keys"
	"github.com/asterism-k8s/asterism/domain/lifecycle"
	"github.com/asterism-k8s/asterism/domain/owner"
	"github.com/asterism-k8s/asterism/e2e/simulation/kernel"
)

// threshold is how many shares recover a master secret here.
const threshold = 2

// initStream is one init request with the two ends that hold it.
type initStream struct {
	id     lifecycle.InitID
	owner  *proprietor
	node   *node
	result *kernel.Answer[string] // empty: it worked
	draft  *draft
}

// draft is what a founding node knows of its cluster before the owner has signed.
type draft struct {
	mark   lifecycle.Mark
	master []byte // for the owner's and the holders' safes
	salt   keys.MeasurementSalt
	ledger owner.PublicKey
}

// fail tells the owner's tool that the init has failed.
func (s *initStream) fail(why string) {
	if s != nil {
		s.node.m.w.net.reply(s.node.m, s.owner, func() { s.result.Give(why) })
	}
}

// finish tells it that the cluster is there.
func (s *initStream) finish() {
	if s != nil {
		s.fail("")
	}
}

// acceptInit is the node's end of an init request.
func (n *node) acceptInit(s *initStream) error {
	return n.offer(lifecycle.InitRequested{ID: s.id, Signer: s.owner.id()}, func() func() {
		before := n.stream
		n.stream, s.node = s, n
		return func() { n.stream = before }
	})
}

// makeSecret makes the secrets of a new cluster, which takes a moment.
func (n *node) makeSecret() {
	n.m.w.k.Go(n.m.life, func() {
		n.m.w.k.Sleep(n.m.w.k.Between(10*time.Millisecond, 2*time.Second))
		if n.state.Stage != lifecycle.Preparing {
			return
		}
		master := n.m.w.bytes(keys.MasterSecretSize)
		salt := keys.MeasurementSalt(n.m.w.bytes(keys.MeasurementSaltSize))
		s, cluster, err := unlockWith(master, salt, n.m.disk.uuid)
		n.m.w.must(err)
		s.threshold = threshold
		n.secrets = s
		if n.stream != nil {
			n.stream.draft = &draft{mark: lifecycle.Mark{Cluster: cluster, Owner: n.m.owner.id()}, master: master, salt: salt}
		}
		n.feed(lifecycle.SecretMade{Cluster: cluster})
	})
}

// unlockWith derives what a master secret and a salt lead to.
func unlockWith(master []byte, salt keys.MeasurementSalt, disk string) (*secrets, keys.ClusterID, error) {
	secret, err := keys.NewMasterSecret(keys.NewSecret(append([]byte{}, master...)))
	if err != nil {
		return nil, keys.ClusterID{}, err
	}
	s := &secrets{salt: salt}
	if s.kek, err = secret.KEK(keys.FirstGeneration); err != nil {
		return nil, keys.ClusterID{}, err
	}
	if s.measurement, err = secret.MeasurementSecret(); err != nil {
		return nil, keys.ClusterID{}, err
	}
	if s.disk, s.seal, err = diskKeys(s.kek, disk); err != nil {
		return nil, keys.ClusterID{}, err
	}
	cluster, err := s.measurement.ClusterID(salt)
	return s, cluster, err
}

// foundCluster brings up key service and store of a new cluster.
func (n *node) foundCluster(mark lifecycle.Mark) {
	n.m.w.k.Sleep(n.m.w.k.Between(2*time.Second, 20*time.Second))
	c := n.m.w.newCluster(mark, n.m.owner)
	n.server = newServer(n, c)
	n.m.say(kernel.Normal, "brings up key service and store of ", c.name)
	n.feed(lifecycle.ClusterFounded{})
}

// sendDraft has the owner sign the statement, and writes it down before the node
// goes on.
func (n *node) sendDraft() {
	s := n.stream
	if s == nil || s.draft == nil {
		n.feed(lifecycle.InitStreamBroken{})
		return
	}
	key, err := n.server.signer.PublicKey(n.m.w.within(10 * time.Second))
	if err != nil {
		n.feed(lifecycle.Failed{What: "deriving the ledger's key"})
		return
	}
	s.draft.ledger = key
	first := n.m.facts()
	signed, answered := call(n.m.w.net, n.m, s.owner, time.Minute, func() *founding { return s.owner.sign(s.draft, n.m.identity()) })
	if !answered || signed == nil {
		n.feed(lifecycle.InitStreamBroken{})
		return
	}
	if err := n.server.found(signed, first); err != nil {
		n.m.say(kernel.Bad, "cannot write down what the owner signed: ", err.Error())
		n.feed(lifecycle.Failed{What: "writing statement and policies"})
		return
	}
	n.feed(lifecycle.StatementSigned{Signer: s.owner.id(), Mark: s.draft.mark, Serial: signed.serial})
}
