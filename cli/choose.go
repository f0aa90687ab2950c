package cli

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/term"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	v1 "hotpod.dev/api/v1"
)

// steps tells a person what was done, and how long each step took.
type steps struct {
	app  *app
	last time.Time
}

func (a *app) newSteps() *steps { return &steps{a, a.now()} }

// done tells one step: "✓ package  hello-7f3c (literal, 60 bytes)  0.1s".
func (s *steps) done(what, format string, args ...any) {
	now := s.app.now()
	s.app.progress("  ✓ %-12s %-56s %5.1fs", what, fmt.Sprintf(format, args...), now.Sub(s.last).Seconds())
	s.last = now
}

// chooseEnvironment names the environment by the code's language: the one that there is, or a new one.
func (a *app) chooseEnvironment(ctx context.Context, o *functionFlags, s *steps) error {
	l, ok := languageOf(o.code.names())
	if !ok {
		return usagef("which environment runs it? --env NAME (code is recognised by %s)", extensions())
	}
	list, err := a.clients.Environments(a.namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return fmt.Errorf("look for environments: %w", err)
	}
	var fit []string
	for i := range list.Items {
		if l.runs(&list.Items[i]) {
			fit = append(fit, list.Items[i].Name)
		}
	}
	switch len(fit) {
	case 0:
		return a.createLanguage(ctx, l, o, s)
	case 1:
		o.env = fit[0]
		s.done("environment", "%s", o.env)
		return nil
	default:
		return &Error{
			Err:  fmt.Errorf("several environments run %s: %s", l.name, strings.Join(fit, ", ")),
			Code: ExitUsage, Try: []string{"add --env " + fit[0]},
		}
	}
}

// createLanguage creates an environment for the language, when the user wants it.
func (a *app) createLanguage(ctx context.Context, l language, o *functionFlags, s *steps) error {
	question := fmt.Sprintf("no environment in namespace %s runs %s: create %q with image %s?", a.namespace, l.name, l.name, l.image)
	yes, err := a.confirm(question, o.yes)
	if err != nil {
		return err
	}
	if !yes {
		return &Error{
			Err:  fmt.Errorf("no environment in namespace %s runs %s", a.namespace, l.name),
			Code: ExitUsage, Try: []string{"add --yes to have it created", "hotpod env create " + l.name + " --image " + l.image},
		}
	}
	env := &v1.Environment{ObjectMeta: metav1.ObjectMeta{Name: l.name, Namespace: a.namespace}}
	env.Spec.Version, env.Spec.Poolsize, env.Spec.Runtime.Image = 3, v1.DefaultPoolsize, l.image
	_, err = a.clients.Environments(a.namespace).Create(ctx, env, metav1.CreateOptions{})
	if apierrors.IsAlreadyExists(err) {
		return usagef("environment %s exists, with another image than %s: say --env %s if it runs the code", l.name, l.image, l.name)
	}
	if err != nil {
		return created(err, "environment", l.name, "hotpod env update "+l.name)
	}
	o.env = l.name
	s.done("environment", "%s (created: %s, %d warm pods)", l.name, l.image, v1.DefaultPoolsize)
	return nil
}

// confirm asks a person. Without a terminal nobody is asked: the answer is what --yes said.
func (a *app) confirm(question string, yes bool) (bool, error) {
	if yes || !terminal(a.In) {
		return yes, nil
	}
	fmt.Fprintf(a.Err, "%s [Y/n] ", question)
	answer, err := bufio.NewReader(a.In).ReadString('\n')
	if err != nil && err != io.EOF {
		return false, fmt.Errorf("read the answer: %w", err)
	}
	switch strings.ToLower(strings.TrimSpace(answer)) {
	case "", "y", "yes":
		return err == nil, nil // at the end of input nobody answered
	default:
		return false, nil
	}
}

// terminal reports whether a person sits at the other end.
func terminal(r any) bool {
	f, ok := r.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
