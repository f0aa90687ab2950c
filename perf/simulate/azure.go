package simulate

import (
	"compress/gzip"
	"embed"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// sample is a trace in the form of the Azure Functions trace of 2019, made by TestSample_IsAsGenerated.
//
//go:embed sample/*.csv.gz
var sample embed.FS

// Sample returns the trace that comes with the package: a day of two thousand functions.
func Sample() (*Trace, error) {
	folder, err := fs.Sub(sample, "sample")
	if err != nil {
		return nil, fmt.Errorf("open the sample: %w", err)
	}
	return readFolder(folder)
}

// Read returns the trace of a path: a folder with a day of the Azure Functions trace of 2019 (invocations_per_function*
// and function_durations_percentiles*, plain or compressed by gzip), or a file with a line "seconds,function,ms" for
// each request: when it came, of which function, how long it ran.
func Read(path string) (*Trace, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("find the trace: %w", err)
	}
	if info.IsDir() {
		return readFolder(os.DirFS(path))
	}
	return readRequests(os.DirFS(filepath.Dir(path)), filepath.Base(path))
}

func readFolder(folder fs.FS) (*Trace, error) {
	identities := []string{"HashOwner", "HashApp", "HashFunction"}
	t := &Trace{}
	byName := map[string]int{}
	err := readTable(folder, "invocations_per_function*", identities, func(column map[string]int, line []string) error {
		return t.addCounts(byName, column, line)
	})
	if err != nil {
		return nil, err
	}
	err = readTable(folder, "function_durations_percentiles*", identities, func(column map[string]int, line []string) error {
		return t.addDurations(byName, column, line)
	})
	if err != nil {
		return nil, err
	}
	t.Functions = slices.DeleteFunc(t.Functions, func(f Function) bool { return f.Runs == Durations{} })
	if len(t.Functions) == 0 {
		return nil, errors.New("no function has both invocations and durations")
	}
	return t, nil
}

// identity are the columns that say which function a line is about.
func identity(column map[string]int, line []string) string {
	return line[column["HashOwner"]] + "/" + line[column["HashApp"]] + "/" + line[column["HashFunction"]]
}

func (t *Trace) addCounts(byName map[string]int, column map[string]int, line []string) error {
	f := Function{Name: identity(column, line)}
	if i, ok := column["Trigger"]; ok {
		f.Timer = line[i] == "timer"
	}
	for minute := 1; ; minute++ {
		i, ok := column[strconv.Itoa(minute)]
		if !ok {
			break
		}
		n, err := strconv.ParseUint(line[i], 10, 32)
		if err != nil {
			return fmt.Errorf("%s, minute %d: %w", f.Name, minute, err)
		}
		f.PerMinute = append(f.PerMinute, uint32(n))
	}
	t.Minutes = max(t.Minutes, len(f.PerMinute))
	byName[f.Name] = len(t.Functions)
	t.Functions = append(t.Functions, f)
	return nil
}

func (t *Trace) addDurations(byName map[string]int, column map[string]int, line []string) error {
	i, ok := byName[identity(column, line)]
	if !ok {
		return nil
	}
	for k, share := range shares {
		name := "percentile_Average_" + strconv.Itoa(int(share*100+.5))
		c, ok := column[name]
		if !ok {
			return fmt.Errorf("no column %s", name)
		}
		ms, err := strconv.ParseFloat(line[c], 64)
		if err != nil {
			return fmt.Errorf("%s, %s: %w", t.Functions[i].Name, name, err)
		}
		t.Functions[i].Runs[k] = max(shortest, time.Duration(ms*float64(time.Millisecond)))
	}
	return nil
}

// readRequests reads a file that names each request.
func readRequests(folder fs.FS, name string) (*Trace, error) {
	t := &Trace{}
	byName := map[string]int{}
	var last time.Duration
	err := readTable(folder, name, []string{"seconds", "function", "ms"}, func(column map[string]int, line []string) error {
		seconds, err := strconv.ParseFloat(line[column["seconds"]], 64)
		ms, wrong := strconv.ParseFloat(line[column["ms"]], 64)
		if err = errors.Join(err, wrong); err != nil {
			return err
		}
		function := line[column["function"]]
		i, ok := byName[function]
		if !ok {
			i = len(t.Functions)
			byName[function] = i
			t.Functions = append(t.Functions, Function{Name: function})
		}
		r := Request{At: time.Duration(seconds * float64(time.Second)), Runs: time.Duration(ms * float64(time.Millisecond)), Function: i}
		if r.At < 0 || r.Runs < 0 {
			return errors.New("times must not be negative")
		}
		last = max(last, r.At)
		t.recorded = append(t.recorded, r)
		return nil
	})
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(t.recorded, func(a, b Request) int { return int(a.At - b.At) })
	t.Minutes = int(last/time.Minute) + 1
	return t, nil
}

// readTable calls each for every line of the only file whose name matches, with the numbers of its columns by name; those
// that are required are there.
func readTable(folder fs.FS, pattern string, required []string, each func(column map[string]int, line []string) error) (err error) {
	names, err := fs.Glob(folder, pattern)
	if err != nil || len(names) != 1 {
		return fmt.Errorf("want one file %s, there are %d", pattern, len(names))
	}
	file, err := folder.Open(names[0])
	if err != nil {
		return fmt.Errorf("open the trace: %w", err)
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	var r io.Reader = file
	if strings.HasSuffix(names[0], ".gz") {
		if r, err = gzip.NewReader(file); err != nil {
			return fmt.Errorf("read %s: %w", names[0], err)
		}
	}
	lines := csv.NewReader(r)
	lines.ReuseRecord = true
	head, err := lines.Read()
	if err != nil {
		return fmt.Errorf("read %s: %w", names[0], err)
	}
	column := map[string]int{}
	for i, name := range head {
		column[strings.Clone(name)] = i
	}
	for _, name := range required {
		if _, ok := column[name]; !ok {
			return fmt.Errorf("read %s: no column %q", names[0], name)
		}
	}
	for {
		line, err := lines.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil {
			err = each(column, line)
		}
		if err != nil {
			return fmt.Errorf("read %s: %w", names[0], err)
		}
	}
}
