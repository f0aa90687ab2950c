package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/pflag"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/validation"
)

// resourceFlags are the CPU and memory bounds that several nouns share, with Fission's units.
type resourceFlags struct {
	minCPU, maxCPU, minMemory, maxMemory int
}

func (r *resourceFlags) add(f *pflag.FlagSet) {
	f.IntVar(&r.minCPU, "mincpu", 0, "CPU requested, in millicores")
	f.IntVar(&r.maxCPU, "maxcpu", 0, "CPU limit, in millicores")
	f.IntVar(&r.minMemory, "minmemory", 0, "memory requested, in megabytes")
	f.IntVar(&r.maxMemory, "maxmemory", 0, "memory limit, in megabytes")
}

// apply sets what the user gave in res and leaves the rest as it is.
func (r *resourceFlags) apply(f *pflag.FlagSet, res *corev1.ResourceRequirements) error {
	for _, q := range []struct {
		flag  string
		value int
		unit  string
		list  *corev1.ResourceList
		name  corev1.ResourceName
	}{
		{"mincpu", r.minCPU, "m", &res.Requests, corev1.ResourceCPU},
		{"maxcpu", r.maxCPU, "m", &res.Limits, corev1.ResourceCPU},
		{"minmemory", r.minMemory, "Mi", &res.Requests, corev1.ResourceMemory},
		{"maxmemory", r.maxMemory, "Mi", &res.Limits, corev1.ResourceMemory},
	} {
		if !f.Changed(q.flag) {
			continue
		}
		if q.value < 0 {
			return usagef("--%s is %d: it cannot be negative", q.flag, q.value)
		}
		if *q.list == nil {
			*q.list = corev1.ResourceList{}
		}
		(*q.list)[q.name] = resource.MustParse(fmt.Sprintf("%d%s", q.value, q.unit))
	}
	return ordered(res)
}

// ordered refuses requests above limits.
func ordered(res *corev1.ResourceRequirements) error {
	for name, request := range res.Requests {
		if limit, ok := res.Limits[name]; ok && request.Cmp(limit) > 0 {
			return usagef("%s: the request %s is more than the limit %s", name, request.String(), limit.String())
		}
	}
	return nil
}

// metaFlags are labels and annotations.
type metaFlags struct {
	labels, annotations []string
}

func (m *metaFlags) add(f *pflag.FlagSet) {
	f.StringSliceVar(&m.labels, "labels", nil, "labels as key=value; key- removes one")
	f.StringArrayVar(&m.annotations, "annotation", nil, "annotation as key=value; key- removes one")
}

func (m *metaFlags) apply(labels, annotations *map[string]string) error {
	if err := setPairs(labels, m.labels, "--labels"); err != nil {
		return err
	}
	return setPairs(annotations, m.annotations, "--annotation")
}

// setPairs sets key=value pairs in target and removes those written as key-.
func setPairs(target *map[string]string, pairs []string, flag string) error {
	for _, pair := range pairs {
		if key, ok := strings.CutSuffix(pair, "-"); ok && !strings.Contains(pair, "=") {
			delete(*target, key)
			continue
		}
		key, value, ok := strings.Cut(pair, "=")
		if !ok || key == "" {
			return usagef("%s %q: write it as key=value", flag, pair)
		}
		if *target == nil {
			*target = map[string]string{}
		}
		(*target)[key] = value
	}
	return nil
}

// checkName refuses what Kubernetes would not take as a name, with the rule in words.
func checkName(noun, name string) error {
	if name == "" {
		return usagef("which %s? give its name, as an argument or by --name", noun)
	}
	if faults := validation.IsDNS1123Label(name); len(faults) > 0 {
		return usagef("%s name %q is not valid: at most 63 lower-case letters, digits and '-', beginning and ending with a letter or digit", noun, name)
	}
	return nil
}

// methods returns upper-case methods without repeats, or an error that lists what is allowed.
func methods(names []string) ([]string, error) {
	allowed := []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT", "TRACE"}
	var out []string
	for _, name := range names {
		m := strings.ToUpper(name)
		if !slices.Contains(allowed, m) {
			return nil, usagef("method %q is not known: use one of %s", name, strings.Join(allowed, ", "))
		}
		if !slices.Contains(out, m) {
			out = append(out, m)
		}
	}
	return out, nil
}
