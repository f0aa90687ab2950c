package dashboards

import (
	"bytes"
	"fmt"
	"html"
	"io"
	"math"
	"slices"
	"strconv"
)

// Series is one line of a panel.
type Series struct {
	Name string
	// Times are in seconds, Values beside them; a value that is not finite is not drawn.
	Times, Values []float64
}

// The grid of a picture: Grafana's 24 columns.
const (
	column     = 50
	unitHeight = 24
	gap        = 6
	legendLine = 13
	legendRows = 3
)

// Draw writes a picture of a dashboard as SVG: its panels in their places, with what data returns for them.
func Draw(w io.Writer, d Dashboard, data func(Panel) []Series) error {
	height := 0
	for _, p := range d.Panels {
		height = max(height, (p.GridPos.Y+p.GridPos.H)*unitHeight)
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="11">`+"\n", 24*column, height+30)
	b.WriteString(`<rect width="100%" height="100%" fill="#f4f5f5"/>` + "\n")
	label(&b, 8, 20, "start", "#24292e", `font-size="15" font-weight="bold"`, d.Title)
	for _, p := range d.Panels {
		f := frame{
			x: float64(p.GridPos.X*column + gap/2), y: float64(p.GridPos.Y*unitHeight + 30),
			w: float64(p.GridPos.W*column - gap), h: float64(p.GridPos.H*unitHeight - gap),
		}
		switch p.Type {
		case "row":
			label(&b, f.x+4, f.y+14, "start", "#24292e", `font-size="12" font-weight="bold"`, p.Title)
		case "stat":
			f.stat(&b, p, data(p))
		default:
			f.graph(&b, p, data(p))
		}
	}
	b.WriteString("</svg>\n")
	if _, err := w.Write(b.Bytes()); err != nil {
		return fmt.Errorf("write picture: %w", err)
	}
	return nil
}

// frame is where a panel is drawn.
type frame struct{ x, y, w, h float64 }

func (f frame) box(b *bytes.Buffer, title string) {
	fmt.Fprintf(b, `<rect x="%.0f" y="%.0f" width="%.0f" height="%.0f" rx="2" fill="#fff" stroke="#ddd"/>`+"\n", f.x, f.y, f.w, f.h)
	label(b, f.x+8, f.y+16, "start", "#24292e", `font-weight="bold"`, title)
}

// stat draws the last value.
func (f frame) stat(b *bytes.Buffer, p Panel, series []Series) {
	f.box(b, p.Title)
	text := "no data"
	if len(series) > 0 {
		if v, ok := series[0].Last(); ok {
			text = readable(v, p.FieldConfig.Defaults.Unit)
		}
	}
	label(b, f.x+f.w/2, f.y+f.h/2+16, "middle", colorOf(2), `font-size="24"`, text)
}

// Last returns the last value that is a finite number.
func (s Series) Last() (float64, bool) {
	for _, v := range slices.Backward(s.Values) {
		if finite(v) {
			return v, true
		}
	}
	return 0, false
}

// graph draws lines over time, from zero up.
func (f frame) graph(b *bytes.Buffer, p Panel, series []Series) {
	f.box(b, p.Title)
	inner := frame{x: f.x + 56, y: f.y + 26, w: f.w - 68, h: f.h - 26 - legendRows*legendLine - 10}
	from, to, high := extent(series)
	for i := range 5 {
		v := high * float64(i) / 4
		y := inner.y + inner.h*(1-float64(i)/4)
		fmt.Fprintf(b, `<line x1="%.0f" y1="%.1f" x2="%.0f" y2="%.1f" stroke="#e8e8e8"/>`+"\n", inner.x, y, inner.x+inner.w, y)
		label(b, inner.x-5, y+4, "end", "#666", `font-size="10"`, readable(v, p.FieldConfig.Defaults.Unit))
	}
	for i, s := range series {
		fmt.Fprintf(b, `<path fill="none" stroke="%s" stroke-width="1.4" d="%s"/>`+"\n", colorOf(i), inner.path(s, from, to, high))
	}
	f.legend(b, inner.y+inner.h+legendLine, series)
}

// legend names the lines, as many as find room.
func (f frame) legend(b *bytes.Buffer, y float64, series []Series) {
	x, line := f.x+10, 0
	for i, s := range series {
		width := float64(len(s.Name))*6 + 22
		if x+width > f.x+f.w && x > f.x+10 {
			if x, line = f.x+10, line+1; line == legendRows {
				return
			}
		}
		label(b, x, y+float64(line*legendLine), "start", colorOf(i), `font-size="10"`, "— "+s.Name)
		x += width
	}
}

// path is a line, broken where there are no values.
func (f frame) path(s Series, from, to, high float64) string {
	var d bytes.Buffer
	pen := "M"
	for i, v := range s.Values {
		if !finite(v) {
			pen = "M"
			continue
		}
		x := f.x
		if to > from {
			x += (s.Times[i] - from) / (to - from) * f.w
		}
		fmt.Fprintf(&d, "%s%.1f %.1f", pen, x, f.y+f.h*(1-max(0, v)/high))
		pen = "L"
	}
	return d.String()
}

// extent returns the span of times and a round value that is not below any other.
func extent(series []Series) (from, to, high float64) {
	from, to = math.Inf(1), math.Inf(-1)
	for _, s := range series {
		for i, v := range s.Values {
			from, to = min(from, s.Times[i]), max(to, s.Times[i])
			if finite(v) {
				high = max(high, v)
			}
		}
	}
	if high <= 0 {
		return from, to, 1
	}
	scale := math.Pow(10, math.Floor(math.Log10(high)))
	for _, k := range []float64{1, 2, 4, 8} {
		if k*scale >= high {
			return from, to, k * scale
		}
	}
	return from, to, 10 * scale
}

// readable writes a value of one of Grafana's units.
func readable(v float64, unit string) string {
	short := func(v float64) string { return strconv.FormatFloat(v, 'g', 3, 64) }
	switch {
	case unit == "bytes" && v >= 1<<20:
		return short(v/(1<<20)) + " MiB"
	case unit == "bytes":
		return short(v/(1<<10)) + " KiB"
	case unit == "percentunit":
		return short(100*v) + " %"
	case unit == "ms":
		return short(v) + " ms"
	case unit == "s" && v > 0 && v < 1:
		return short(1000*v) + " ms"
	case unit == "s":
		return short(v) + " s"
	case unit == "reqps", unit == "ops":
		return short(v) + " /s"
	case v >= 1000:
		return strconv.FormatFloat(v, 'f', 0, 64)
	}
	return short(v)
}

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }

// colorOf returns the color of a line: those that people with any vision can tell apart.
func colorOf(i int) string {
	return [...]string{"#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#666666"}[i%7]
}

func label(b *bytes.Buffer, x, y float64, anchor, fill, style, s string) {
	fmt.Fprintf(b, `<text x="%.1f" y="%.1f" text-anchor="%s" fill="%s" %s>%s</text>`+"\n", x, y, anchor, fill, style, html.EscapeString(s))
}
