package simulate

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
)

func TestDraw_WritesSVG(t *testing.T) {
	var b bytes.Buffer
	err := Draw(&b,
		Chart{Title: "a < b & c", X: "x", Y: "y", Lines: []Line{{Name: "one", X: []float64{0, 1, 2}, Y: []float64{0, 5, 3}}}},
		Chart{Title: "log", LogX: true, LogY: true, Lines: []Line{{Name: "two", X: []float64{1, 10, 100}, Y: []float64{0, .1, 20}, Labels: []string{"zero", "low", "high"}}}},
		Chart{Title: "empty"})
	if err != nil {
		t.Fatal(err)
	}
	d := xml.NewDecoder(bytes.NewReader(b.Bytes()))
	for {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatalf("%v in %s", err, b.String())
		}
	}
	text := b.String()
	for _, want := range []string{"a &lt; b &amp; c", ">high<", "<polyline"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in the picture", want)
		}
	}
	if strings.Contains(text, ">zero<") || strings.Contains(text, "NaN") || strings.Contains(text, "Inf") {
		t.Error("a logarithmic axis shows what is not positive")
	}
}

func TestAxis_HasAFewRoundTicks(t *testing.T) {
	for _, high := range []float64{.3, 1, 7, 24, 1440, 65000} {
		a := axis{low: 0, high: high}
		if n := len(a.ticks()); n < 3 || n > 11 {
			t.Errorf("%d ticks up to %v", n, high)
		}
	}
}
