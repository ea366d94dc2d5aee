package eventlog

import (
	"bytes"

	"github.com/asterism-k8s/asterism/domain/measurement"
)

// secureBootRegister is where the firmware measures its policy of secure boot.
const secureBootRegister = 7

// variable is a UEFI_VARIABLE_DATA (PC Client Platform Firmware Profile, section
// 10.2.6).
type variable struct {
	vendor []byte // 16 bytes, as measured
	name   string
	value  []byte
}

// parseVariable reads a variable that fills data.
func parseVariable(data []byte) (variable, bool) {
	r := reader{rest: data}
	v := variable{vendor: r.take(16)}
	units, high := r.uint32(), r.uint32()
	size, sizeHigh := r.uint32(), r.uint32()
	if r.cut || high != 0 || sizeHigh != 0 || units > uint32(len(r.rest)/2) {
		return v, false
	}
	v.name = decodeUTF16(r.take(2 * units))
	v.value = r.take(size)
	return v, !r.cut && len(r.rest) == 0
}

// globalVariable is EFI_GLOBAL_VARIABLE, the vendor of the specification's own
// variables (UEFI specification, section 3.3).
func globalVariable() []byte {
	return []byte{0x61, 0xdf, 0xe4, 0x8b, 0xca, 0x93, 0xd2, 0x11, 0xaa, 0x0d, 0x00, 0xe0, 0x98, 0x03, 0x2b, 0x8c}
}

// secureBoot is what the log says of secure boot. The firmware measures the
// variable before anything else in its register: whatever comes later may be by
// somebody else.
type secureBoot struct {
	decided bool
	state   *bool
}

// see looks at the first event of the register.
func (s *secureBoot) see(e *record) {
	if s.decided || e.register != secureBootRegister {
		return
	}
	s.decided = true
	v, ok := parseVariable(e.data)
	if !ok || e.kind != evEFIVariableConfig || v.name != "SecureBoot" || !bytes.Equal(v.vendor, globalVariable()) || !e.covered(e.data) {
		return
	}
	// A variable without a value is one that the firmware does not know.
	if len(v.value) > 1 || len(v.value) == 1 && v.value[0] > 1 {
		return
	}
	on := len(v.value) == 1 && v.value[0] == 1
	s.state = &on
}

// proven returns the state if the events lead to the register's quoted value.
func (s *secureBoot) proven(events []measurement.Event, quoted *measurement.Registers) *bool {
	r, err := measurement.NewRegister(measurement.PCR, secureBootRegister)
	if err != nil || s.state == nil || !measurement.Explains(events, r, quoted.Get(r)) {
		return nil
	}
	return s.state
}
