package cli

import (
	"maps"
	"slices"

	utilrand "k8s.io/apimachinery/pkg/util/rand"
)

// randomSuffix makes generated names differ; it has five characters that are easy to read.
func randomSuffix() string { return utilrand.String(5) }

// sortedKeys returns the keys of m in order.
func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
