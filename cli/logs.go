package cli

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	v1 "hotpod.dev/api/v1"
	"hotpod.dev/logline"
)

// logFlags are those of logs.
type logFlags struct {
	name                                                  string
	follow, prefix, detail, reverse, all                  bool
	limit                                                 int
	since, until, requestID, traceID, level, grep, format string
	pod                                                   string
}

// defaultLines are printed when nothing says which.
const defaultLines = 20

func (a *app) functionLogs() *cobra.Command {
	var f logFlags
	n := a.functions()
	cmd := &cobra.Command{
		Use: "logs NAME", Aliases: []string{"log"}, Short: "Print what a function wrote, in pods that run and in those that are gone",
		Long: "Prints the newest lines that a function wrote: those that the logger keeps, and those of pods that run now, each once.\n" +
			"Lines that were written at once, as stack traces are, count as one.",
		ValidArgsFunction: n.completeNames,
		RunE: func(cmd *cobra.Command, args []string) error {
			name, err := nameFrom("function", args, f.name)
			if err != nil {
				return err
			}
			q, err := f.query(cmd, a.now())
			if err != nil {
				return err
			}
			return a.logs(cmd.Context(), name, q, f)
		},
	}
	f.add(cmd)
	return cmd
}

func (f *logFlags) add(cmd *cobra.Command) {
	fs := cmd.Flags()
	fs.StringVar(&f.name, "name", "", "name")
	fs.BoolVarP(&f.follow, "follow", "f", false, "go on as lines come, also from pods that start later")
	fs.IntVar(&f.limit, "limit", defaultLines, "print the newest so many; all by default where another flag says which")
	fs.IntVar(&f.limit, "recordcount", defaultLines, "same as --limit; -1 for all")
	fs.IntVar(&f.limit, "tail", defaultLines, "same as --limit; -1 for all")
	fs.BoolVar(&f.all, "all", false, "print all that there are")
	fs.StringVar(&f.since, "since", "", "only lines since then: 10m ago, or a time as in 2026-01-02T15:04:05Z")
	fs.StringVar(&f.until, "until", "", "only lines before then, in the same forms")
	fs.StringVar(&f.requestID, "request-id", "", "only lines of this request")
	fs.StringVar(&f.traceID, "trace-id", "", "only lines of requests of this trace")
	fs.StringVar(&f.level, "level", "", "only lines of this level and above: trace, debug, info, warn, error or fatal")
	fs.StringVar(&f.grep, "grep", "", "only lines in which this regular expression is found")
	fs.StringVar(&f.pod, "pod", "", "only lines of this pod")
	fs.StringVarP(&f.format, "output", "o", "", "output format: json (an object for each)")
	fs.BoolVarP(&f.detail, "detail", "d", false, "begin each line with its time, level, pod and request")
	fs.BoolVarP(&f.reverse, "reverse", "r", false, "print the newest first")
	fs.BoolVar(&f.prefix, "prefix", false, "begin each line with the pod's name")
	fs.String("dbtype", "", "kept for compatibility: pods and the logger's database are always read")
	fs.Bool("all-pods", true, "kept for compatibility: all pods are always read")
}

// query returns what the flags choose, without the function.
func (f *logFlags) query(cmd *cobra.Command, now time.Time) (logline.Query, error) {
	q := logline.Query{RequestID: f.requestID, TraceID: strings.ToLower(f.traceID), Pod: f.pod, Limit: max(f.limit, 0)}
	var err error
	if q.Since, err = timeFlag("since", f.since, now); err != nil {
		return q, err
	}
	if q.Until, err = timeFlag("until", f.until, now); err != nil {
		return q, err
	}
	if f.level != "" {
		if q.Level = logline.LevelNamed(f.level); q.Level == 0 {
			return q, fmt.Errorf("--level %q is none: use trace, debug, info, warn, error or fatal", f.level)
		}
	}
	if f.grep != "" {
		if q.Match, err = regexp.Compile(f.grep); err != nil {
			return q, fmt.Errorf("--grep is no regular expression: %w", err)
		}
	}
	if f.format != "" && f.format != "json" {
		return q, fmt.Errorf("--output %q is not known: use json", f.format)
	}
	if f.limit < -1 {
		return q, fmt.Errorf("--limit %d is none: give how many, or -1 for all", f.limit)
	}
	if f.follow && (f.reverse || f.until != "") {
		return q, fmt.Errorf("--follow goes with neither --reverse nor --until")
	}
	set := cmd.Flags().Changed
	given := set("limit") || set("tail") || set("recordcount")
	chosen := set("since") || set("until") || set("request-id") || set("trace-id") || set("level") || set("grep")
	if f.all || !given && chosen {
		q.Limit = 0
	}
	return q, nil
}

// timeFlag reads a duration before now, or a time.
func timeFlag(name, text string, now time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if d, err := time.ParseDuration(text); err == nil {
		return now.Add(-d), nil
	}
	for _, layout := range []string{time.RFC3339Nano, time.DateTime, time.DateOnly} {
		if t, err := time.ParseInLocation(layout, text, time.Local); err == nil {
			return t, nil
		}
	}
	return time.Time{}, fmt.Errorf("--%s %q is neither a duration such as 10m nor a time such as 2026-01-02T15:04:05Z", name, text)
}

// logs prints the lines of a function; with follow, also those that come later, until ctx ends. A function that was deleted still
// has those that the logger keeps.
func (a *app) logs(ctx context.Context, name string, q logline.Query, f logFlags) error {
	fn, err := a.functions().get(ctx, name)
	deleted := err != nil
	if deleted && a.clients == nil {
		return err
	}
	q.Namespace, q.Function = a.namespace, name
	stored, kept := a.storedLines(ctx, q)
	if deleted {
		if !apierrors.IsNotFound(a.absent(ctx, name)) || len(stored) == 0 {
			return err
		}
		return f.print(a.Out, stored)
	}
	live := a.newLiveLogs(fn, q, stored)
	lines, err := live.read(ctx)
	if err != nil {
		return err
	}
	lines = merge(stored, lines, q.Limit)
	if len(lines) == 0 && !f.follow && live.pods == 0 && !kept {
		a.progress("function %s has no pods now: logs of pods that are gone are not kept", fn.Name)
	}
	if f.reverse {
		slices.Reverse(lines)
	}
	if err := f.print(a.Out, lines); err != nil || !f.follow {
		return err
	}
	return live.follow(ctx, func(line *logline.Record) error { return f.print(a.Out, []logline.Record{*line}) })
}

// absent returns the API server's error of reading a function.
func (a *app) absent(ctx context.Context, name string) error {
	_, err := a.clients.Functions(a.namespace).Get(ctx, name, metav1.GetOptions{})
	return err
}

// merge returns the newest of both, the oldest first.
func merge(stored, live []logline.Record, limit int) []logline.Record {
	all := slices.Concat(stored, live)
	slices.SortStableFunc(all, func(a, b logline.Record) int { return a.Time.Compare(b.Time) })
	if limit > 0 && len(all) > limit {
		all = all[len(all)-limit:]
	}
	return all
}

// follow prints what the function writes, until ctx ends.
func (a *app) follow(ctx context.Context, fn *v1.Function) {
	live := a.newLiveLogs(fn, logline.Query{Since: fn.CreationTimestamp.Time}, nil)
	f := logFlags{}
	if err := live.follow(ctx, func(line *logline.Record) error { return f.print(a.Out, []logline.Record{*line}) }); err != nil && ctx.Err() == nil {
		a.progress("note: %v", err)
	}
}
