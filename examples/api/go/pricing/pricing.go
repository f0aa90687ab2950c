// Package pricing knows what things cost.
package pricing

import (
	"fmt"
	"math"
)

// Item is a line of an order.
type Item struct {
	Name  string  `json:"name"`
	Count float64 `json:"count"`
}

// Total is what the items cost, less a discount in per cent.
func Total(items []Item, discount float64) (float64, error) {
	prices := map[string]float64{"pen": 2, "cup": 5}
	sum := 0.0
	for _, item := range items {
		price, ok := prices[item.Name]
		if !ok {
			return 0, fmt.Errorf("there is no %s", item.Name)
		}
		sum += price * item.Count
	}
	return math.Round(sum*(100-discount)) / 100, nil
}
