package v1

// Condition types.
const (
	// ConditionReady says whether the object can be used now.
	ConditionReady = "Ready"
	// ConditionPackageReady says whether a function's code can be loaded.
	ConditionPackageReady = "PackageReady"
	// ConditionBuildSucceeded says whether a package's last build succeeded.
	ConditionBuildSucceeded = "BuildSucceeded"
	// ConditionRouteAdmitted says whether a route was accepted.
	ConditionRouteAdmitted = "RouteAdmitted"
)

// Reasons of conditions.
const (
	ReasonAvailable            = "Available"
	ReasonPackageReady         = "PackageReady"
	ReasonPackageNotFound      = "PackageNotFound"
	ReasonPackageBuildFailed   = "PackageBuildFailed"
	ReasonPackageBuildPending  = "PackageBuildPending"
	ReasonEnvironmentNotFound  = "EnvironmentNotFound"
	ReasonSpecializationFailed = "SpecializationFailed"
	ReasonPoolUnavailable      = "PoolUnavailable"
	ReasonExecutorUnsupported  = "ExecutorUnsupported"
	ReasonArchiveUnsupported   = "ArchiveUnsupported"
	ReasonCodeUnavailable      = "CodeUnavailable"
	ReasonSecretNotFound       = "SecretNotFound"
	ReasonConfigMapNotFound    = "ConfigMapNotFound"
	ReasonReferenceInvalid     = "InvalidReference"
	ReasonPoolStarting         = "PoolStarting"
	ReasonNoPool               = "NoPool"
	ReasonBuildNotNeeded       = "BuildNotNeeded"
	ReasonBuilderUnavailable   = "BuilderUnavailable"
	ReasonEmptyPackage         = "EmptyPackage"

	ReasonRouteAdmitted    = "RouteAdmitted"
	ReasonRouteConflict    = "RouteConflict"
	ReasonRouteInvalid     = "InvalidRouteTemplate"
	ReasonCorsInvalid      = "InvalidCorsConfig"
	ReasonFunctionNotFound = "FunctionNotFound"
	ReasonAcknowledged     = "Acknowledged"
	ReasonWaitingForEnvoy  = "WaitingForEnvoy"
	ReasonNoEnvoyConnected = "NoEnvoyConnected"
)
