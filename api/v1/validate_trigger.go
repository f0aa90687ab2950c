package v1

import (
	"strings"

	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/validation"
)

// Validate returns every fault of the trigger that can be seen without the API server, as FieldErrors.
func (t *TimeTrigger) Validate() error {
	var f faults
	s := &t.Spec
	if _, err := t.Schedule(); err != nil {
		f.add("spec.cron", "cron "+err.Error())
	}
	f.when(s.MissedRuns != "" && s.MissedRuns != MissedSkip && s.MissedRuns != MissedOnce && s.MissedRuns != MissedAll,
		"spec.missedRuns", "missedRuns is skip, once or all")
	f.when(strings.ContainsAny(s.Subpath, "# ") || hasSegment(s.Subpath, ".."), "spec.subpath",
		"subpath is a path, perhaps with a query, without blanks, '#' and '..' segments, for example /report?kind=daily")
	f.when(!matches(`|GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS`, s.Method), "spec.method",
		"method is GET, HEAD, POST, PUT, PATCH, DELETE or OPTIONS")
	s.FunctionReference.single(&f, "a time trigger")
	return f.join()
}

// Validate returns every fault of the trigger that can be seen without the API server, as FieldErrors.
func (t *KubernetesWatchTrigger) Validate() error {
	var f faults
	s := &t.Spec
	f.when(s.Namespace != "" && s.Namespace != AllNamespaces && !label(s.Namespace), "spec.namespace",
		"namespace is the name of one, or '*' for all")
	const part = `[A-Za-z0-9]([-A-Za-z0-9]*[A-Za-z0-9])?`
	f.when(!matches(`[A-Za-z]([-A-Za-z0-9]*[A-Za-z0-9])?([.]`+part+`)*`, s.Type), "spec.type",
		"type is a kind or a resource, with its group where needed: POD, Deployment, deployments.apps or Widget.example.com")
	f.when(!matches(`([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?[a-z0-9]*`, s.APIVersion), "spec.apiVersion",
		"apiVersion is a version or GROUP/VERSION, for example v1 or apps/v1")
	for key, value := range s.LabelSelector {
		for _, fault := range append(validation.IsQualifiedName(key), validation.IsValidLabelValue(value)...) {
			f.add("spec.labelselector", "labelselector "+key+"="+value+": "+fault)
		}
	}
	if _, err := fields.ParseSelector(s.FieldSelector); err != nil {
		f.add("spec.fieldselector", "fieldselector is written as kubectl's --field-selector, for example status.phase=Failed: "+err.Error())
	}
	for _, e := range s.Events {
		f.when(e != "ADDED" && e != "MODIFIED" && e != "DELETED", "spec.events", "events are ADDED, MODIFIED and DELETED")
	}
	s.FunctionReference.single(&f, "a watch trigger")
	return f.join()
}

// Selector returns the trigger's labels as the API server's list and watch take them.
func (t *KubernetesWatchTrigger) Selector() string { return labels.Set(t.Spec.LabelSelector).String() }

// Watched returns the namespace of the watched objects, "" for all.
func (t *KubernetesWatchTrigger) Watched() string {
	switch t.Spec.Namespace {
	case "":
		return t.Namespace
	case AllNamespaces:
		return ""
	default:
		return t.Spec.Namespace
	}
}

// Author returns who wrote the trigger, and false when that was not recorded.
func (t *KubernetesWatchTrigger) Author() (Author, bool) {
	a := Author{Name: t.Annotations[AnnotationAuthor]}
	if groups := t.Annotations[AnnotationAuthorGroups]; groups != "" {
		a.Groups = strings.Split(groups, "\n")
	}
	return a, a.Name != ""
}

// single adds the faults of a trigger's reference, which names one function.
func (r *FunctionReference) single(f *faults, what string) {
	f.when(r.Type == ReferenceWeights, "spec.functionref.type", what+" calls one function: functionref of type name")
	f.when(r.Alias != "" || r.Version != "", "spec.functionref",
		"functionref.alias and functionref.version are not served yet: name the function alone")
	r.validate(f, "spec.functionref")
}
