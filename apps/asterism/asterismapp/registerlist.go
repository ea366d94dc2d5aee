package asterismapp

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/asterism-k8s/asterism/domain/measurement"
	"github.com/asterism-k8s/asterism/domain/policy"
)

// registersHelp explains the choice of registers.
const registersHelp = "The draft holds values of the registers that cover what the platform boots,\n" +
	"which no policy may leave out. Beside them --registers names PCRs, as in 0,2,7,\n" +
	"or none. The default is what a machine of one model measures the same at each\n" +
	"boot:\n" +
	"  PCR 4, 8, 9, 11-14  kernel image, command line, and what could be added\n" +
	"  PCR 0, 2, 3         firmware and option ROMs, where they are measured\n" +
	"  PCR 7               Secure Boot, where it is measured\n\n" +
	"Left out are those that differ between machines or boots: PCR 1 (configuration),\n" +
	"5 (partitions), 6 (maker), 10 (files), 15 (mark), and 16 to 23 (debugging,\n" +
	"dynamic launch, applications)."

// markIndex is the PCR that members bear their cluster's mark in.
const markIndex = 15

// registerList is the value of --registers.
type registerList struct {
	given bool
	list  []measurement.Register
}

// String returns the names as Set takes them.
func (l *registerList) String() string {
	if l.given && len(l.list) == 0 {
		return "none"
	}
	names := make([]string, len(l.list))
	for i, r := range l.list {
		names[i] = r.Name()
	}
	return strings.Join(names, ",")
}

// Type names the flag's argument in help.
func (l *registerList) Type() string { return "list" }

// Set takes PCRs by number or name, as in "0,pcr7", or none.
func (l *registerList) Set(text string) error {
	var list []measurement.Register
	if text != "none" {
		for name := range strings.SplitSeq(text, ",") {
			r, err := parsePCR(name)
			if err != nil {
				return err
			}
			list = append(list, r)
		}
	}
	l.given, l.list = true, list
	return nil
}

func parsePCR(name string) (measurement.Register, error) {
	r, err := measurement.ParseRegister("pcr" + strings.TrimPrefix(name, "pcr"))
	if err != nil {
		return r, fmt.Errorf("want numbers from 0 to %d with commas between them, or none", measurement.PCRCount-1)
	}
	if r.Index() == markIndex {
		return r, errors.New("PCR 15 holds the mark of members, which a session decides on and never a value")
	}
	return r, nil
}

// choose returns the registers that go into a draft, in order: those of the boot
// and those that were asked for.
func (l *registerList) choose(boot []measurement.Register, c *policy.Claims) []measurement.Register {
	chosen := slices.Clone(boot)
	if l.given {
		chosen = append(chosen, l.list...)
	} else {
		chosen = append(chosen, steadyRegisters(c)...)
	}
	slices.SortFunc(chosen, measurement.Register.Compare)
	return slices.Compact(chosen)
}

// steadyRegisters returns what a machine measures the same at each boot: what a
// unified kernel image extends or must leave alone, and of the firmware what was
// measured at all.
func steadyRegisters(c *policy.Claims) []measurement.Register {
	chosen := pcrs(4, 8, 9, 11, 12, 13, 14)
	for _, r := range pcrs(0, 2, 3, 7) {
		if isMeasured(c, r) {
			chosen = append(chosen, r)
		}
	}
	return chosen
}

func isMeasured(c *policy.Claims, r measurement.Register) bool {
	return c.Registers.Get(r) != r.PowerOn()
}

func pcrs(indices ...int) []measurement.Register {
	var list []measurement.Register
	for _, i := range indices {
		if r, err := measurement.NewRegister(measurement.PCR, i); err == nil {
			list = append(list, r)
		}
	}
	return list
}
