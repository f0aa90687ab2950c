package spec

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
)

// Step is what is to be done with one object.
type Step string

// Steps.
const (
	Create Step = "create"
	Update Step = "update"
	Keep   Step = "keep"
	Delete Step = "delete"
)

// Action is one object with what is to be done.
type Action struct {
	Step Step
	Key  Key
	// Item is nil for what is deleted, Live for what is created.
	Item *Item
	Live Object
}

// Plan is what takes a cluster to where an app wants it, in the order of Kinds; what is deleted comes last, backwards.
type Plan struct {
	Actions []Action
	// Conflicts are objects that the app declares and that are not its own, as messages with their place.
	Conflicts []string
}

// NewPlan compares an app with the objects that there are. With prune, what belongs to the app and is no longer declared
// is deleted.
func NewPlan(app *App, live []Object, prune bool) Plan {
	there := make(map[Key]Object, len(live))
	for _, o := range live {
		there[KeyOf(o)] = o
	}
	var p Plan
	for _, kind := range Kinds() {
		for _, item := range app.Of(kind) {
			old := there[item.Key()]
			delete(there, item.Key())
			p.add(app, item, old)
		}
	}
	if prune {
		p.prune(app, live, there)
	}
	return p
}

func (p *Plan) add(app *App, item *Item, old Object) {
	a := Action{Step: Create, Key: item.Key(), Item: item, Live: old}
	if old != nil {
		a.Step = Update
		if item.holds(old) {
			a.Step = Keep
		}
		if owner := old.GetAnnotations()[AnnotationUID]; owner != app.Config.UID {
			whose := "does not belong to any application of specs"
			if owner != "" {
				whose = fmt.Sprintf("belongs to application %s (%s)", old.GetAnnotations()[AnnotationName], owner)
			}
			p.Conflicts = append(p.Conflicts, fmt.Sprintf("%s: %s %s/%s exists and %s", item.At(), item.Kind, a.Key.Namespace, a.Key.Name, whose))
		}
	}
	p.Actions = append(p.Actions, a)
}

// prune deletes in the order of live, routes first.
func (p *Plan) prune(app *App, live []Object, left map[Key]Object) {
	for _, kind := range slices.Backward(Kinds()) {
		for _, o := range live {
			key := KeyOf(o)
			if _, ok := left[key]; ok && key.Kind == kind && Owned(o, app.Config) {
				p.Actions = append(p.Actions, Action{Step: Delete, Key: key, Live: o})
			}
		}
	}
}

// Owned reports whether an object belongs to the application.
func Owned(o Object, c Config) bool { return o.GetAnnotations()[AnnotationUID] == c.UID }

// KeyOf names an object by its Go type: decoded objects do not carry their kind.
func KeyOf(o Object) Key {
	return Key{reflect.TypeOf(o).Elem().Name(), o.GetNamespace(), o.GetName()}
}

// holds reports whether what is declared is what was applied last, and is still so.
func (i *Item) holds(live Object) bool {
	if live.GetAnnotations()[AnnotationHash] != i.Hash() {
		return false
	}
	if !contains(live.GetLabels(), i.Object.GetLabels()) || !contains(live.GetAnnotations(), i.Object.GetAnnotations()) {
		return false
	}
	return covers(canonical(live), canonical(i.Object), i.Spec)
}

func contains(all, some map[string]string) bool {
	for key, value := range some {
		if v, ok := all[key]; !ok || v != value {
			return false
		}
	}
	return true
}

// canonical returns the spec as our types write it, so that two ways to write one value are the same.
func canonical(o Object) any {
	data, err := json.Marshal(o)
	if err != nil {
		panic(err) // it was JSON
	}
	var out struct {
		Spec any `json:"spec"`
	}
	if err := json.Unmarshal(data, &out); err != nil {
		panic(err)
	}
	return out.Spec
}

// covers reports whether live has the wanted value in every field that was declared. Others may have set more.
func covers(live, wanted any, declared map[string]any) bool {
	l, ok1 := live.(map[string]any)
	w, ok2 := wanted.(map[string]any)
	if !ok1 || !ok2 {
		return reflect.DeepEqual(live, wanted)
	}
	for key := range maps.Keys(declared) {
		if inner, ok := declared[key].(map[string]any); ok {
			if !covers(l[key], w[key], inner) {
				return false
			}
		} else if !reflect.DeepEqual(l[key], w[key]) {
			return false
		}
	}
	return true
}
