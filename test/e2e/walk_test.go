package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Each language of which there are images here answers from its own image, as any user and with a root that is read only.
func TestLanguages_AnswerFromTheirImages(t *testing.T) {
	c := newCluster(t)
	program := filepath.Join(t.TempDir(), "hello")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", program, ".")
	build.Dir, build.Env = "testdata/hello", append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	examples := filepath.Join("..", "..", "examples")
	for _, of := range []struct{ language, image, flag, file string }{
		{"node", "fission/node-env", "--code", filepath.Join(examples, "hello.js")},
		{"python", "fission/python-env", "--code", filepath.Join(examples, "hello.py")},
		{"ruby", "fission/ruby-env", "--code", filepath.Join(examples, "hello.rb")},
		{"shell", "fission/binary-env", "--code", filepath.Join(examples, "hello.sh")},
		{"go", "fission/go-env", "--deploy", program},
	} {
		c.run("hotpod", "env", "create", of.language, "--image", of.image, "--poolsize", "1")
		c.run("hotpod", "fn", "create", of.language, "--env", of.language, of.flag, of.file)
		c.await(3*time.Minute, of.language+" answers", func() (string, bool) {
			out, err := c.try(t.Context(), "hotpod", "fn", "test", of.language)
			return out, err == nil && strings.Contains(out, "Hello, world!")
		})
		c.run("hotpod", "env", "delete", of.language, "--force")
	}
}
