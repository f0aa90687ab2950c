package dashboards

import (
	"slices"
	"time"
)

// Alert is one alerting rule. Its runbook is docs/runbooks/<Name>.md.
type Alert struct {
	Name     string
	Expr     string
	For      time.Duration
	Severity string
	// Summary and Description are for whoever is called.
	Summary, Description string
}

// Alerts returns every rule.
func Alerts() []Alert {
	return slices.Concat(pathAlerts(), functionAlerts(), podAlerts(), controlAlerts())
}

// pathAlerts are of the parts that requests need.
func pathAlerts() []Alert {
	return []Alert{
		{
			"HotpodPartDown", `up{part!=""} == 0`, 5 * time.Minute, "critical",
			"Part {{ $labels.part }} of Hotpod cannot be read",
			"Prometheus could not read {{ $labels.pod }} ({{ $labels.part }}) for five minutes.",
		},
		{
			"HotpodNoEnvoy", `sum(hotpod_xds_connected_envoys) == 0`, 2 * time.Minute, "critical",
			"No Envoy is connected to xds",
			"Routes, functions and pods that change are not served any more; what Envoys have goes on.",
		},
		{
			"HotpodActivatorCutOff", `min by (pod) (hotpod_activator_connected) == 0`, 2 * time.Minute, "critical",
			"Activator {{ $labels.pod }} does not reach every autoscaler",
			"Cold requests that come to this activator wait and then fail; hot pods go on.",
		},
		{
			"HotpodRejectedConfiguration", `sum(increase(hotpod_xds_rejections_total[10m])) > 0`, 0, "critical",
			"An Envoy refused its configuration",
			"Changes of the refused type are not served. It is a bug, or an Envoy that is too old.",
		},
	}
}

// functionAlerts are of how functions answer, and how long that takes.
func functionAlerts() []Alert {
	return []Alert{
		{
			"HotpodFailures", `sum by (function_namespace, function, reason) (rate(hotpod_function_failures_total[5m]) or rate(hotpod_xds_function_failures_total[5m])) > 0.05`,
			5 * time.Minute, "warning",
			"Requests of {{ $labels.function_namespace }}/{{ $labels.function }} fail in the platform: {{ $labels.reason }}",
			"{{ $value | humanize }} requests per second get an error in place of the function's answer.",
		},
		{
			"HotpodFunctionErrors", `sum by (function_namespace, function) (rate(hotpod_function_requests_total{code_class="5xx"}[5m]))` +
				` / sum by (function_namespace, function) (rate(hotpod_function_requests_total[5m])) > 0.05` +
				` and sum by (function_namespace, function) (rate(hotpod_function_requests_total[5m])) > 0.1`,
			10 * time.Minute, "warning",
			"{{ $labels.function_namespace }}/{{ $labels.function }} answers with 5xx",
			"{{ $value | humanizePercentage }} of its answers are 5xx.",
		},
		{
			"HotpodColdStartsSlow", `histogram_quantile(0.95, sum by (le) (rate(hotpod_activator_hold_duration_seconds_bucket[10m]))) > 5`,
			10 * time.Minute, "warning",
			"Requests wait long for a pod",
			"One request in twenty of those that had to wait waits {{ $value | humanizeDuration }} or longer.",
		},
	}
}

// podAlerts are of pods that are missing.
func podAlerts() []Alert {
	return []Alert{
		{
			"HotpodPoolEmpty", `sum by (environment_namespace, environment) (hotpod_pool_pods{state="warm"}) == 0` +
				` and sum by (environment_namespace, environment) (hotpod_pool_wanted_pods) > 0`,
			5 * time.Minute, "warning",
			"Environment {{ $labels.environment_namespace }}/{{ $labels.environment }} has no warm pod",
			"There shall be warm pods and there was none for five minutes: every cold start waits for a new pod.",
		},
		{
			"HotpodPodsUnschedulable", `sum by (environment_namespace, environment) (hotpod_pool_unschedulable_pods) > 0`,
			10 * time.Minute, "warning",
			"Pods of {{ $labels.environment_namespace }}/{{ $labels.environment }} find no node",
			"{{ $value }} pods wait for a node.",
		},
		{
			"HotpodAtMaximum", `hotpod_function_pods{state="hot"} >= ignoring(state) hotpod_autoscaler_maximum_pods` +
				` and ignoring(state) rate(hotpod_function_refusals_total[5m]) > 1`,
			10 * time.Minute, "warning",
			"{{ $labels.function_namespace }}/{{ $labels.function }} has all the pods it may have, and is full",
			"Requests wait for a free pod.",
		},
	}
}

// controlAlerts are of the parts that decide.
func controlAlerts() []Alert {
	return []Alert{
		{
			"HotpodReconcilesFail", `sum by (kind) (rate(hotpod_controller_reconciles_total{result="error"}[10m])) > 0.1`,
			15 * time.Minute, "warning",
			"Objects of kind {{ $labels.kind }} cannot be reconciled",
			"{{ $value | humanize }} attempts per second fail; conditions of such objects are old.",
		},
		{
			"HotpodNoLeader", `max(hotpod_autoscaler_leading) == 0`, 2 * time.Minute, "critical",
			"No autoscaler leads",
			"Nothing is drained and, when no autoscaler runs at all, nothing starts.",
		},
	}
}

// runbooks is where the runbooks are read.
const runbooks = "https://hotpod.dev/docs/runbooks/"

// PrometheusRule returns the alerts as an object of the Prometheus Operator.
func PrometheusRule() map[string]any { return ruleOf(Alerts()) }

func ruleOf(alerts []Alert) map[string]any {
	rules := make([]any, 0, len(alerts))
	for _, a := range alerts {
		rule := map[string]any{
			"alert": a.Name, "expr": a.Expr,
			"labels": map[string]any{"severity": a.Severity},
		}
		if a.Summary != "" {
			rule["annotations"] = map[string]any{"summary": a.Summary, "description": a.Description, "runbook_url": runbooks + a.Name + ".md"}
		}
		if a.For > 0 {
			rule["for"] = a.For.String()
		}
		rules = append(rules, rule)
	}
	return map[string]any{
		"apiVersion": "monitoring.coreos.com/v1", "kind": "PrometheusRule",
		"metadata": map[string]any{"name": "hotpod", "namespace": "fission", "labels": map[string]any{"app.kubernetes.io/part-of": "hotpod"}},
		"spec":     map[string]any{"groups": []any{map[string]any{"name": "hotpod", "rules": rules}}},
	}
}
