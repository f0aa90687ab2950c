package v1

// WrongScaling are annotations that are refused, with what is said of them. The policy refuses them too.
var WrongScaling = []struct{ Name, Value, Says string }{
	{"min-scale", "-1", "a whole number from 0"},
	{"minScale", "1.5", "a whole number from 0"},
	{"max-scale", "many", "a whole number from 0"},
	{"initial-scale", "", "a whole number from 0"},
	{"activation-scale", "1", "a whole number from 2"},
	{"metric", "cpu", "concurrency or rps"},
	{"target", "0", "a number from 0.01"},
	{"target", "NaN", "a number from 0.01"},
	{"target-utilization-percentage", "0.5", "a percentage from 1 to 100"},
	{"targetUtilizationPercentage", "101", "a percentage from 1 to 100"},
	{"window", "5s", "a time from 6s to 1h in whole seconds"},
	{"window", "6500ms", "a time from 6s to 1h in whole seconds"},
	{"window", "60", "a time from 6s to 1h in whole seconds"},
	{"panic-window-percentage", "0.9", "a percentage from 1 to 100"},
	{"panic-threshold-percentage", "100", "a percentage from 110 to 1000"},
	{"scale-down-delay", "-1s", "a time from 0s to 1h"},
	{"scaleDownDelay", "61m", "a time from 0s to 1h"},
	{"scale-to-zero-pod-retention-period", "soon", "a time from 0s to 1h"},
	{"metric-aggregation-algorithm", "median", "linear or weighted-exponential"},
	{"target-burst-capacity", "-2", "a number from 0, or -1"},
	{"class", "hpa.autoscaling.knative.dev", "kpa.autoscaling.knative.dev"},
	{"minscale", "1", "is not known here"},
}

// WrongPools are annotations of an environment with a pool of three, with what is said of them; nothing of the good ones.
// The policy says the same.
var WrongPools = []struct{ Name, Value, Says string }{
	{AnnotationMaxPods, "0", "max-pods is a whole number from 1 to 10000"},
	{AnnotationMaxPods, "10001", "max-pods is a whole number from 1 to 10000"},
	{AnnotationMaxPods, "many", "max-pods is a whole number from 1 to 10000"},
	{AnnotationMaxPods, "", "max-pods is a whole number from 1 to 10000"},
	{AnnotationMaxPods, "1", ""},
	{AnnotationMaxPods, "10000", ""},
	{AnnotationMaxPoolSize, "-1", "max-pool-size is a whole number from 1 to 10000"},
	{AnnotationMaxPoolSize, "", "max-pool-size is a whole number from 1 to 10000"},
	{AnnotationMaxPoolSize, "2", "is less than the pool size"},
	{AnnotationMaxPoolSize, "3", ""},
	{AnnotationPoolIdleTimeout, "5s", "pool-idle-timeout is a time from 10s to 720h"},
	{AnnotationPoolIdleTimeout, "721h", "pool-idle-timeout is a time from 10s to 720h"},
	{AnnotationPoolIdleTimeout, "600", "pool-idle-timeout is a time from 10s to 720h"},
	{AnnotationPoolIdleTimeout, "", "pool-idle-timeout is a time from 10s to 720h"},
	{AnnotationPoolIdleTimeout, "1h30m", ""},
}
