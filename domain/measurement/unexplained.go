package measurement

// Unexplained returns the quoted registers that the log does not lead to, in
// order. A register that no event names is explained by its power-on value.
// Events of registers that are not quoted say nothing and are passed over.
func Unexplained(locality uint8, events []Event, quoted *Registers) []Register {
	replayed := Replay(locality, events)
	named := namedBy(events)
	var list []Register
	for r, value := range quoted.All() {
		got := replayed.Get(r)
		if !named[r.slot] {
			got = powerOn(r, locality)
		}
		if got != value {
			list = append(list, r)
		}
	}
	return list
}

func namedBy(events []Event) (named [registerCount]bool) {
	for i := range events {
		named[events[i].Register.slot] = true
	}
	return named
}
