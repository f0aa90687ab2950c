package perf

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// language is an environment that can be measured: its folder, its image, and a function for it.
type language struct{ folder, image, source string }

func languages() []language {
	return []language{
		{"nodejs", "hotpod/node-env", "examples/hello.js"},
		{"python", "hotpod/python-env", "examples/hello.py"},
	}
}

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
	}
	if c.Image == "" || c.Source == "" {
		return fmt.Errorf("environment %q needs --image and --source", folder)
	}
	return nil
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
