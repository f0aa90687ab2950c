package cli

// nearest returns the name closest to name, when one is close enough to be a slip.
func nearest[T object](name string, items []T) string {
	best, bestDistance := "", 3
	for _, item := range items {
		if d := distance(name, item.GetName()); d < bestDistance {
			best, bestDistance = item.GetName(), d
		}
	}
	return best
}

// distance is the number of edits between two names (Levenshtein).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			next := min(row[j]+1, row[j+1]+1, diagonal+cost)
			diagonal, row[j+1] = row[j+1], next
		}
	}
	return row[len(b)]
}
