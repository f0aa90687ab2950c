package simulate

import (
	"bytes"
	"compress/gzip"
	"flag"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
)

var makeSample = flag.Bool("sample", false, "write the sample anew")

const (
	sampleFunctions = 2000
	sampleMinutes   = 1440
	sampleSeed      = 2019
)

// The sample is what this generator makes. Its mix is that of "Serverless in the Wild" (USENIX ATC 2020), as far as that
// can be said in a few lines: half of the functions are called less than once an hour, four fifths less than once a
// minute; a few have most of the requests; loads follow the day, or clocks, or come in bursts.
func TestSample_IsAsGenerated(t *testing.T) {
	invocations, durations := generate(sampleSeed)
	for name, made := range map[string][]byte{
		"invocations_per_function_md.anon.d01.csv.gz":    invocations,
		"function_durations_percentiles.anon.d01.csv.gz": durations,
	} {
		path := filepath.Join("sample", name)
		if *makeSample {
			var zipped bytes.Buffer
			w, _ := gzip.NewWriterLevel(&zipped, gzip.BestCompression)
			_, _ = w.Write(made)
			_ = w.Close()
			if err := os.WriteFile(path, zipped.Bytes(), 0o600); err != nil {
				t.Fatal(err)
			}
			continue
		}
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		r, err := gzip.NewReader(f)
		if err != nil {
			t.Fatal(err)
		}
		if there, err := io.ReadAll(r); err != nil || !bytes.Equal(there, made) {
			t.Errorf("%s is not what is generated (%v): run the test with -sample", path, err)
		}
	}
}

// generate makes the two tables of a day.
func generate(seed uint64) (invocations, durations []byte) {
	random := rand.New(rand.NewPCG(seed, seed))
	var in, du bytes.Buffer
	in.WriteString("HashOwner,HashApp,HashFunction,Trigger")
	for m := range sampleMinutes {
		fmt.Fprintf(&in, ",%d", m+1)
	}
	in.WriteString("\n")
	du.WriteString("HashOwner,HashApp,HashFunction,Average,Count,Minimum,Maximum")
	for _, p := range []int{0, 1, 25, 50, 75, 99, 100} {
		fmt.Fprintf(&du, ",percentile_Average_%d", p)
	}
	du.WriteString("\n")
	for i := range sampleFunctions {
		id := fmt.Sprintf("o%d,a%d,f%d", i/7, i/3, i)
		perDay := logBetween(random, i)
		median := math.Min(20_000, math.Exp(math.Log(350)+1.5*random.NormFloat64()))
		median = math.Min(median, 30*86_400_000/perDay) // 30 at a time on the average, at most
		trigger, counts := counts(random, perDay)
		total := 0
		fmt.Fprintf(&in, "%s,%s", id, trigger)
		for _, n := range counts {
			total += n
			fmt.Fprintf(&in, ",%d", n)
		}
		in.WriteString("\n")
		spread := .15 + .5*random.Float64()
		fmt.Fprintf(&du, "%s,%.0f,%d", id, median*math.Exp(spread*spread/2), total)
		at := func(z float64) float64 { return math.Ceil(median * math.Exp(spread*z)) }
		for _, z := range []float64{-3, 3, -3, -2.33, -.674, 0, .674, 2.33, 3} {
			fmt.Fprintf(&du, ",%.0f", at(z))
		}
		du.WriteString("\n")
	}
	return in.Bytes(), du.Bytes()
}

// logBetween returns how often a function is called in a day: classes as in the paper, evenly by magnitude within each.
func logBetween(random *rand.Rand, i int) float64 {
	least, most := 1.0, 24.0
	switch share := float64(i%200) / 200; {
	case share >= .985:
		least, most = 14_400, 60_000
	case share >= .94:
		least, most = 1_440, 14_400
	case share >= .81:
		least, most = 240, 1_440
	case share >= .45:
		least, most = 24, 240
	}
	return least * math.Pow(most/least, random.Float64())
}

// counts returns the requests of each minute: of a clock, in bursts, or as the day goes.
func counts(random *rand.Rand, perDay float64) (trigger string, counts []int) {
	counts = make([]int, sampleMinutes)
	switch kind := random.Float64(); {
	case kind < .25:
		every := max(1, int(math.Round(sampleMinutes/perDay)))
		n := max(1, int(math.Round(perDay*float64(every)/sampleMinutes)))
		for m := random.IntN(every); m < sampleMinutes; m += every {
			counts[m] = n
		}
		return "timer", counts
	case kind < .5:
		bursts := max(1, math.Sqrt(perDay)/4)
		for range int(bursts) {
			start, length := random.IntN(sampleMinutes), 1+random.IntN(12)
			for m := start; m < min(sampleMinutes, start+length); m++ {
				counts[m] += poisson(random, perDay/math.Floor(bursts)/float64(length))
			}
		}
		return "queue", counts
	default:
		peak := random.Float64() * 2 * math.Pi
		for m := range counts {
			counts[m] = poisson(random, perDay/sampleMinutes*(1+.8*math.Sin(2*math.Pi*float64(m)/sampleMinutes+peak)))
		}
		return "http", counts
	}
}

// poisson returns a random number with that mean.
func poisson(random *rand.Rand, mean float64) int {
	if mean > 50 {
		return max(0, int(math.Round(mean+math.Sqrt(mean)*random.NormFloat64())))
	}
	n, p := 0, random.Float64()
	for limit := math.Exp(-mean); p > limit; n++ {
		p *= random.Float64()
	}
	return n
}
