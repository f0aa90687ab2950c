package v1

import "fmt"

// Blocked says why the package's code cannot be loaded: a reason of PackageReady and a message for the owner. Both
// are empty when it can be loaded.
func (p *Package) Blocked() (reason, message string) {
	name := p.Namespace + "/" + p.Name
	switch {
	case p.Spec.Deployment.OCI != nil:
		return ReasonArchiveUnsupported, fmt.Sprintf(
			"package %s is an OCI image, which cannot be loaded yet: use a literal or a url", name)
	case p.Spec.Source.Empty() && p.Spec.Deployment.Empty():
		return ReasonPackageBuildFailed, fmt.Sprintf("package %s: %s", name, EmptyPackageMessage)
	case p.Spec.Source.Empty():
		return "", "" // nothing to build, whatever the status says
	}
	return p.buildBlocked(name)
}

// EmptyPackageMessage is the build log of a package without code.
const EmptyPackageMessage = "Both source and deployment are empty"

// buildBlocked is Blocked for a package with a source.
func (p *Package) buildBlocked(name string) (reason, message string) {
	switch p.Status.BuildStatus {
	case BuildFailed:
		return ReasonPackageBuildFailed, fmt.Sprintf("the build of package %s failed: %s", name, p.buildFault())
	case BuildPending, BuildRunning:
		return ReasonPackageBuildPending, fmt.Sprintf("package %s is being built: wait until its status.buildstatus is succeeded", name)
	}
	if p.Spec.Deployment.Empty() {
		return ReasonPackageBuildPending, fmt.Sprintf("package %s was not built yet: wait until its status.buildstatus is succeeded", name)
	}
	return "", ""
}

// buildFault is the cause in one line; build logs have many.
func (p *Package) buildFault() string {
	for _, c := range p.Status.Conditions {
		if c.Type == ConditionBuildSucceeded && c.Message != "" {
			return c.Message
		}
	}
	return "see its status.buildlog"
}
