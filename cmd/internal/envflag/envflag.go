package envflag

import (
	"errors"
	"flag"
	"fmt"
	"strings"
)

// Parse sets the flags that the environment has a value for, and then those of the command line. Arguments beside
// the flags are refused. Every bad value of the environment is named.
func Parse(flags *flag.FlagSet, args []string, getenv func(string) string) error {
	if err := fromEnvironment(flags, getenv); err != nil {
		return err
	}
	if err := flags.Parse(args); err != nil {
		return fmt.Errorf("read flags: %w", err)
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("unexpected arguments: %s", strings.Join(flags.Args(), " "))
	}
	return nil
}

func fromEnvironment(flags *flag.FlagSet, getenv func(string) string) error {
	var faults []error
	flags.VisitAll(func(f *flag.Flag) {
		name := variable(f.Name)
		v := getenv(name)
		if v == "" {
			return
		}
		if err := flags.Set(f.Name, v); err != nil {
			faults = append(faults, fmt.Errorf("read %s: %w", name, err))
		}
	})
	return errors.Join(faults...)
}

// Namespace returns the process's own namespace.
func Namespace(getenv func(string) string) string {
	if ns := getenv("POD_NAMESPACE"); ns != "" {
		return ns
	}
	return "fission"
}

// variable is the one that a flag's default comes from.
func variable(flagName string) string {
	return "HOTPOD_" + strings.ToUpper(strings.ReplaceAll(flagName, "-", "_"))
}
