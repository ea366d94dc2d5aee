package policyfile

import "strings"

// closest returns the known name that was probably meant, empty if none is near.
func closest(name string, known []string) string {
	best, least := "", 2+len(name)/4
	for _, k := range known {
		if d := editDistance(strings.ToLower(shorten(name, 64)), strings.ToLower(k)); d < least {
			best, least = k, d
		}
	}
	return best
}

// editDistance counts the insertions, deletions and substitutions of a byte that
// make b of a (Levenshtein's distance).
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			substitute := diagonal
			if a[i] != b[j] {
				substitute++
			}
			diagonal = row[j+1]
			row[j+1] = min(substitute, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
