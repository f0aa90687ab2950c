package simulate

import (
	"bytes"
	"fmt"
	"html"
	"io"
	"math"
	"strconv"
)

// Chart is lines over a common axis.
type Chart struct {
	Title, X, Y string
	// LogX and LogY make an axis logarithmic; it shows no values that are not positive then.
	LogX, LogY bool
	Lines      []Line
}

// Line is one line of a chart.
type Line struct {
	Name string
	X, Y []float64
	// Labels are written beside marked points; nil marks none.
	Labels []string
	// Dashed sets a line apart that belongs to another.
	Dashed bool
}

// The size of a chart and of its margins.
const (
	chartWidth  = 860
	chartHeight = 300
	marginLeft  = 64
	marginRight = 16
	marginTop   = 34
	marginBelow = 46
)

// color returns the color of a line: those that people with any vision can tell apart.
func color(i int) string {
	return [...]string{"#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00"}[i%6]
}

// Draw writes charts, one below the other, as SVG.
func Draw(w io.Writer, charts ...Chart) error {
	var b bytes.Buffer
	height := chartHeight * len(charts)
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="11">`+"\n", chartWidth, height)
	fmt.Fprintf(&b, `<rect width="%d" height="%d" fill="#fff"/>`+"\n", chartWidth, height)
	for i := range charts {
		fmt.Fprintf(&b, `<g transform="translate(0,%d)">`+"\n", i*chartHeight)
		charts[i].draw(&b)
		b.WriteString("</g>\n")
	}
	b.WriteString("</svg>\n")
	if _, err := w.Write(b.Bytes()); err != nil {
		return fmt.Errorf("write picture: %w", err)
	}
	return nil
}

func (c *Chart) draw(b *bytes.Buffer) {
	x := axisOf(c.LogX, c.Lines, func(l *Line) []float64 { return l.X })
	y := axisOf(c.LogY, c.Lines, func(l *Line) []float64 { return l.Y })
	x.from, x.to = marginLeft, chartWidth-marginRight
	y.from, y.to = chartHeight-marginBelow, marginTop
	text(b, marginLeft, 16, "start", "#000", c.Title)
	text(b, (x.from+x.to)/2, chartHeight-8, "middle", "#444", c.X)
	fmt.Fprintf(b, `<text transform="translate(12,%.0f) rotate(-90)" text-anchor="middle" fill="#444">%s</text>`+"\n", (y.from+y.to)/2, html.EscapeString(c.Y))
	for _, v := range x.ticks() {
		at := x.place(v)
		grid(b, at, y.from, at, y.to)
		text(b, at, y.from+14, "middle", "#444", short(v))
	}
	for _, v := range y.ticks() {
		at := y.place(v)
		grid(b, x.from, at, x.to, at)
		text(b, x.from-6, at+4, "end", "#444", short(v))
	}
	for i := range c.Lines {
		c.Lines[i].draw(b, color(i), &x, &y)
		text(b, marginLeft+float64(150*i), 29, "start", color(i), "— "+c.Lines[i].Name)
	}
}

func (l *Line) draw(b *bytes.Buffer, color string, x, y *axis) {
	dash := ""
	if l.Dashed {
		dash = ` stroke-dasharray="4 3"`
	}
	fmt.Fprintf(b, `<polyline fill="none" stroke="%s" stroke-width="1.3"%s points="`, color, dash)
	for i := range l.X {
		if x.shows(l.X[i]) && y.shows(l.Y[i]) {
			fmt.Fprintf(b, "%.1f,%.1f ", x.place(l.X[i]), y.place(l.Y[i]))
		}
	}
	b.WriteString(`"/>` + "\n")
	for i, label := range l.Labels {
		if x.shows(l.X[i]) && y.shows(l.Y[i]) {
			at, up := x.place(l.X[i]), y.place(l.Y[i])
			fmt.Fprintf(b, `<circle cx="%.1f" cy="%.1f" r="3" fill="%s"/>`+"\n", at, up, color)
			text(b, at+5, up-4, "start", color, label)
		}
	}
}

func text(b *bytes.Buffer, x, y float64, anchor, color, s string) {
	fmt.Fprintf(b, `<text x="%.1f" y="%.1f" text-anchor="%s" fill="%s">%s</text>`+"\n", x, y, anchor, color, html.EscapeString(s))
}

func grid(b *bytes.Buffer, x1, y1, x2, y2 float64) {
	fmt.Fprintf(b, `<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f" stroke="#ddd"/>`+"\n", x1, y1, x2, y2)
}

func short(v float64) string { return strconv.FormatFloat(v, 'g', 4, 64) }

// axis maps values to places.
type axis struct {
	log       bool
	low, high float64
	from, to  float64
}

// axisOf returns an axis that shows all values; one that is not logarithmic begins at zero.
func axisOf(log bool, lines []Line, values func(*Line) []float64) axis {
	a := axis{log: log, low: math.Inf(1), high: math.Inf(-1)}
	for i := range lines {
		for _, v := range values(&lines[i]) {
			if !log || v > 0 {
				a.low, a.high = min(a.low, v), max(a.high, v)
			}
		}
	}
	switch {
	case a.low > a.high:
		a.low, a.high = 1, 10
	case log:
		a.low, a.high = a.low/1.2, a.high*1.2
	default:
		a.low, a.high = min(0, a.low), max(a.high*1.05, a.low+1e-9)
	}
	return a
}

func (a *axis) shows(v float64) bool { return !a.log || v > 0 }

func (a *axis) place(v float64) float64 {
	part := (v - a.low) / (a.high - a.low)
	if a.log {
		part = math.Log(v/a.low) / math.Log(a.high/a.low)
	}
	return a.from + part*(a.to-a.from)
}

// ticks returns round values of the axis.
func (a *axis) ticks() (values []float64) {
	if a.log {
		for decade := math.Pow(10, math.Floor(math.Log10(a.low))); decade <= a.high; decade *= 10 {
			for _, k := range []float64{1, 2, 5} {
				if v := k * decade; v >= a.low && v <= a.high {
					values = append(values, v)
				}
			}
		}
		return values
	}
	step := math.Pow(10, math.Floor(math.Log10((a.high-a.low)/4)))
	for _, k := range []float64{5, 2} {
		if (a.high-a.low)/(k*step) >= 4 {
			step *= k
			break
		}
	}
	for i := math.Ceil(a.low / step); i*step <= a.high; i++ {
		values = append(values, i*step)
	}
	return values
}
