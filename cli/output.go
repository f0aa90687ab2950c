package cli

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/duration"
	"k8s.io/cli-runtime/pkg/printers"

	v1 "hotpod.dev/api/v1"
	"hotpod.dev/kube"
)

// formats are the values of -o that print objects rather than tables.
const formats = "name|json|yaml|wide|jsonpath=TEMPLATE"

// column is one column of a table of T.
type column[T any] struct {
	header string
	wide   bool // shown with -o wide only
	value  func(T) string
}

// table reports whether format is printed as a table.
func table(format string) bool { return format == "" || format == "wide" }

// printTable writes rows in aligned columns.
func printTable[T any](w io.Writer, columns []column[T], rows []T, format string, header bool) error {
	tw := tabwriter.NewWriter(w, 0, 8, 3, ' ', 0)
	var cells []string
	for _, c := range columns {
		if !c.wide || format == "wide" {
			cells = append(cells, c.header)
		}
	}
	if header {
		fmt.Fprintln(tw, strings.Join(cells, "\t"))
	}
	for _, row := range rows {
		cells = cells[:0]
		for _, c := range columns {
			if !c.wide || format == "wide" {
				cells = append(cells, c.value(row))
			}
		}
		fmt.Fprintln(tw, strings.Join(cells, "\t"))
	}
	return tw.Flush()
}

// printObject writes obj as format asks; its kind must be known to scheme.
func printObject(w io.Writer, scheme *runtime.Scheme, obj runtime.Object, format string) error {
	printer, err := printerFor(format)
	if err != nil {
		return err
	}
	printer, err = printers.NewTypeSetter(scheme).WrapToPrinter(printer, err)
	if err != nil {
		return err
	}
	return printer.PrintObj(obj, w)
}

func printerFor(format string) (printers.ResourcePrinter, error) {
	kind, template, _ := strings.Cut(format, "=")
	switch kind {
	case "json":
		return &printers.JSONPrinter{}, nil
	case "yaml":
		return &printers.YAMLPrinter{}, nil
	case "name":
		return &namePrinter{printers.NamePrinter{ShortOutput: true}}, nil
	case "jsonpath":
		p, err := printers.NewJSONPathPrinter(template)
		if err != nil {
			return nil, usagef("-o %s: %v", format, err)
		}
		return p, nil
	default:
		return nil, usagef("-o %s is not known: use %s", format, formats)
	}
}

// namePrinter writes "resource/name" lines, as kubectl does, also for lists.
type namePrinter struct {
	printers.NamePrinter
}

// PrintObj implements printers.ResourcePrinter.
func (n *namePrinter) PrintObj(obj runtime.Object, w io.Writer) error {
	if !meta.IsListType(obj) {
		return n.NamePrinter.PrintObj(obj, w)
	}
	items, err := meta.ExtractList(obj)
	if err != nil {
		return err
	}
	typed := printers.NewTypeSetter(kube.Scheme()).ToPrinter(&n.NamePrinter)
	for _, item := range items {
		if err := typed.PrintObj(item, w); err != nil {
			return err
		}
	}
	return nil
}

// age returns how long ago t was, as kubectl prints it.
func age(t metav1.Time, now time.Time) string {
	if t.IsZero() {
		return "<unknown>"
	}
	return duration.HumanDuration(now.Sub(t.Time))
}

// ready returns the status of the Ready condition and, when it is not good, its reason.
func ready(conditions []metav1.Condition) string {
	for _, c := range conditions {
		if c.Type != v1.ConditionReady {
			continue
		}
		if c.Status == metav1.ConditionTrue || c.Reason == "" {
			return string(c.Status)
		}
		return string(c.Status) + " (" + c.Reason + ")"
	}
	return "Unknown"
}

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}
