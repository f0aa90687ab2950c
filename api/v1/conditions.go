package v1

// Condition types.
const (
	// ConditionReady says whether the object can be used now.
	ConditionReady = "Ready"
	// ConditionPackageReady says whether a function's code can be loaded.
	ConditionPackageReady = "PackageReady"
	// ConditionSettingsValid says whether a function's settings of scale hold as they stand.
	ConditionSettingsValid = "SettingsValid"
	// ConditionProvisioned says whether as many pods of a function are hot as its schedule wants now.
	ConditionProvisioned = "Provisioned"
	// ConditionServiceReady says whether the Service of a function that is to have one is as it should be.
	ConditionServiceReady = "ServiceReady"
	// ConditionRBACProvisioned says whether the parts may work in a tenant's namespace, ConditionWatchActive whether they watch it.
	ConditionRBACProvisioned = "RBACProvisioned"
	ConditionWatchActive     = "WatchActive"
	// ConditionBuildSucceeded says whether a package's last build succeeded.
	ConditionBuildSucceeded = "BuildSucceeded"
	// ConditionRouteAdmitted says whether a route was accepted.
	ConditionRouteAdmitted = "RouteAdmitted"
	// ConditionPublished says whether a route that is to be published outside of the cluster is.
	ConditionPublished = "Published"
	// ConditionScheduled says whether a time trigger's runs are being made.
	ConditionScheduled = "Scheduled"
	// ConditionSubscribed says whether a watch trigger's objects are being watched.
	ConditionSubscribed = "Subscribed"
	// ConditionDelivering says whether a trigger's calls succeed.
	ConditionDelivering = "Delivering"
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
	ReasonKeyNotFound          = "KeyNotFound"
	ReasonReferenceInvalid     = "InvalidReference"
	ReasonPoolStarting         = "PoolStarting"
	ReasonNoPool               = "NoPool"
	ReasonBuildNotNeeded       = "BuildNotNeeded"
	ReasonBuilderUnavailable   = "BuilderUnavailable"
	ReasonBuilding             = "Building"
	ReasonBuilt                = "Built"
	ReasonBuildFailed          = "BuildFailed"
	ReasonEmptyPackage         = "EmptyPackage"
	ReasonSettingsInvalid      = "InvalidSettings"
	ReasonSettingsUnused       = "SettingsWithoutEffect"
	ReasonProvisioned          = "Provisioned"
	ReasonProvisioning         = "Provisioning"

	ReasonServiceReady    = "ServiceReady"
	ReasonServiceConflict = "ServiceConflict"
	ReasonServiceInvalid  = "InvalidService"
	ReasonServicesOff     = "ServicesOff"
	ReasonHostTaken       = "HostTaken"
	ReasonNotAllowed      = "NotAllowed"

	ReasonNamespaceNotFound = "NamespaceNotFound"

	ReasonRouteAdmitted    = "RouteAdmitted"
	ReasonRouteConflict    = "RouteConflict"
	ReasonRouteInvalid     = "InvalidRouteTemplate"
	ReasonCorsInvalid      = "InvalidCorsConfig"
	ReasonPublished        = "Published"
	ReasonPublishConflict  = "PublishConflict"
	ReasonProviderMissing  = "ProviderMissing"
	ReasonNotAccepted      = "NotAccepted"
	ReasonIngressInvalid   = "InvalidIngressConfig"
	ReasonFunctionNotFound = "FunctionNotFound"
	ReasonAcknowledged     = "Acknowledged"
	ReasonWaitingForEnvoy  = "WaitingForEnvoy"
	ReasonNoEnvoyConnected = "NoEnvoyConnected"

	ReasonCronRegistered  = "CronRegistered"
	ReasonCronInvalid     = "InvalidCron"
	ReasonWatching        = "Watching"
	ReasonTypeUnknown     = "UnknownType"
	ReasonSelectorInvalid = "InvalidSelector"
	ReasonFilterInvalid   = "InvalidFilter"
	ReasonAuthorUnknown   = "AuthorUnknown"
	ReasonAuthorForbidden = "AuthorMayNotRead"
	ReasonWatchForbidden  = "WatcherMayNotRead"
	ReasonWatchFailed     = "WatchFailed"
	ReasonDelivered       = "Delivered"
	ReasonNothingYet      = "NothingYet"
	ReasonRetrying        = "Retrying"
	ReasonGivenUp         = "GivenUp"
)
