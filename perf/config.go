package perf

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"
	"time"
)

// Config says what to measure and how thoroughly.
type Config struct {
	// Scenarios to run, in this order.
	Scenarios []string
	// Kubeconfig and Router of a running platform; both empty starts one in a temporary folder.
	Kubeconfig, Router string
	// Namespace for the objects that are made.
	Namespace string
	// Programs is the folder of hotpod-local; Environments that of the runtimes; Source the function's file.
	Programs, Environments, Source string
	// Environment is the folder below Environments, or several with commas between them; Image its image. Empty
	// Image and Source are those that the environment is known for.
	Environment, Image string
	// Envoy is the program; empty looks for it where make setup puts it and on PATH.
	Envoy string
	// JSON is the file for the rows, empty for none; Goals the file of goals, empty for those built in.
	JSON, Goals string
	// Check judges the rows by the goals.
	Check bool
	// Docs is a file whose generated parts get the rows, empty for none.
	Docs string
	// Peers is the folder of the programs to compare with; empty builds them from PeerSources into the cache.
	Peers, PeerSources string
	// Self is this program, which perf starts again as a backend and in networks of their own; empty makes it do
	// everything in one process. Inside says that this one is in such a network.
	Self   string
	Inside bool

	Cold ColdOptions
	Warm WarmOptions
	Up   UpOptions
	// Routes is for the scenario of that name.
	Routes RoutesOptions
	// Autoscaler and Claims are for the scenarios of these names.
	Autoscaler AutoscalerOptions
	Claims     ClaimsOptions
	// Contest is for queueproxy, activator and chain together.
	Contest  ContestOptions
	Burst    BurstOptions
	Projects ProjectsOptions
	Soak     SoakOptions
	// Footprint is for the scenario of that name.
	Footprint FootprintOptions
	// Fairness is for the scenario of that name.
	Fairness FairnessOptions
	Simulate SimulateOptions
	// Logs is for the scenario of that name.
	Logs LogsOptions

	// arguments are the flags as they were given.
	arguments []string
	// bounds check the flags that have them.
	bounds []func() error
}

// usage is what help says before the flags.
func usage() string {
	var b strings.Builder
	b.WriteString("Usage: perf SCENARIO [flags]\n       perf simulate [TRACE] [flags]\n\n")
	for _, s := range scenarios() {
		fmt.Fprintf(&b, "  %-10s  %s\n", s.name, s.about)
	}
	fmt.Fprintf(&b, "  %-10s  %s\n\n", "all", strings.Join(names(true), ", "))
	b.WriteString("Flags (their defaults come from HOTPOD_PERF_<FLAG> where that is set):\n")
	return b.String()
}

// ParseConfig reads the command line; getenv gives flags their defaults. Help and faults are written to w.
func ParseConfig(args []string, getenv func(string) string, w io.Writer) (Config, error) {
	c := Config{}
	fs := flag.NewFlagSet("perf", flag.ContinueOnError)
	fs.SetOutput(w)
	fs.Usage = func() {
		fmt.Fprint(w, usage())
		fs.PrintDefaults()
	}
	c.flags(fs, getenv)
	for _, s := range scenarios() {
		if s.flags != nil {
			s.flags(&c, fs)
		}
	}
	if len(args) == 0 || strings.HasPrefix(args[0], "-") {
		fs.Usage()
		return c, errors.New("name a scenario first")
	}
	if err := fromEnvironment(fs, getenv); err != nil {
		return c, err
	}
	flags := args[1:]
	if s, ok := scenarioOf(args[0]); ok && s.operand != nil && len(flags) > 0 && !strings.HasPrefix(flags[0], "-") {
		*s.operand(&c), flags = flags[0], flags[1:]
	}
	if err := fs.Parse(flags); err != nil {
		return c, fmt.Errorf("read flags: %w", err)
	}
	c.Scenarios, c.arguments = []string{args[0]}, args[1:]
	if args[0] == "all" {
		c.Scenarios = names(true)
	}
	return c, errors.Join(c.validate(), leftOver(fs))
}

func (c *Config) flags(fs *flag.FlagSet, getenv func(string) string) {
	fs.StringVar(&c.Kubeconfig, "kubeconfig", getenv("KUBECONFIG"), "kubeconfig of a running platform; without it one is started (default $KUBECONFIG)")
	fs.StringVar(&c.Router, "router", getenv("FISSION_ROUTER"), "host:port of the running platform's routes (default $FISSION_ROUTER)")
	fs.StringVar(&c.Namespace, "namespace", "default", "namespace for the functions that are made")
	fs.StringVar(&c.Programs, "programs", "bin", "folder of hotpod-local")
	fs.StringVar(&c.Environments, "environments", "environments", "folder of the runtimes")
	fs.StringVar(&c.Environment, "environment", allLanguages(), "folders of the runtimes to measure")
	fs.StringVar(&c.Image, "image", "", "image of the only runtime, where it is not one of ours")
	fs.StringVar(&c.Source, "source", "", "function to measure with the only runtime")
	fs.StringVar(&c.Envoy, "envoy", getenv("HOTPOD_ENVOY"), "Envoy to compare with (default $HOTPOD_ENVOY, the cache, PATH)")
	fs.StringVar(&c.JSON, "json", "", "file for the rows")
	fs.StringVar(&c.Goals, "goals", "", "file of goals instead of those built in")
	fs.StringVar(&c.Docs, "docs", "", "Markdown file whose generated parts get the rows")
	fs.StringVar(&c.Peers, "peers", "", "folder of the programs to compare with; empty builds them into the cache")
	fs.StringVar(&c.PeerSources, "peer-sources", "perf/peers", "folder of the module that they are built from")
	fs.BoolVar(&c.Inside, "inside", false, "run in a network of this process' own (set by perf itself)")
	fs.BoolVar(&c.Check, "check", false, "judge by the goals; exit 1 when one is missed")
}

// fromEnvironment takes flags from HOTPOD_PERF_<FLAG>.
func fromEnvironment(fs *flag.FlagSet, getenv func(string) string) error {
	var errs []error
	fs.VisitAll(func(f *flag.Flag) {
		name := "HOTPOD_PERF_" + strings.ToUpper(strings.ReplaceAll(f.Name, "-", "_"))
		if value := getenv(name); value != "" {
			if err := f.Value.Set(value); err != nil {
				errs = append(errs, fmt.Errorf("%s: %w", name, err))
			}
		}
	})
	return errors.Join(errs...)
}

func leftOver(fs *flag.FlagSet) error {
	if fs.NArg() > 0 {
		return fmt.Errorf("unexpected arguments: %s", strings.Join(fs.Args(), " "))
	}
	return nil
}

// validate lists all faults.
func (c *Config) validate() error {
	var errs []error
	for _, name := range c.Scenarios {
		if _, ok := scenarioOf(name); !ok {
			errs = append(errs, fmt.Errorf("no scenario %q: there are %s and all", name, strings.Join(names(false), ", ")))
		}
	}
	folders := split(c.Environment)
	if len(folders) == 0 || len(folders) > 1 && (c.Image != "" || c.Source != "") {
		errs = append(errs, errors.New("--image and --source go with exactly one --environment"))
	}
	for _, folder := range folders {
		one := *c
		errs = append(errs, one.choose(folder))
	}
	for _, check := range c.bounds {
		errs = append(errs, check())
	}
	if (c.Kubeconfig == "") != (c.Router == "") {
		errs = append(errs, errors.New("a running platform needs both --kubeconfig and --router"))
	}
	return errors.Join(errs...)
}

// countFlag adds a flag that counts something: 1 to 10000.
func (c *Config) countFlag(fs *flag.FlagSet, n *int, name string, value int, about string) {
	fs.IntVar(n, name, value, about)
	c.bounds = append(c.bounds, func() error {
		if *n < 1 || *n > 10000 {
			return fmt.Errorf("--%s must be 1 to 10000, not %d", name, *n)
		}
		return nil
	})
}

// durationFlag adds a flag for the length of something: above 0 and at most so long.
func (c *Config) durationFlag(fs *flag.FlagSet, d *time.Duration, name string, value, most time.Duration, about string) {
	fs.DurationVar(d, name, value, about)
	c.bounds = append(c.bounds, func() error {
		if *d <= 0 || *d > most {
			return fmt.Errorf("--%s must be above 0 and at most %s, not %s", name, most, *d)
		}
		return nil
	})
}
