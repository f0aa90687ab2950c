package cli

import (
	"bytes"
	"context"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"

	v1 "hotpod.dev/api/v1"
)

// fakeFunctions is a client whose watch is given.
type fakeFunctions struct {
	client[*v1.Function, *v1.FunctionList]
	watch watch.Interface
}

func (f fakeFunctions) Watch(context.Context, metav1.ListOptions) (watch.Interface, error) {
	return f.watch, nil
}

func managed(name string) *v1.Function {
	return &v1.Function{ObjectMeta: metav1.ObjectMeta{Name: name, ManagedFields: []metav1.ManagedFieldsEntry{{Manager: "kubectl"}}}}
}

func TestFollow_EndsQuietlyWithItsCommand(t *testing.T) {
	for name, c := range map[string]struct {
		ended bool
		want  string
	}{
		"the person stops": {true, ""},
		"the server fails": {false, "watch functions: it broke"},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			events := watch.NewFakeWithChanSize(2, false)
			events.Add(managed("hello"))
			status := apierrors.NewInternalError(context.Canceled).Status()
			status.Message = "it broke"
			events.Error(&status)
			if c.ended {
				cancel()
			}
			var out bytes.Buffer
			n := (&app{Config: Config{Out: &out}}).functions()
			err := n.follow(ctx, fakeFunctions{watch: events}, listFlags{format: "name"}, metav1.ListOptions{})
			if said := message(err); said != c.want || out.String() != "function.fission.io/hello\n" {
				t.Errorf("error %q, output %q", said, out.String())
			}
		})
	}
}

func message(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestPrint_LeavesOutWhoWroteWhichField(t *testing.T) {
	var out bytes.Buffer
	n := (&app{Config: Config{Out: &out}}).functions()
	if err := n.print(managed("hello"), "yaml", true); err != nil {
		t.Fatal(err)
	}
	list := &v1.FunctionList{Items: []v1.Function{*managed("hello")}}
	if err := n.printList(list, listFlags{format: "json"}); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(out.String(), "managedFields") || strings.Count(out.String(), "hello") != 2 {
		t.Error(out.String())
	}
}

func TestPrintList_SaysWhereNothingIs(t *testing.T) {
	for want, f := range map[string]listFlags{"no functions in namespace shop\n": {}, "no functions in any namespace\n": {all: true}} {
		var errs bytes.Buffer
		n := (&app{Config: Config{Err: &errs}, namespace: "shop", verbosity: 1}).functions()
		if err := n.printList(&v1.FunctionList{}, f); err != nil || errs.String() != want {
			t.Errorf("%v, %q; want %q", err, errs.String(), want)
		}
	}
}
