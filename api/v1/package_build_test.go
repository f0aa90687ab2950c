package v1

import "testing"

func TestPackage_ContentHashFollowsFromWhatIsBuilt(t *testing.T) {
	hash := func(change func(p *Package, e *Environment)) string {
		p := &Package{Spec: PackageSpec{Source: Archive{Type: ArchiveLiteral, Literal: []byte("source")}}}
		e := &Environment{Spec: EnvironmentSpec{Builder: Builder{Image: "builder"}}}
		change(p, e)
		return p.ContentHash(e)
	}
	base := hash(func(*Package, *Environment) {})
	for name, c := range map[string]struct {
		change func(p *Package, e *Environment)
		same   bool
	}{
		"a literal moved out of memory": {func(p *Package, _ *Environment) {
			p.Spec.Source = Archive{Type: ArchiveLiteral, Checksum: Checksum{Type: ChecksumMoved, Sum: digest([]byte("source"))}}
		}, true},
		"a deployment":      {func(p *Package, _ *Environment) { p.Spec.Deployment.URL = "http://a" }, true},
		"a pool":            {func(_ *Package, e *Environment) { e.Spec.Poolsize = 7 }, true},
		"another source":    {func(p *Package, _ *Environment) { p.Spec.Source.Literal = []byte("other") }, false},
		"a build command":   {func(p *Package, _ *Environment) { p.Spec.BuildCommand = "make" }, false},
		"a builder's image": {func(_ *Package, e *Environment) { e.Spec.Builder.Image = "other" }, false},
		"its command":       {func(_ *Package, e *Environment) { e.Spec.Builder.Command = "make" }, false},
	} {
		if got := hash(c.change); (got == base) != c.same {
			t.Errorf("%s: %s, before %s", name, got, base)
		}
	}
}

func TestPackage_NeedsBuildOnlyForWhatIsNew(t *testing.T) {
	url, literal := Archive{URL: "https://a/b"}, Archive{Literal: []byte("x")}
	e := &Environment{Spec: EnvironmentSpec{Builder: Builder{Image: "builder"}}}
	hash := (&Package{Spec: PackageSpec{Source: url}}).ContentHash(e)
	otherBuilder := hash[:len(hash)-1] + "!"
	for _, c := range []struct {
		name               string
		source, deployment Archive
		status, hash       string
		want               bool
	}{
		{"no source", Archive{}, literal, BuildPending, "", false},
		{"a new source", url, Archive{}, "", "", true},
		{"a source with its owner's code", url, literal, "", "", false},
		{"a source with its owner's code, looked at", url, literal, BuildNone, "", false},
		{"somebody asks", url, literal, BuildPending, hash, true},
		{"a build that nobody runs", url, literal, BuildRunning, hash, true},
		{"built", url, literal, BuildSucceeded, hash, false},
		{"built by another program, which keeps no hash", url, literal, BuildSucceeded, "", false},
		{"built with another builder", url, literal, BuildSucceeded, otherBuilder, false},
		{"built of another source", url, literal, BuildSucceeded, "x" + hash, true},
		{"built and lost", url, Archive{}, BuildSucceeded, hash, true},
		{"failed", url, Archive{}, BuildFailed, hash, false},
		{"failed with another builder", url, Archive{}, BuildFailed, otherBuilder, true},
	} {
		p := &Package{Spec: PackageSpec{Source: c.source, Deployment: c.deployment}, Status: PackageStatus{BuildStatus: c.status, ContentHash: c.hash}}
		if got := p.NeedsBuild(e); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}

func TestPackage_BuildEndedSpeaksOfThePresentSource(t *testing.T) {
	url, literal := Archive{URL: "https://a/b"}, Archive{Literal: []byte("x")}
	hash := (&Package{Spec: PackageSpec{Source: url}}).ContentHash(&Environment{Spec: EnvironmentSpec{Builder: Builder{Image: "builder"}}})
	for _, c := range []struct {
		name               string
		source, deployment Archive
		status, hash       string
		want               bool
	}{
		{"code to be loaded", Archive{}, literal, "", "", true},
		{"code of its owner beside the source", url, literal, BuildNone, "", true},
		{"new", url, Archive{}, "", "", false},
		{"pending", url, literal, BuildPending, hash, false},
		{"running", url, literal, BuildRunning, hash, false},
		{"built", url, literal, BuildSucceeded, hash, true},
		{"built of another source", url, literal, BuildSucceeded, "x" + hash, false},
		{"failed", url, Archive{}, BuildFailed, hash, true},
		{"failed with another source", url, literal, BuildFailed, "x" + hash, false},
	} {
		p := &Package{Spec: PackageSpec{Source: c.source, Deployment: c.deployment}, Status: PackageStatus{BuildStatus: c.status, ContentHash: c.hash}}
		if got := p.BuildEnded(); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}
