package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/pflag"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	v1 "hotpod.dev/api/v1"
)

// serviceFlags say whether a function has a Service.
type serviceFlags struct {
	on    bool
	hosts []string
}

func (s *serviceFlags) add(f *pflag.FlagSet) {
	f.BoolVar(&s.on, "service", false, "give the function a Service: http://NAME.NAMESPACE answers inside the cluster")
	f.StringSliceVar(&s.hosts, "service-host", nil, "further host by which requests come to that Service: of an Ingress whose backend it is")
}

// apply sets what the user gave.
func (s *serviceFlags) apply(f *pflag.FlagSet, fn *v1.Function) error {
	set := func(annotation, value string) {
		if fn.Annotations == nil {
			fn.Annotations = map[string]string{}
		}
		fn.Annotations[annotation] = value
	}
	switch {
	case f.Changed("service") && s.on:
		set(v1.AnnotationService, "true")
	case f.Changed("service"):
		delete(fn.Annotations, v1.AnnotationService)
		delete(fn.Annotations, v1.AnnotationServiceHosts)
	}
	if !f.Changed("service-host") {
		return nil
	}
	if !fn.HasService() {
		return usagef("--service-host goes with --service: function %s has no Service", fn.Name)
	}
	set(v1.AnnotationServiceHosts, strings.Join(s.hosts, ","))
	return nil
}

// serviceLine says by what URL the function's Service is called, and whether it can be; empty when it has none.
func serviceLine(fn *v1.Function) string {
	if !fn.HasService() {
		return ""
	}
	line := fmt.Sprintf("Service:      http://%s.%s", fn.Name, fn.Namespace)
	if hosts := fn.ServiceHosts(); len(hosts) > 0 {
		line += ", also as " + strings.Join(hosts, ", ")
	}
	c := meta.FindStatusCondition(fn.Status.Conditions, v1.ConditionServiceReady)
	switch {
	case c == nil:
		line += " (not made yet)"
	case c.Status != metav1.ConditionTrue:
		line += fmt.Sprintf(" (%s: %s)", c.Reason, c.Message)
	}
	return line + "\n"
}
