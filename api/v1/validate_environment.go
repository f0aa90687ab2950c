package v1

// Validate returns every fault of the environment that can be seen without the API server, as FieldErrors.
func (e *Environment) Validate() error {
	var f faults
	f.when(!label(e.Name), "metadata.name", labelMessage)
	f.when(e.Spec.Version < 1 || e.Spec.Version > 3, "spec.version", "the version is 1, 2 or 3")
	f.when(e.Spec.Runtime.Image == "", "spec.runtime.image", "the image of the runtime is required")
	f.when(e.Spec.Poolsize < 0, "spec.poolsize", "poolsize is 0 or more")
	f.when(e.GracePeriod() < 0, "spec.terminationGracePeriod", "terminationGracePeriod is 0 seconds or more")
	if _, err := e.PoolSettings(); err != nil {
		f = append(f, err)
	}
	return f.join()
}
