package binary

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"hotpod.dev/environments/generic"
)

// Loader finds programs and checks what can be checked of them before a request comes.
type Loader struct {
	// ShowErrors puts what a program wrote on standard error into the answer when it fails.
	ShowErrors bool
	// Log takes what programs write on standard error.
	Log io.Writer
}

// Load finds the program. The interpreter of a script must exist, and a shell's script must be one by its syntax.
func (l Loader) Load(ctx context.Context, load generic.Load) (http.Handler, error) {
	p, err := locate(load)
	if err != nil {
		return nil, err
	}
	if _, err := exec.LookPath(p.command[0]); err != nil {
		return nil, fmt.Errorf("the function's interpreter is not in this image: %w", err)
	}
	if err := p.check(ctx); err != nil {
		return nil, err
	}
	return &handler{program: p, showErrors: l.ShowErrors, log: l.Log}, nil
}

// check has a shell read its script without running it.
func (p program) check(ctx context.Context) error {
	shell := p.command[0]
	if filepath.Base(shell) == "env" && len(p.command) == 3 {
		shell = p.command[1]
	}
	if p.script == "" || !slices.Contains([]string{"sh", "bash", "dash", "ash"}, filepath.Base(shell)) {
		return nil
	}
	out, err := exec.CommandContext(ctx, shell, "-n", p.script).CombinedOutput()
	if err != nil {
		said := strings.TrimSpace(string(out))
		return fmt.Errorf("the script cannot be read: %w\n%s%s", err, said, p.line(said))
	}
	return nil
}

// line returns the line of the script that a shell's complaint is about.
func (p program) line(complaint string) string {
	match := regexp.MustCompile(`(?:line |: )(\d+):`).FindStringSubmatch(complaint)
	text, err := os.ReadFile(p.script)
	if match == nil || err != nil {
		return ""
	}
	lines := strings.Split(string(text), "\n")
	n, err := strconv.Atoi(match[1])
	if err != nil || n < 1 || n > len(lines) {
		return ""
	}
	return fmt.Sprintf("\n%d | %s", n, lines[n-1])
}
