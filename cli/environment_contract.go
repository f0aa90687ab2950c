package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"hotpod.dev/environments/contract"
)

// besides is how many checks run at a time: most of it they wait for processes to start.
const besides = 4

// contractFlags are those of "environment test".
type contractFlags struct {
	functions, format string
	areas             []string
}

func (a *app) environmentTest() *cobra.Command {
	var f contractFlags
	cmd := &cobra.Command{
		Use:   "test FOLDER|IMAGE|HOST:PORT",
		Short: "Check a language's runtime against the environment contract",
		Long: `Check a language's runtime against the environment contract, without a cluster.

The runtime is a folder with an image.yaml, an image that the embedded platform knows, or the address of a generic
runtime that runs already, of which less can be checked. The checks load functions of the language; they lie in the
folder's contract/, or in --functions. docs/adding-a-language.md says which there are.

The exit code is 1 when something fails, or a function is missing, that the contract requires.`,
		Example: "  hotpod environment test ./environments/lua\n  hotpod environment test hotpod/python-env --area load --area call",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usagef("which runtime? give its folder, an image of the embedded platform, or an address")
			}
			return a.testEnvironment(cmd.Context(), args[0], f)
		},
	}
	cmd.Flags().StringVar(&f.functions, "functions", "", "folder of the functions that the checks load (default: contract/ in the runtime's folder)")
	cmd.Flags().StringArrayVar(&f.areas, "area", nil, "only the checks of this area, such as load or call; may be repeated")
	cmd.Flags().StringVarP(&f.format, "output", "o", "", "output format: json")
	return cmd
}

func (a *app) testEnvironment(ctx context.Context, runtime string, f contractFlags) error {
	if f.format != "" && f.format != "json" {
		return usagef("-o %s is not known: use json", f.format)
	}
	language, checks, beside, err := a.contractOf(ctx, runtime, f)
	if err != nil {
		return err
	}
	if len(f.areas) > 0 {
		checks = slices.DeleteFunc(checks, func(c contract.Check) bool { return !slices.Contains(f.areas, c.Area) })
	}
	if len(checks) == 0 {
		return usagef("there are no checks of %s", strings.Join(f.areas, ", "))
	}
	results := contract.RunAll(ctx, checks, language, beside, func(r contract.Result) {
		if f.format == "" {
			a.tellResult(r)
		}
	})
	if f.format == "json" {
		err = a.resultsAsJSON(results)
	} else {
		a.summarize(results)
	}
	if err == nil && !contract.Fulfilled(results) {
		err = fmt.Errorf("%s does not keep the environment contract", runtime)
	}
	return errors.Join(err, ctx.Err())
}

// contractOf returns what to check, and how many checks may run beside each other.
func (a *app) contractOf(ctx context.Context, runtime string, f contractFlags) (contract.Language, []contract.Check, int, error) {
	if _, _, err := net.SplitHostPort(runtime); err == nil && !strings.Contains(runtime, "/") {
		functions, err := filepath.Abs(f.functions)
		if f.functions == "" || err != nil {
			return contract.Language{}, nil, 0, usagef("a runtime that runs already needs --functions: the folder of its test functions")
		}
		return contract.Language{Name: runtime, Functions: functions}, contract.AttachedChecks(runtime), 1, nil
	}
	dir := runtime
	if _, err := os.Stat(filepath.Join(dir, "image.yaml")); err != nil {
		if dir = a.folderOfImage(ctx, runtime); dir == "" {
			return contract.Language{}, nil, 0, &Error{
				Err:  fmt.Errorf("%s is neither a folder with an image.yaml nor an image that the embedded platform knows", runtime),
				Code: ExitNotFound, Try: []string{"hotpod local image list"},
			}
		}
	}
	language, err := contract.ReadLanguage(dir, functionsOf(dir, f.functions))
	if missing := language.Image.Missing(); err == nil && missing != "" {
		err = fmt.Errorf("%s is not on PATH: %s", missing, language.Image.Install)
	}
	return language, contract.Checks(), besides, err
}

// functionsOf returns the folder of a runtime's test functions: the given one, its own, or that of Hotpod's own languages.
func functionsOf(dir, given string) string {
	own := filepath.Join(dir, "contract")
	if given != "" {
		return given
	}
	if _, err := os.Stat(own); err != nil {
		abs, _ := filepath.Abs(dir)
		shared := filepath.Join(filepath.Dir(abs), "contract", "testdata", filepath.Base(abs))
		if _, err := os.Stat(shared); err == nil {
			return shared
		}
	}
	return own
}

// folderOfImage asks the embedded platform's program, which need not run, for the folder of an image; empty means none.
func (a *app) folderOfImage(ctx context.Context, image string) string {
	var out bytes.Buffer
	program := filepath.Join(filepath.Dir(a.Executable), localProgram)
	cmd := exec.CommandContext(ctx, program, "image", "list")
	cmd.Stdout = &out
	if cmd.Run() != nil {
		return ""
	}
	name := image
	if colon := strings.LastIndex(image, ":"); colon > strings.LastIndex(image, "/") {
		name = image[:colon]
	}
	for line := range strings.Lines(out.String()) {
		if fields := strings.Fields(line); len(fields) == 2 && fields[0] == name {
			return fields[1]
		}
	}
	return ""
}

func (a *app) tellResult(r contract.Result) {
	word := map[contract.Outcome]string{contract.Passed: "ok", contract.Failed: "FAIL", contract.Missing: "miss", contract.Excluded: "-"}[r.Outcome]
	if !r.Required && r.Outcome == contract.Failed {
		word = "fail"
	}
	fmt.Fprintf(a.Out, "%-5s %s: %s\n", word, r.Area, r.Check)
	if r.Outcome != contract.Passed && r.Detail != "" {
		fmt.Fprintln(a.Out, "        "+strings.ReplaceAll(r.Detail, "\n", "\n        "))
	}
}

func (a *app) summarize(results []contract.Result) {
	count := map[contract.Outcome]int{}
	recommended := 0
	for _, r := range results {
		count[r.Outcome]++
		if !r.Required && (r.Outcome == contract.Failed || r.Outcome == contract.Missing) {
			recommended++
		}
	}
	fmt.Fprintf(a.Out, "%d ok, %d failed, %d without a test function (%d of these only recommended), %d do not apply\n",
		count[contract.Passed], count[contract.Failed], count[contract.Missing], recommended, count[contract.Excluded])
}

func (a *app) resultsAsJSON(results []contract.Result) error {
	enc := json.NewEncoder(a.Out)
	enc.SetIndent("", "  ")
	return enc.Encode(results)
}
