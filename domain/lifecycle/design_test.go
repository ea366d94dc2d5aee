package lifecycle_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/asterism-k8s/asterism/domain/lifecycle"
)

// move is an arrow between phases.
type move struct{ from, to lifecycle.Phase }

// designed are the arrows of the design.
func designed() []move {
	return []move{
		{lifecycle.Measured, lifecycle.Fresh},
		{lifecycle.Measured, lifecycle.Sealed},
		{lifecycle.Measured, lifecycle.Damaged},
		{lifecycle.Sealed, lifecycle.Fresh},
		{lifecycle.Damaged, lifecycle.Fresh},
		{lifecycle.Fresh, lifecycle.Initialising},
		{lifecycle.Fresh, lifecycle.Joining},
		{lifecycle.Sealed, lifecycle.Rejoining},
		{lifecycle.Sealed, lifecycle.Recovering},
		{lifecycle.Initialising, lifecycle.Member},
		{lifecycle.Joining, lifecycle.Member},
		{lifecycle.Rejoining, lifecycle.Member},
		{lifecycle.Recovering, lifecycle.Member},
		{lifecycle.Initialising, lifecycle.Fresh},
		{lifecycle.Joining, lifecycle.Fresh},
		{lifecycle.Rejoining, lifecycle.Sealed},
		{lifecycle.Recovering, lifecycle.Sealed},
		{lifecycle.Member, lifecycle.Withheld},
		{lifecycle.Withheld, lifecycle.Member},
		{lifecycle.Member, lifecycle.Revoked},
	}
}

// explained are the arrows beyond the design's, and why they are there.
func explained() []struct {
	move
	why string
} {
	return []struct {
		move
		why string
	}{
		{move{lifecycle.Fresh, lifecycle.Damaged}, "the disk was blank and cannot be formatted"},
		{move{lifecycle.Initialising, lifecycle.Ended}, "it failed or was denied after the mark: an unsealed disk is wiped, and the reboot leads back to Fresh, or to Sealed where the seal was written"},
		{move{lifecycle.Joining, lifecycle.Ended}, "the same; or this boot gets no ticket any more, and the next one may"},
		{move{lifecycle.Rejoining, lifecycle.Ended}, "it failed or was denied after the mark, or this boot gets no ticket any more: the disk stays as it is, and the reboot leads back to Sealed"},
		{move{lifecycle.Recovering, lifecycle.Ended}, "it failed or was denied after the mark: the disk stays as it is, and the reboot leads back to Sealed"},
		{move{lifecycle.Rejoining, lifecycle.Fresh}, "a locked node may be wiped while it asks for a ticket"},
		{move{lifecycle.Recovering, lifecycle.Fresh}, "a locked node may be wiped while it gathers shares"},
		{move{lifecycle.Rejoining, lifecycle.Revoked}, "a node that was revoked while it was off hears of it here"},
		{move{lifecycle.Recovering, lifecycle.Rejoining}, "a JoinService of the cluster answers before the mark: there is nothing to recover"},
		{move{lifecycle.Withheld, lifecycle.Revoked}, "a member that does not attest can be revoked too"},
		{move{lifecycle.Revoked, lifecycle.Fresh}, "its owner has it wiped; it never unlocked its disk in this boot"},
		{move{lifecycle.Revoked, lifecycle.Ended}, "its owner has it wiped; it was a member in this boot, so it reboots"},
		{move{lifecycle.Member, lifecycle.Ended}, "a member that cannot carry an effect out reboots and rejoins"},
		{move{lifecycle.Withheld, lifecycle.Ended}, "the same"},
	}
}

func (d *drawing) moves() map[move]bool {
	moves := map[move]bool{}
	for a := range d.arrows {
		if a.refusal == "" && a.from.phase != a.to.phase && !ends(a) {
			moves[move{a.from.phase, a.to.phase}] = true
		}
	}
	return moves
}

// Every arrow of the design is in the code, and every other one has its reason.
func TestArrowsOfTheDesign(t *testing.T) {
	t.Parallel()
	moves := draw(t).moves()
	known := map[move]bool{}
	for _, m := range designed() {
		known[m] = true
		if !moves[m] {
			t.Errorf("the design's arrow %v is missing", m)
		}
	}
	for _, x := range explained() {
		if known[x.move] || !moves[x.move] {
			t.Errorf("%v is explained, and is the design's or is not there", x.move)
		}
		known[x.move] = true
	}
	for m := range moves {
		if !known[m] {
			t.Errorf("%v is not explained", m)
		}
	}
}

func (d *drawing) extraArrows(t *testing.T) string {
	t.Helper()
	var text strings.Builder
	text.WriteString("| arrow | why |\n| --- | --- |\n")
	for _, x := range explained() {
		fmt.Fprintf(&text, "| %s to %s | %s |\n", x.from, x.to, x.why)
	}
	return text.String()
}
