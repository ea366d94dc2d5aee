package measurement

// Event is one measurement of a boot: a digest that was extended into a
// register. Only Register and Digest are covered by the register's value; Type
// and Description come from the log, are not vouched for by anything, and serve
// people only.
type Event struct {
	Register    Register `json:"register"`
	Digest      Digest   `json:"digest"`
	Type        string   `json:"type,omitempty"`        // TCG event type, as in EV_IPL
	Description string   `json:"description,omitempty"` // what was measured
}

// Replay extends every event in order, from the registers' power-on values, and
// returns the values of all registers that an event names. locality is the TPM
// locality from which the firmware started the TPM, which PCR 0 starts with: 0
// on most machines, 3 or 4 where a StartupLocality or H-CRTM event says so (TCG
// PC Client Platform Firmware Profile, section 10.4.5.3).
//
// An event whose digest is not of its register's algorithm leaves that register
// without a value, for good: such a log explains nothing.
func Replay(locality uint8, events []Event) Registers {
	var rs Registers
	var spoilt [registerCount]bool
	for i := range events {
		slot := events[i].Register.slot
		if spoilt[slot] {
			continue
		}
		value := rs.values[slot]
		if value.IsZero() {
			value = powerOn(events[i].Register, locality)
		}
		rs.values[slot] = value.Extend(events[i].Digest)
		spoilt[slot] = rs.values[slot].IsZero()
	}
	return rs
}

// replayOne is Replay for one register, and says whether an event names it.
func replayOne(locality uint8, events []Event, r Register) (value Digest, named bool) {
	value = powerOn(r, locality)
	for i := range events {
		if events[i].Register == r {
			value, named = value.Extend(events[i].Digest), true
		}
	}
	return value, named
}

func powerOn(r Register, locality uint8) Digest {
	d := r.PowerOn()
	if r == (Register{}) {
		d.sum[d.algorithm.Size()-1] = locality
	}
	return d
}
