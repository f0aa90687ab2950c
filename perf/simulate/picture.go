package simulate

import "time"

// meter is what there is at a moment, of a function or in sum.
type meter struct {
	load, wanted, ready int
}

// Curve is load, wanted and ready pods over time: means over steps of equal length.
type Curve struct {
	From, Step          time.Duration
	Load, Wanted, Ready []float64

	at time.Duration
}

// newCurve returns a curve of so many steps.
func newCurve(from, length time.Duration, steps int) *Curve {
	return &Curve{
		From: from, Step: length / time.Duration(steps),
		Load: make([]float64, steps), Wanted: make([]float64, steps), Ready: make([]float64, steps),
	}
}

// move notes what stood since the last call.
func (c *Curve) move(now time.Duration, m meter) {
	from, to := max(c.at, c.From), min(now, c.From+time.Duration(len(c.Load))*c.Step)
	c.at = now
	for from < to {
		step := int((from - c.From) / c.Step)
		end := min(to, c.From+time.Duration(step+1)*c.Step)
		part := float64(end-from) / float64(c.Step)
		c.Load[step] += part * float64(m.load)
		c.Wanted[step] += part * float64(m.wanted)
		c.Ready[step] += part * float64(m.ready)
		from = end
	}
}

// Picture is what a run draws: the curves of one function and of all.
type Picture struct {
	Function int
	One, Sum *Curve
}

// NewPicture returns a picture of a part of a run.
func NewPicture(function int, from, length time.Duration) *Picture {
	return &Picture{Function: function, One: newCurve(from, length, pictureSteps), Sum: newCurve(from, length, pictureSteps)}
}

// pictureSteps is about as many as a picture has room for.
const pictureSteps = 480

// move notes what stood until now; it comes before each change of f.
func (p *Picture) move(now time.Duration, total meter, f *function) {
	p.Sum.move(now, total)
	if f.index == p.Function {
		p.One.move(now, meter{load: f.load(), wanted: f.wanted, ready: f.hot})
	}
}
