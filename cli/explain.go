package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/duration"
	"sigs.k8s.io/yaml"

	v1 "hotpod.dev/api/v1"
	"hotpod.dev/explain"
	"hotpod.dev/wire"
)

const (
	// tellTime is how long parts may take to tell what they know of a request that is over.
	tellTime = 4 * time.Second
	askAgain = 200 * time.Millisecond
	// maxRecentIDs bounds the IDs that are offered to the shell.
	maxRecentIDs = 50
)

func (a *app) explainCommand() *cobra.Command {
	var last bool
	var format string
	cmd := &cobra.Command{
		Use: "explain REQUEST-ID", Short: "Say what the time of a request was spent on, why it failed or was slow, and what to change",
		Long: "Say what the time of a request was spent on, why it failed or was slow, and what to change.\n\n" +
			"The ID is in the answer's header X-Fission-Request-ID, and in the body of every error of the platform's. Requests are kept that were\n" +
			"slow, cold, failed or sampled for traces. With --last the newest of them is explained, or the newest of the function that is named.",
		Example: "  hotpod explain 0b6b1f0e-7a55-4f0e-8f0e-0b6b1f0e1f0e\n  hotpod explain --last hello\n  hotpod explain --last -o json | jq -r .cause",
		Args:    cobra.MaximumNArgs(1),
		ValidArgsFunction: func(cmd *cobra.Command, args []string, prefix string) ([]string, cobra.ShellCompDirective) {
			if last {
				return a.functions().completeNames(cmd, args, prefix)
			}
			return a.completeRequests(cmd, args, prefix)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 && !last {
				return usagef("which request? give its ID, or --last")
			}
			if !slices.Contains([]string{"", "json", "yaml"}, format) {
				return usagef("-o %s is none of json, yaml", format)
			}
			e, err := a.explained(cmd.Context(), strings.Join(args, ""), last)
			if err != nil {
				return err
			}
			return printExplanation(a.Out, e, format, a.now())
		},
	}
	cmd.Flags().BoolVar(&last, "last", false, "explain the newest request that is kept; the argument is a function's name then")
	cmd.Flags().StringVarP(&format, "output", "o", "", "output format: json|yaml")
	return cmd
}

// explained explains the request with the ID, or the last one of the function of that name.
func (a *app) explained(ctx context.Context, name string, last bool) (explain.Explanation, error) {
	ask, stop, err := a.timelines(ctx)
	if err != nil {
		return explain.Explanation{}, err
	}
	defer stop()
	if last {
		if name, err = a.lastRequest(ctx, ask, name); err != nil {
			return explain.Explanation{}, err
		}
	}
	all, err := settled(ctx, ask, name, a.now)
	if err != nil {
		return explain.Explanation{}, err
	}
	e, ok := explain.Of(all, a.declared(ctx, all))
	if !ok {
		return e, &Error{
			Err:  fmt.Errorf("nothing is kept of request %s: it was neither slow, cold, failed nor sampled, or it is too long ago", name),
			Code: ExitNotFound, Try: []string{"hotpod explain --last"},
		}
	}
	return e, nil
}

// lastRequest returns the ID of the newest request that is kept, of a function if one is named.
func (a *app) lastRequest(ctx context.Context, ask asking, function string) (string, error) {
	query := url.Values{"limit": {"1"}}
	whose := ""
	if function != "" {
		query.Set("namespace", a.namespace)
		query.Set("function", function)
		whose = " of function " + function
	}
	all, err := ask(ctx, query)
	if err != nil {
		return "", err
	}
	if len(all) == 0 {
		return "", &Error{Err: errors.New("no request is kept" + whose + ": none was slow, cold, failed or sampled lately"), Code: ExitNotFound}
	}
	return all[0].RequestID, nil
}

// settled returns what is known of a request. Parts take a moment to tell: one that is just over is asked for again.
func settled(ctx context.Context, ask asking, id string, now func() time.Time) ([]wire.Timeline, error) {
	begun := now()
	for {
		all, err := ask(ctx, url.Values{"id": {id}})
		if err != nil {
			return nil, err
		}
		ended := begun // what is not there may have ended just now
		for i, t := range all {
			if end := time.UnixMicro(t.StartMicros + t.Micros); end.Before(begun) && (i == 0 || end.After(ended)) {
				ended = end
			}
		}
		if complete(all) || now().Sub(ended) >= tellTime {
			return all, nil
		}
		select {
		case <-time.After(askAgain):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// complete says that nobody else can know more.
func complete(all []wire.Timeline) bool {
	parts := map[wire.Part]bool{}
	for _, t := range all {
		parts[t.Part] = true
	}
	return len(parts) == 3
}

// declared is what the function's owner declared, as far as that can be read.
func (a *app) declared(ctx context.Context, all []wire.Timeline) explain.Declared {
	var id wire.FunctionID
	for _, t := range all {
		if t.Function.Name != "" {
			id = t.Function
		}
	}
	if id.Name == "" {
		return explain.Declared{}
	}
	f, err := a.clients.Functions(id.Namespace).Get(ctx, id.Name, metav1.GetOptions{})
	if err != nil { // it may be gone, or not for this user: the explanation does without
		return explain.Declared{}
	}
	d := explain.Declared{
		Function: f.Name, Environment: f.Spec.Environment.Name, Own: f.Executor() != v1.ExecutorPool, Once: f.Spec.OnceOnly,
		MinScale: f.Spec.InvokeStrategy.ExecutionStrategy.MinScale, MaxScale: f.MaxPods(), PerPod: f.RequestsPerPod(),
	}
	if e, err := a.clients.Environments(f.Namespace).Get(ctx, d.Environment, metav1.GetOptions{}); err == nil && d.Environment != "" {
		d.PoolSize = e.PoolSize()
	} else {
		d.Environment = ""
	}
	return d
}

// completeRequests offers the IDs of the newest requests that are kept.
func (a *app) completeRequests(cmd *cobra.Command, args []string, prefix string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	ask, stop, err := a.timelines(cmd.Context())
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	defer stop()
	all, err := ask(cmd.Context(), url.Values{"limit": {strconv.Itoa(2 * maxRecentIDs)}})
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var ids []string
	seen := map[string]bool{}
	for _, t := range all {
		if strings.HasPrefix(t.RequestID, prefix) && !seen[t.RequestID] && len(ids) < maxRecentIDs {
			seen[t.RequestID] = true
			ids = append(ids, fmt.Sprintf("%s\t%s %d, %s", t.RequestID, t.Function.Name, t.Status, millis(float64(t.Micros)/1000)))
		}
	}
	return ids, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveKeepOrder
}

func printExplanation(w io.Writer, e explain.Explanation, format string, now time.Time) error {
	switch format {
	case "json":
		out := json.NewEncoder(w)
		out.SetIndent("", "  ")
		return out.Encode(e)
	case "yaml":
		text, err := yaml.Marshal(e)
		if err != nil {
			return err
		}
		_, err = w.Write(text)
		return err
	}
	line := func(name, format string, args ...any) {
		fmt.Fprintf(w, "%-10s %s\n", name, fmt.Sprintf(format, args...))
	}
	line("Request", "%s", e.RequestID)
	line("For", "%s", strings.TrimSpace(strings.Join([]string{e.Method, e.Path, dash(e.Function)}, " ")))
	cold := ""
	if e.Cold {
		cold = ", cold"
	}
	line("Answered", "%d after %s%s, %s ago", e.Status, millis(e.Millis), cold, duration.HumanDuration(now.Sub(e.Started)))
	if e.TraceID != "" {
		line("Trace", "%s", e.TraceID)
	}
	fmt.Fprintln(w)
	line("Cause", "%s", e.Cause)
	line("", "%s", e.Why)
	for i, change := range e.Change {
		line([]string{"Change", ""}[min(i, 1)], "%s", change)
	}
	fmt.Fprintln(w)
	printSteps(w, e)
	if e.Message != "" && !strings.Contains(e.Why, e.Message) {
		fmt.Fprintf(w, "\nMessage\n  %s\n", strings.ReplaceAll(strings.TrimSpace(e.Message), "\n", "\n  "))
	}
	return nil
}

// barWidth is how many characters the whole time has.
const barWidth = 30

func printSteps(w io.Writer, e explain.Explanation) {
	fmt.Fprintf(w, "%12s %12s  STEP\n", "START", "TOOK")
	for _, s := range e.Steps {
		name := strings.Repeat("  ", s.Depth) + string(s.Name)
		line := fmt.Sprintf("%12s %12s  %-14s %s  %s", millis(s.StartMillis), millis(s.Millis), name, bar(s, e.Millis), s.Note)
		fmt.Fprintln(w, strings.TrimRight(line, " "))
	}
}

// bar shows when a step was within the whole.
func bar(s explain.Step, whole float64) string {
	if whole <= 0 {
		return strings.Repeat(".", barWidth)
	}
	from := max(0, min(barWidth-1, int(s.StartMillis/whole*barWidth)))
	to := max(from+1, min(barWidth, int((s.StartMillis+s.Millis)/whole*barWidth+.5)))
	return strings.Repeat(".", from) + strings.Repeat("#", to-from) + strings.Repeat(".", barWidth-to)
}

// millis writes milliseconds as people read them.
func millis(ms float64) string {
	if ms >= 1000 || ms <= -1000 {
		return strconv.FormatFloat(ms/1000, 'f', 2, 64) + " s"
	}
	return strconv.FormatFloat(ms, 'f', 1, 64) + " ms"
}
