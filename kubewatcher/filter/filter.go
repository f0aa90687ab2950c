// Package filter says of an event whether it is wanted, by an expression of CEL, the language of Kubernetes' own rules.
//
// The variables are object, as it stands in the API, and type: ADDED, MODIFIED or DELETED.
package filter

import (
	"errors"
	"fmt"
	"strings"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/ext"
)

// maxCost bounds what one event may cost, so that an expression cannot hold up the others.
const maxCost = 200_000

// Filter is a compiled expression. It is safe for concurrent use.
type Filter struct{ program cel.Program }

// Compile returns the filter of an expression, or what is wrong with it; an empty one wants everything.
func Compile(expression string) (*Filter, error) {
	if strings.TrimSpace(expression) == "" {
		return &Filter{}, nil
	}
	env, err := cel.NewEnv(
		cel.Variable("object", cel.MapType(cel.StringType, cel.DynType)), cel.Variable("type", cel.StringType),
		cel.OptionalTypes(), cel.DefaultUTCTimeZone(true), ext.Strings(), ext.Lists(), ext.Sets(),
	)
	if err != nil {
		return nil, fmt.Errorf("make the filter's environment: %w", err)
	}
	ast, issues := env.Compile(expression)
	if issues != nil && issues.Err() != nil {
		return nil, fmt.Errorf("filter cannot be read: %w", issues.Err())
	}
	if kind := ast.OutputType(); !kind.IsExactType(cel.BoolType) && !kind.IsExactType(cel.DynType) {
		return nil, fmt.Errorf("filter says %s, where true or false is needed: %s", kind, expression)
	}
	program, err := env.Program(ast, cel.CostLimit(maxCost), cel.InterruptCheckFrequency(1000))
	if err != nil {
		return nil, fmt.Errorf("filter cannot be used: %w", err)
	}
	return &Filter{program}, nil
}

// ErrNoAnswer is what Wants returns when the expression says neither true nor false.
var ErrNoAnswer = errors.New("the filter says neither true nor false")

// Wants reports whether an event is wanted. An expression that fails, mostly for lack of a field, wants it not; the error
// says why, for people.
func (f *Filter) Wants(eventType string, object map[string]any) (bool, error) {
	if f.program == nil {
		return true, nil
	}
	out, _, err := f.program.Eval(map[string]any{"object": object, "type": eventType})
	if err != nil {
		return false, fmt.Errorf("filter an object: %w", err)
	}
	wants, ok := out.Value().(bool)
	if !ok {
		return false, ErrNoAnswer
	}
	return wants, nil
}
