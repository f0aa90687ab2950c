package xds

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	v1 "hotpod.dev/api/v1"
)

// Key names a route.
type Key struct{ Namespace, Name string }

// String returns "namespace/name".
func (k Key) String() string { return k.Namespace + "/" + k.Name }

func (k Key) compare(o Key) int {
	if c := strings.Compare(k.Namespace, o.Namespace); c != 0 {
		return c
	}
	return strings.Compare(k.Name, o.Name)
}

// Route is a URL that calls a function. It is never changed after ParseRoute made it.
type Route struct {
	Key
	UID        string
	Generation int64
	Created    time.Time
	// Host that a request must name exactly, port included; "" means any.
	Host string
	// Exact matches the whole path; the zero Pattern matches nothing.
	Exact Pattern
	// Subtree matches paths that begin with it; its text ends in "/". The zero Pattern matches nothing.
	Subtree Pattern
	// KeepPath passes the path on as it came. Otherwise Exact becomes "/" and Subtree is trimmed to its last slash.
	KeepPath bool
	// Methods are upper case, sorted and at least one. OPTIONS is among them when CORS is set.
	Methods []string
	// Targets are the functions that share the requests; at least one has a weight.
	Targets []Target
	// CORS answers cross-origin requests; nil leaves them to the function.
	CORS *CORS

	// impliedOptions says that OPTIONS is among Methods only because of CORS.
	impliedOptions bool
}

// Target is a function of the route's namespace and its share of the requests.
type Target struct {
	Name   string
	Weight uint32
}

// older orders routes that want the same: creation time, then namespace and name.
func (r *Route) older(o *Route) int {
	if c := r.Created.Compare(o.Created); c != 0 {
		return c
	}
	return r.compare(o.Key)
}

// ParseRoute reads a route. The error says what cannot be served, for the route's owner.
func ParseRoute(t *v1.HTTPTrigger) (*Route, error) {
	r := &Route{
		Key: Key{t.Namespace, t.Name}, UID: string(t.UID), Generation: t.Generation,
		Created: t.CreationTimestamp.Time, Host: t.Spec.Host, Methods: methodsOf(&t.Spec),
	}
	cors, corsErr := parseCORS(t.Spec.CorsConfig, r.Methods)
	if cors != nil {
		r.CORS, r.impliedOptions = cors, !slices.Contains(r.Methods, http.MethodOptions)
		r.Methods = sorted(append(r.Methods, http.MethodOptions))
	}
	err := errors.Join(r.parsePath(&t.Spec), r.checkMethods(), r.parseTargets(&t.Spec), corsErr, unsupported(&t.Spec))
	if err != nil {
		return nil, err
	}
	return r, nil
}

func methodsOf(s *v1.HTTPTriggerSpec) []string {
	methods := make([]string, 0, len(s.Methods)+2)
	for _, m := range append(slices.Clone(s.Methods), s.Method) {
		if m != "" {
			methods = append(methods, strings.ToUpper(m))
		}
	}
	if len(methods) == 0 {
		return []string{http.MethodGet}
	}
	return sorted(methods)
}

func (r *Route) checkMethods() error {
	for _, m := range r.Methods {
		if strings.ContainsFunc(m, func(c rune) bool { return c < 'A' || c > 'Z' }) {
			return fmt.Errorf("method %q is none: a method is written in letters", m)
		}
	}
	return nil
}

func sorted(s []string) []string {
	slices.Sort(s)
	return slices.Compact(s)
}

func (r *Route) parsePath(s *v1.HTTPTriggerSpec) (err error) {
	if s.Prefix == nil || *s.Prefix == "" {
		r.Exact, err = parsePattern("relativeurl", s.RelativeURL)
		return err
	}
	trimmed, slash := strings.CutSuffix(*s.Prefix, "/")
	if r.Subtree, err = parsePattern("prefix", trimmed+"/"); err != nil {
		return err
	}
	if !slash {
		r.Exact, err = parsePattern("prefix", trimmed)
	}
	// What a template matched cannot be trimmed: the function gets the whole path.
	r.KeepPath = s.KeepPrefix || r.Subtree.Regex != ""
	return err
}

func (r *Route) parseTargets(s *v1.HTTPTriggerSpec) error {
	ref := s.FunctionReference
	switch ref.Type {
	case "", v1.ReferenceName:
		if ref.Name == "" {
			return errors.New("functionref.name is empty: name the function to call")
		}
		r.Targets = []Target{{Name: ref.Name, Weight: 1}}
		return nil
	case v1.ReferenceWeights:
		return r.parseWeights(ref.FunctionWeights)
	}
	return fmt.Errorf("functionref.type %q is neither %q nor %q", ref.Type, v1.ReferenceName, v1.ReferenceWeights)
}

// maxWeight keeps the sum of many weights within Envoy's 32 bits.
const maxWeight = 1 << 20

func (r *Route) parseWeights(weights map[string]int) error {
	for name, weight := range weights {
		if weight < 0 || weight > maxWeight {
			return fmt.Errorf("functionref.functionweights[%s] is %d: a weight is 0 to %d", name, weight, maxWeight)
		}
		if weight > 0 {
			r.Targets = append(r.Targets, Target{Name: name, Weight: uint32(weight)})
		}
	}
	if len(r.Targets) == 0 {
		return errors.New("functionref.functionweights: no function has a weight above 0")
	}
	slices.SortFunc(r.Targets, func(a, b Target) int { return strings.Compare(a.Name, b.Name) })
	return nil
}

// unsupported names what the object may say but this data plane does not do, so that it is refused and not ignored.
func unsupported(s *v1.HTTPTriggerSpec) error {
	var errs []error
	if s.FunctionReference.Alias != "" || s.FunctionReference.Version != "" {
		errs = append(errs, errors.New("functionref.alias and functionref.version are not served: name the function alone"))
	}
	if s.InvocationMode != "" && s.InvocationMode != "sync" {
		errs = append(errs, fmt.Errorf("invocationMode %q is not served: leave it out to wait for the answer", s.InvocationMode))
	}
	return errors.Join(errs...)
}
