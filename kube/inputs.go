package kube

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	v1 "hotpod.dev/api/v1"
	"hotpod.dev/wire"
)

// Inputs reads the Secrets and ConfigMaps that functions name. It keeps nothing: a Secret is read when a pod needs
// it. It is safe for concurrent use.
type Inputs struct {
	clients *Clients
}

// NewInputs returns an Inputs.
func NewInputs(clients *Clients) *Inputs { return &Inputs{clients: clients} }

// Inputs returns what the function gets from its Secrets and ConfigMaps. Variables are for functions of the pool: in
// pods of a function's own they are the kubelet's. An error that the function's owner can mend is a *wire.Failure.
func (s *Inputs) Inputs(ctx context.Context, f *v1.Function) (wire.Inputs, error) {
	held, err := s.contents(ctx, f)
	if err != nil {
		return wire.Inputs{}, err
	}
	if err := check(f, held); err != nil {
		return wire.Inputs{}, err
	}
	in := wire.Inputs{}
	if f.Executor() == v1.ExecutorPool {
		if in.Env, err = variables(f, held); err != nil {
			return wire.Inputs{}, err
		}
	}
	if f.Executor() != v1.ExecutorContainer {
		in.Files, err = files(f, held)
	}
	digests := map[origin]string{}
	for s, data := range held {
		digests[s] = digestOfData(data)
	}
	in.Digest = digestOfAll(digests)
	return in, err
}

// origin is a Secret or ConfigMap of a function's namespace.
type origin struct {
	secret bool
	name   string
}

func (s origin) kind() string {
	if s.secret {
		return "Secret"
	}
	return "ConfigMap"
}

// originsOf returns what the function names, each once and in an order of its own.
func originsOf(f *v1.Function) []origin {
	all := map[origin]bool{}
	for _, r := range f.Spec.Secrets {
		all[origin{true, r.Name}] = true
	}
	for _, r := range f.Spec.ConfigMaps {
		all[origin{false, r.Name}] = true
	}
	for _, r := range f.Spec.EnvFrom {
		if s, _, ok := originOfAll(r); ok {
			all[s] = true
		}
	}
	for _, e := range f.Spec.Env {
		if s, _, _, ok := originOfOne(e); ok {
			all[s] = true
		}
	}
	return slices.SortedFunc(maps.Keys(all), func(a, b origin) int {
		return strings.Compare(a.kind()+"/"+a.name, b.kind()+"/"+b.name)
	})
}

// contents reads what the function names, at the same time. What does not exist is nil.
func (s *Inputs) contents(ctx context.Context, f *v1.Function) (map[origin]map[string][]byte, error) {
	origins := originsOf(f)
	data := make([]map[string][]byte, len(origins))
	group, ctx := errgroup.WithContext(ctx)
	for i, from := range origins {
		group.Go(func() (err error) {
			data[i], err = s.read(ctx, f.Namespace, from)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	held := make(map[origin]map[string][]byte, len(origins))
	for i, from := range origins {
		held[from] = data[i]
	}
	return held, nil
}

// read returns the keys of a Secret or ConfigMap, nil when it does not exist.
func (s *Inputs) read(ctx context.Context, namespace string, from origin) (data map[string][]byte, err error) {
	if from.secret {
		secret, failed := s.clients.Secrets(namespace).Get(ctx, from.name, metav1.GetOptions{})
		data, err = secret.Data, failed
	} else {
		config, failed := s.clients.ConfigMaps(namespace).Get(ctx, from.name, metav1.GetOptions{})
		data, err = maps.Clone(config.BinaryData), failed
		if data == nil {
			data = map[string][]byte{}
		}
		for k, v := range config.Data {
			data[k] = []byte(v)
		}
	}
	switch {
	case apierrors.IsNotFound(err):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("read %s %s/%s: %w", from.kind(), namespace, from.name, err)
	case data == nil:
		return map[string][]byte{}, nil
	}
	return data, nil
}

// digestOfData changes with the keys; "" stands for what does not exist.
func digestOfData(data map[string][]byte) string {
	if data == nil {
		return ""
	}
	text, _ := json.Marshal(data) // keys sorted; nothing in it can fail
	return digestOf(text)
}

// digestOfAll changes with each of the digests, and is "" when there are none.
func digestOfAll(digests map[origin]string) string {
	if len(digests) == 0 {
		return ""
	}
	lines := make([]string, 0, len(digests))
	for s, digest := range digests {
		lines = append(lines, s.kind()+"/"+s.name+" "+digest)
	}
	slices.Sort(lines)
	sum := sha256.Sum256([]byte(strings.Join(lines, "\n")))
	return hex.EncodeToString(sum[:16])
}
