package main

import (
	"cmp"
	"fmt"
	"slices"
)

// rule is one thing that the house demands.
type rule struct {
	name  string // short and stable: it stands in every violation
	says  string // one sentence for -h
	check func(*tree) []violation
}

// violation is one breach: where, what, and what to do instead.
type violation struct {
	rule, where, what, do string
}

// String is the line that is printed.
func (v violation) String() string {
	return fmt.Sprintf("%s: %s: %s: %s", v.rule, v.where, v.what, v.do)
}

// rules are all rules, in the order in which -h lists them.
func rules() []rule {
	return slices.Concat(
		domainRules(),
		layerRules(),
		appRules(),
		libraryRules(),
		surveyRules(),
		buildFileRules(),
	)
}

// checkAll applies every rule. The violations carry their rule's name, are sorted
// and stand once each.
func checkAll(t *tree) []violation {
	var all []violation
	for _, r := range rules() {
		for _, v := range r.check(t) {
			v.rule = r.name
			all = append(all, v)
		}
	}
	slices.SortFunc(all, func(a, b violation) int { return cmp.Compare(a.String(), b.String()) })
	return slices.Compact(all)
}
