package v1

// Validate returns every fault of the package that can be seen without the API server, as FieldErrors.
func (p *Package) Validate() error {
	var f faults
	f.name(p.Spec.Environment.Name, "spec.environment.name")
	f.when(p.Spec.Source.OCI != nil, "spec.source.oci",
		"source.oci is not supported: an OCI image holds a deployment archive (spec.deployment.oci)")
	p.Spec.Source.validate(&f, "spec.source")
	p.Spec.Deployment.validate(&f, "spec.deployment")
	return f.join()
}

func (a *Archive) validate(f *faults, field string) {
	f.when(a.places() > 1, field, "an archive is in one place: set literal, url or oci, not several")
	f.when(a.Type == ArchiveURL && a.URL == "", field, "an archive of type url needs url")
	f.when(a.Type == ArchiveOCI && a.OCI == nil, field, "an archive of type oci needs oci")
	f.when(a.Type == ArchiveLiteral && (a.URL != "" || a.OCI != nil), field, "an archive of type literal has neither url nor oci")
	f.when(len(a.Literal) > MaxLiteral, field+".literal", "a literal has at most 256 KiB: put the archive at a URL")
	f.when(a.URL != "" && !matches(`(https?|archive)://.+`, a.URL), field+".url", "url begins with http:// or https://")
	f.when(a.SecretRef != nil && (a.URL == "" || a.OCI != nil), field+".secretref", "secretref holds credentials for url: set url too")
	a.Checksum.validate(f, field+".checksum")
}

// places counts where the archive is said to be.
func (a *Archive) places() int {
	n := 0
	for _, set := range []bool{len(a.Literal) > 0, a.URL != "", a.OCI != nil} {
		if set {
			n++
		}
	}
	return n
}

func (c *Checksum) validate(f *faults, field string) {
	f.when(c.Sum != "" && c.Type != "sha256", field, "a checksum has type sha256, the only one supported")
	f.when(c.Sum != "" && !matches(`[0-9a-f]{64}`, c.Sum), field+".sum", "the sum of type sha256 has 64 hexadecimal digits in lower case")
}
