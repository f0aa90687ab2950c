package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"

	"hotpod.dev/kube"
	"hotpod.dev/wire"
)

// Config is what the command needs of its process.
type Config struct {
	In       io.Reader
	Out, Err io.Writer
	// Getenv reads the environment.
	Getenv func(string) string
	// Executable is the path of the running binary; the embedded platform's program lies beside it.
	Executable string
}

// app is one run of the command.
type app struct {
	Config
	load      kube.LoadOptions
	namespace string
	now       func() time.Time

	clients  *kube.Clients // made when first needed
	requests atomic.Int64  // sent to the API server

	verbosity int
	dryRun    bool // nothing may be changed, nor uploaded
}

// Run executes the command line args and returns the exit code; what went wrong is written to c.Err.
func Run(ctx context.Context, c Config, args []string) int {
	cmd := New(c) //nolint:contextcheck // cobra hands ctx to the commands
	cmd.SetArgs(joinVerbosity(args))
	err := cmd.ExecuteContext(ctx)
	if exit, ok := errors.AsType[childError](err); ok {
		return int(exit)
	}
	if err != nil {
		report(c.Err, err)
	}
	return exitCode(err)
}

// New returns the root command.
func New(c Config) *cobra.Command {
	a := &app{Config: c, now: time.Now, verbosity: 1, load: kube.LoadOptions{UserAgent: "hotpod-cli/" + wire.Version(), Warnings: c.Err}}
	root := group("hotpod", "Serverless functions for Kubernetes and OpenShift", nil)
	root.SilenceErrors, root.SilenceUsage, root.Version = true, true, wire.Version()
	root.SetIn(c.In)
	root.SetOut(c.Out)
	root.SetErr(c.Err)
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return &Error{Err: err, Code: ExitUsage, Try: []string{cmd.CommandPath() + " --help"}}
	})
	f := root.PersistentFlags()
	f.StringVar(&a.load.Kubeconfig, "kubeconfig", "", "kubeconfig file (default $KUBECONFIG or ~/.kube/config)")
	f.StringVar(&a.load.Context, "kube-context", "", "context of the kubeconfig")
	f.StringVarP(&a.namespace, "namespace", "n", "", "namespace (default $FISSION_DEFAULT_NAMESPACE or the context's)")
	f.IntVarP(&a.verbosity, "verbosity", "v", 1, "how much to say: 0 is quiet, 1 normal, 2 (also plain -v) tells times and requests")
	f.Lookup("verbosity").NoOptDefVal = "2"
	root.AddCommand(
		a.environmentCommand(), a.functionCommand(), a.routeCommand(), a.timerCommand(), a.watchCommand(), a.packageCommand(), a.archiveCommand(), a.specCommand(), a.devCommand(),
		a.tenantCommand(), a.explainCommand(),
		a.localCommand(), a.platformCommand("up"), a.platformCommand("down"),
		a.installCommand(), a.upgradeCommand(), a.uninstallCommand(), a.checkCommand(), a.supportCommand(), a.versionCommand(),
	)
	a.completeFlags(root)
	_ = root.RegisterFlagCompletionFunc("namespace", a.completeNamespaces) // it fails for a flag that is not there only
	return root
}

// cluster returns the clients, and fixes the namespace: the flag, FISSION_DEFAULT_NAMESPACE or the context's.
func (a *app) cluster() (*kube.Clients, error) {
	if a.clients != nil {
		return a.clients, nil
	}
	cfg, namespace, err := kube.Load(a.load)
	if err != nil {
		return nil, hint(fmt.Errorf("find a cluster: %w", err), `eval "$(hotpod local env)"   # the embedded platform`)
	}
	if a.namespace == "" {
		a.namespace = a.Getenv("FISSION_DEFAULT_NAMESPACE")
	}
	if a.namespace == "" {
		a.namespace = namespace
	}
	a.explainURL()
	cfg.Wrap(func(next http.RoundTripper) http.RoundTripper { return countRequests{next, &a.requests} })
	a.clients, err = kube.NewClients(cfg)
	return a.clients, err
}

// countRequests counts what is sent.
type countRequests struct {
	next http.RoundTripper
	sent *atomic.Int64
}

// RoundTrip implements http.RoundTripper.
func (c countRequests) RoundTrip(r *http.Request) (*http.Response, error) {
	c.sent.Add(1)
	return c.next.RoundTrip(r)
}

// progress writes a line for the person who waits, unless that person wants none.
func (a *app) progress(format string, args ...any) {
	if a.verbosity > 0 {
		fmt.Fprintf(a.Err, format+"\n", args...)
	}
}

// verbosef writes a line for the person who wants to know more.
func (a *app) verbosef(format string, args ...any) {
	if a.verbosity > 1 {
		fmt.Fprintf(a.Err, format+"\n", args...)
	}
}

// joinVerbosity makes "-v 2" one argument: the flag has a value when it stands alone, too.
func joinVerbosity(args []string) []string {
	out := make([]string, 0, len(args))
	for _, arg := range args {
		if last := len(out) - 1; last >= 0 && (out[last] == "-v" || out[last] == "--verbosity") && (arg == "0" || arg == "1" || arg == "2") {
			out[last] += "=" + arg
			continue
		}
		out = append(out, arg)
	}
	return out
}

// group returns a command that only holds others, and says so when called with something else.
func group(use, short string, aliases []string, children ...*cobra.Command) *cobra.Command {
	// Cobra has errors of its own for a root command's arguments, with another exit code.
	cmd := &cobra.Command{Use: use, Aliases: aliases, Short: short, Args: cobra.ArbitraryArgs}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return cmd.Help()
		}
		e := &Error{Err: fmt.Errorf("%s has no command %q", cmd.CommandPath(), args[0]), Code: ExitUsage}
		for _, s := range cmd.SuggestionsFor(args[0]) {
			e.Try = append(e.Try, cmd.CommandPath()+" "+s)
		}
		if len(e.Try) == 0 {
			e.Try = []string{cmd.CommandPath() + " --help"}
		}
		return e
	}
	cmd.SuggestionsMinimumDistance = 2
	cmd.AddCommand(children...)
	return cmd
}

// noArgs refuses arguments.
func noArgs(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usagef("%s takes no arguments: got %s", cmd.CommandPath(), strings.Join(args, ", "))
	}
	return nil
}

// nameFrom returns the object's name: the argument or --name, which must agree when both are given.
func nameFrom(noun string, args []string, flag string) (string, error) {
	switch {
	case len(args) > 1:
		return "", usagef("one %s at a time: got %s", noun, strings.Join(args, ", "))
	case len(args) == 1 && flag != "" && args[0] != flag:
		return "", usagef("two names for one %s: %s and --name %s", noun, args[0], flag)
	case len(args) == 1:
		return args[0], nil
	case flag == "":
		return "", usagef("which %s? give its name, as an argument or by --name", noun)
	default:
		return flag, nil
	}
}
