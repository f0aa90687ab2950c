package v1

import "fmt"

// Blocked says why the package's code cannot be loaded: a reason of PackageReady and a message for the owner. Both
// are empty when it can be loaded.
func (p *Package) Blocked() (reason, message string) {
	name := p.Namespace + "/" + p.Name
	switch {
	case p.Spec.Source.Empty() && p.Spec.Deployment.Empty():
		return ReasonPackageBuildFailed, fmt.Sprintf("package %s: %s", name, EmptyPackageMessage)
	case !p.Spec.Deployment.Empty():
		return "", "" // it stays until a build has made another, whatever the status says
	}
	return p.buildBlocked(name)
}

// EmptyPackageMessage is the build log of a package without code.
const EmptyPackageMessage = "Both source and deployment are empty"

// buildBlocked is Blocked for a package with a source and nothing that was built of it.
func (p *Package) buildBlocked(name string) (reason, message string) {
	switch p.Status.BuildStatus {
	case BuildFailed:
		return ReasonPackageBuildFailed, fmt.Sprintf("the build of package %s failed: %s", name, p.buildFault())
	case BuildPending, BuildRunning:
		return ReasonPackageBuildPending, fmt.Sprintf("package %s is being built: wait until its status.buildstatus is succeeded", name)
	}
	return ReasonPackageBuildPending, fmt.Sprintf("package %s was not built yet: wait until its status.buildstatus is succeeded", name)
}

// BuildFailure is why the last build failed, in one line, since build logs have many; "" when it did not fail.
func (p *Package) BuildFailure() string {
	if p.Status.BuildStatus != BuildFailed {
		return ""
	}
	return p.buildFault()
}

func (p *Package) buildFault() string {
	for _, c := range p.Status.Conditions {
		if c.Type == ConditionBuildSucceeded && c.Message != "" {
			return c.Message
		}
	}
	return "see its status.buildlog"
}
