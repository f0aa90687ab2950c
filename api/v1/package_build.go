package v1

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strings"

	"k8s.io/apimachinery/pkg/runtime"
)

// DefaultBuildCommand is the build command of an environment that names none.
const DefaultBuildCommand = "build"

// ContentHash fingerprints what the result of a build follows from: what the package says, a dash, and what the
// environment says of its builder; nil stands for one that says nothing. A package has the same hash with its literal and
// with what stands for that in memory.
func (p *Package) ContentHash(e *Environment) string {
	if e == nil {
		e = &Environment{}
	}
	b := &e.Spec.Builder
	said := fingerprint(struct{ URL, Digest, Command string }{p.Spec.Source.URL, p.Spec.Source.Digest(), p.Spec.BuildCommand})
	built := fingerprint(struct {
		Image, Command     string
		Container, PodSpec *runtime.RawExtension
	}{b.Image, b.Command, b.Container, b.PodSpec})
	return said[:32] + "-" + built[:16]
}

func fingerprint(v any) string {
	b, err := json.Marshal(v)
	if err != nil { // an extension that is no JSON, which the API server does not let in
		b = []byte(err.Error())
	}
	return digest(b)
}

func digest(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// Digest is the SHA-256 of the archive in lower-case hexadecimal, "" when nothing tells it: neither checksum nor literal.
func (a *Archive) Digest() string {
	if len(a.Literal) > 0 {
		return digest(a.Literal)
	}
	return a.Checksum.Sum
}

// BuildCommandIn returns the command that builds the package in the environment.
func (p *Package) BuildCommandIn(e *Environment) string {
	switch {
	case p.Spec.BuildCommand != "":
		return p.Spec.BuildCommand
	case e.Spec.Builder.Command != "":
		return e.Spec.Builder.Command
	default:
		return DefaultBuildCommand
	}
}

// NeedsBuild reports whether the package has a source that is to be built: because somebody asked for it, because it never
// was, or because it is another than was built. A build that failed is also tried again when the environment's builder is
// another; what another builder built well is left alone.
func (p *Package) NeedsBuild(e *Environment) bool {
	if p.Spec.Source.Empty() {
		return false
	}
	switch p.Status.BuildStatus {
	case BuildPending, BuildRunning:
		return true
	case BuildFailed:
		return p.Status.ContentHash != p.ContentHash(e)
	case BuildSucceeded:
		if p.Spec.Deployment.Empty() {
			return true
		}
		before, _, _ := strings.Cut(p.Status.ContentHash, "-")
		now, _, _ := strings.Cut(p.ContentHash(e), "-")
		return before != "" && before != now
	default: // the deployment is its owner's
		return p.Spec.Deployment.Empty()
	}
}

// BuildEnded reports whether the status speaks of the source that the package has now, and nothing is left to be built of
// it.
func (p *Package) BuildEnded() bool {
	before, _, _ := strings.Cut(p.Status.ContentHash, "-")
	now, _, _ := strings.Cut(p.ContentHash(nil), "-")
	switch p.Status.BuildStatus {
	case BuildFailed:
		return before == now || p.Spec.Source.Empty() || before == "" && p.failedFor(ReasonBuilderUnavailable)
	case BuildSucceeded:
		return before == now || before == "" // which another program built
	case BuildNone:
		return true
	}
	return p.Spec.Source.Empty() || p.Status.BuildStatus == "" && !p.Spec.Deployment.Empty()
}

func (p *Package) failedFor(reason string) bool {
	for _, c := range p.Status.Conditions {
		if c.Type == ConditionBuildSucceeded {
			return c.Reason == reason
		}
	}
	return false
}
