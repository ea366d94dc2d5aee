// Package sample holds one place for every operator.
package sample

import (
	"errors"

	"example.com/m/lp"
)

type gate struct {
	open     bool
	findings []string
}

func (g *gate) report(what string, _ ...string) {
	g.findings = append(g.findings, what)
}

func (g *gate) admits(level, floor int) bool {
	if level < floor && !g.open {
		g.report("below the floor", "level", "floor")
		return false
	}
	switch {
	case level == 3, level != floor:
		return true
	}
	return level >= 0x10 || g.open
}

func check(data []byte) (n int, err error) {
	if len(data) == 0 {
		return 0, errors.New("no data")
	}
	each(func() bool { return n > 1 })
	return len(data), nil
}

func encode(dst []byte, a, b []byte) []byte {
	dst = append(dst, "label"...)
	dst = lp.Append(dst, a, b)
	dst = lp.Fixed(dst, a)
	return join([][]byte{dst, a}, 1)
}

func join[T any](all []T, n int) T {
	if n < 0 {
		panic("negative")
	}
	return all[n]
}

func each(f func() bool) {
	for f() {
	}
}
