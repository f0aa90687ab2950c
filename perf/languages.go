package perf

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"hotpod.dev/environments/contract"
)

// language is an environment that can be measured: its folder, its image, and a function for it.
type language struct {
	folder, image, source string
	// further languages are measured for their own sake: less often, and not in a crowd.
	further bool
}

func languages() []language {
	return []language{
		{"nodejs", "hotpod/node-env", "examples/hello.js", false},
		{"python", "hotpod/python-env", "examples/hello.py", false},
		{"go", "hotpod/go-env", "examples/hello.go", true},
		{"binary", "hotpod/binary-env", "examples/hello.sh", true},
		{"php", "hotpod/php-env", "examples/hello.php", true},
		{"dotnet", "hotpod/dotnet-env", "examples/hello.cs", true},
		{"ruby", "hotpod/ruby-env", "examples/hello.rb", true},
	}
}

// allLanguages are their folders, as --environment has them.
func allLanguages() string {
	all := languages()
	folders := make([]string, len(all))
	for i, l := range all {
		folders[i] = l.folder
	}
	return strings.Join(folders, ",")
}

// briefFunctions is how many functions of a further language are called for the first time.
const briefFunctions = 15

// paramEnvironment is the parameter of rows that were measured for each language.
const paramEnvironment = "environment"

// split reads --environment: names of folders with commas between them.
func split(names string) []string {
	return slices.DeleteFunc(strings.Split(names, ","), func(name string) bool { return strings.TrimSpace(name) == "" })
}

// choose sets the language that c measures: its own image and function, unless c names others.
func (c *Config) choose(folder string) error {
	c.Environment = folder
	i := slices.IndexFunc(languages(), func(l language) bool { return l.folder == folder })
	if i >= 0 {
		l := languages()[i]
		c.Image, c.Source = firstOf(c.Image, l.image), firstOf(c.Source, l.source)
		if l.further {
			c.brief()
		}
	}
	if c.Image == "" || c.Source == "" {
		return fmt.Errorf("environment %q needs --image and --source", folder)
	}
	return nil
}

// brief measures first requests one at a time only, and the least and the largest load.
func (c *Config) brief() {
	c.Cold.Functions = min(c.Cold.Functions, briefFunctions)
	c.Cold.AtOnce, c.Cold.Rounds, c.Cold.Crowd, c.Cold.Empty = 3, 0, 0, 1
	c.Warm.Points = []point{{1, 0}, {64, 0}}
}

// missing returns what the language's image needs and this machine does not have, "" when nothing is.
func (c *Config) missing(folder string) string {
	image, err := contract.ReadImage(filepath.Join(c.Environments, folder))
	if err != nil {
		return "" // an image that is not of the folders
	}
	program := image.Missing()
	if program == "" {
		return ""
	}
	return firstOf(image.Install, program)
}

func firstOf(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// inEachLanguage makes a scenario of one that measures the session's environment: it runs for each environment, and
// its rows say for which.
func inEachLanguage(one func(context.Context, *Session, *Results) error) func(context.Context, *Session, *Results) error {
	return func(ctx context.Context, s *Session, r *Results) error {
		for _, folder := range split(s.config.Environment) {
			chosen := *s
			if err := chosen.config.choose(folder); err != nil {
				return err
			}
			if missing := chosen.config.missing(folder); missing != "" {
				s.log.Warn("environment is left out, its language is not installed", "environment", folder, "missing", missing)
				continue
			}
			var rows Results
			err := one(ctx, &chosen, &rows)
			for _, row := range rows.Rows {
				row.Parameters = with(row.Parameters, paramEnvironment, folder)
				r.Rows = append(r.Rows, row)
			}
			if err != nil {
				return fmt.Errorf("%s: %w", folder, err)
			}
		}
		return nil
	}
}

// inFirstLanguage is for scenarios that need some environment.
func inFirstLanguage(one func(context.Context, *Session, *Results) error) func(context.Context, *Session, *Results) error {
	return func(ctx context.Context, s *Session, r *Results) error {
		chosen := *s
		if err := chosen.config.choose(split(s.config.Environment)[0]); err != nil {
			return err
		}
		return one(ctx, &chosen, r)
	}
}
