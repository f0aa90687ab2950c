package perf

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"maps"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// FootprintOptions say what the installation is given besides its rest.
type FootprintOptions struct {
	// Functions are made, with packages and routes, and not called.
	Functions int
}

func (c *Config) footprintFlags(fs *flag.FlagSet) {
	c.countFlag(fs, &c.Footprint.Functions, "idle-functions", 1000, "footprint: functions, each with a package and a route, that nobody calls")
}

// componentsNamespace is where an installation's components are.
const componentsNamespace = "fission"

// Footprint reads what each of an installation's components uses of its node's memory, at rest and with functions that nobody
// calls, as the kubelets tell it: working sets, which are what limits count and kubectl top shows, and of these what is no file's.
func Footprint(ctx context.Context, s *Session, r *Results) (err error) {
	rest, err := s.settledFootprint(ctx)
	if err != nil {
		return err
	}
	addFootprint(r, "0", rest)
	f, err := s.newFleet(ctx, "footprint", 0)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.delete(ctx)) }()
	members, err := f.add(ctx, s.config.Footprint.Functions, nil)
	defer func() { err = errors.Join(err, f.remove(ctx, members)) }()
	if err != nil {
		return err
	}
	full, err := s.settledFootprint(ctx)
	if err != nil {
		return err
	}
	addFootprint(r, fmt.Sprint(s.config.Footprint.Functions), full)
	return nil
}

// footprint is the memory of one component's containers.
type footprint struct {
	component string
	pods      int
	// workingSet and anonymous are in MiB.
	workingSet, anonymous float64
}

// summary is what a kubelet tells of its pods, as far as it is needed.
type summary struct {
	Pods []struct {
		PodRef     struct{ Name, Namespace string }
		Containers []struct {
			Memory struct{ WorkingSetBytes, RSSBytes uint64 }
		}
	}
}

// settledFootprint reads after the installation was left alone, and kubelets have looked anew.
func (s *Session) settledFootprint(ctx context.Context) ([]footprint, error) {
	if err := pause(ctx, 3*restTime); err != nil {
		return nil, err
	}
	pods, err := s.clients.Pods(componentsNamespace).List(ctx, metav1.ListOptions{LabelSelector: labelComponent})
	if err != nil {
		return nil, fmt.Errorf("list the components' pods: %w", err)
	}
	nodes, components := map[string]bool{}, map[string]string{}
	for _, p := range pods.Items {
		nodes[p.Spec.NodeName] = true
		components[p.Name] = p.Labels[labelComponent]
	}
	if len(components) == 0 {
		return nil, errors.New("no components in " + componentsNamespace)
	}
	found := map[string]footprint{}
	for node := range nodes {
		text, err := s.clients.Core().Get().AbsPath("/api/v1/nodes", node, "proxy", "stats", "summary").DoRaw(ctx)
		if err != nil {
			return nil, fmt.Errorf("ask the kubelet of %s: %w", node, err)
		}
		var told summary
		if err := json.Unmarshal(text, &told); err != nil {
			return nil, fmt.Errorf("read what the kubelet of %s says: %w", node, err)
		}
		told.sum(components, found)
	}
	return slices.SortedFunc(maps.Values(found), func(a, b footprint) int {
		if a.component < b.component {
			return -1
		}
		return 1
	}), nil
}

// labelComponent is the label of a component's pods.
const labelComponent = "hotpod.dev/component"

// sum adds the containers of the components' pods to what was found.
func (s summary) sum(components map[string]string, found map[string]footprint) {
	for _, pod := range s.Pods {
		name, ours := components[pod.PodRef.Name]
		if !ours || pod.PodRef.Namespace != componentsNamespace {
			continue
		}
		f := found[name]
		f.component = name
		f.pods++
		for _, c := range pod.Containers {
			f.workingSet += float64(c.Memory.WorkingSetBytes) / (1 << 20)
			f.anonymous += float64(c.Memory.RSSBytes) / (1 << 20)
		}
		found[name] = f
	}
}

// addFootprint makes rows of the components, and of all together.
func addFootprint(r *Results, functions string, components []footprint) {
	all := footprint{component: "all together"}
	for _, f := range components {
		all.pods += f.pods
		all.workingSet += f.workingSet
		all.anonymous += f.anonymous
	}
	for _, f := range append(components, all) {
		row := Row{Scenario: "footprint", Contestant: f.component, Parameters: map[string]string{"functions": functions, "pods": fmt.Sprint(f.pods)}}
		r.addAll(row, metric{"working_set", "MiB", one(f.workingSet)}, metric{"anonymous", "MiB", one(f.anonymous)})
	}
}
