package dashboards

// All returns every dashboard.
func All() []Dashboard {
	return []Dashboard{Overview(), Function(), Autoscaling(), Pools(), DataPlane(), Platform()}
}

// Matchers of the functions and environments that the reader has chosen.
const (
	chosen      = `function_namespace=~"$namespace"`
	one         = `function_namespace="$namespace", function="$function"`
	several     = `function_namespace=~"$namespace", function=~"$function"`
	environment = `environment_namespace=~"$namespace", environment=~"$environment"`
)

// name is how a function's series is called.
const name = "{{function_namespace}}/{{function}}"

// Overview says how functions are doing, and what cold starts and pools cost them.
func Overview() Dashboard {
	const by = "function_namespace, function"
	return board("overview", "Overview", "How functions are doing: requests, errors, durations, cold starts, pools.",
		[]Variable{choice("namespace", "Namespace", "hotpod_function_requests_total, function_namespace", true)},
		row{"Now", []panel{
			stat("Requests", "reqps", "Requests that pods finished, and those that the platform failed.",
				"("+rate("", "hotpod_function_requests_total{"+chosen+"}")+") + ("+failures("", chosen)+")"),
			stat("Errors", "percentunit", "Part of the requests that ended with 5xx or failed in the platform.", errorRatio(chosen)),
			stat("Duration p99", "s", "Time inside functions.", quantile(.99, "", "hotpod_function_request_duration_seconds", chosen)),
			stat("Cold requests", "reqps", "Requests that came when their function had no hot pod.", rate("", "hotpod_function_cold_requests_total{"+chosen+"}")),
			stat("Live functions", "none", "Functions that have pods, or had a moment ago.", orZero("count(sum by ("+by+") (hotpod_function_pods{"+chosen+"}))")),
			stat("Hot pods", "none", "Pods that take requests.", orZero(`sum(hotpod_function_pods{`+chosen+`, state="hot"})`)),
		}},
		row{"Functions", []panel{
			graph("Requests", "reqps", "The ten busiest functions.", query{"topk(10, " + rate(by, "hotpod_function_requests_total{"+chosen+"}") + ")", name}),
			graph("Errors", "reqps", "5xx of functions, and requests that the platform failed.",
				query{"topk(10, " + rate(by, `hotpod_function_requests_total{`+chosen+`, code_class="5xx"}`) + ")", name + " 5xx"},
				query{"topk(10, " + failures(by+", reason", chosen) + ")", name + " {{reason}}"}),
			graph("Duration p99", "s", "The ten slowest functions.",
				query{"topk(10, " + quantile(.99, by, "hotpod_function_request_duration_seconds", chosen) + ")", name}),
		}},
		row{"Cold starts", []panel{
			graph("Cold requests", "reqps", "The ten functions with most.", query{"topk(10, " + rate(by, "hotpod_function_cold_requests_total{"+chosen+"}") + ")", name}),
			graph("Hold", "s", "Time that requests waited at activators until a pod took them.", quantiles("hotpod_activator_hold_duration_seconds", "")...),
			graph("Claim by phase, p95", "s", "Of a claim: waiting for a pod, specializing it, of that fetching and loading the code.",
				query{quantile(.95, "phase", "hotpod_pool_claim_duration_seconds", ""), "{{phase}}"}),
		}},
		row{"Pools", []panel{
			graph("Warm pods", "none", "Pods that wait for a function, and how many there shall be.",
				query{`sum by (environment_namespace, environment) (hotpod_pool_pods{state="warm"})`, "{{environment}} warm"},
				query{"sum by (environment_namespace, environment) (hotpod_pool_wanted_pods)", "{{environment}} wanted"}),
			graph("Claims", "ops", "Claims by how they ended.", query{rate("result", "hotpod_pool_claims_total"), "{{result}}"}),
		}})
}

// errorRatio is the part of requests that failed.
func errorRatio(matchers string) string {
	failed := "(" + failures("", matchers) + ")"
	return "((" + rate("", `hotpod_function_requests_total{`+matchers+`, code_class="5xx"}`) + ") + " + failed + ") / clamp_min((" +
		rate("", "hotpod_function_requests_total{"+matchers+"}") + ") + " + failed + ", 1e-9)"
}

// Function shows one function.
func Function() Dashboard {
	return board("function", "Function", "One function: its requests, what the platform did for it, its pods.",
		[]Variable{
			choice("namespace", "Namespace", "hotpod_function_requests_total, function_namespace", false),
			choice("function", "Function", `hotpod_function_requests_total{function_namespace="$namespace"}, function`, false),
		},
		row{"Now", []panel{
			stat("Requests", "reqps", "Requests that its pods finished.", rate("", "hotpod_function_requests_total{"+one+"}")),
			stat("Errors", "percentunit", "Part of the requests that ended with 5xx or failed in the platform.", errorRatio(one)),
			stat("Duration p99", "s", "Time inside the function.", quantile(.99, "", "hotpod_function_request_duration_seconds", one)),
			stat("Concurrency", "none", "Requests in its pods in the last second.", orZero("sum(hotpod_function_concurrency{"+one+"})")),
			stat("Hot pods", "none", "Pods that take requests.", orZero(`sum(hotpod_function_pods{`+one+`, state="hot"})`)),
		}},
		row{"Requests", []panel{
			graph("By status", "reqps", "none: the client went away.", query{rate("code_class", "hotpod_function_requests_total{"+one+"}"), "{{code_class}}"}),
			graph("Failed by the platform", "reqps", "Requests that were answered with an error before or instead of the function.",
				query{orZero(failures("reason", one)), "{{reason}}"}),
			graph("Duration", "s", "Time inside the function.", quantiles("hotpod_function_request_duration_seconds", one)...),
		}},
		row{"Pods", []panel{
			graph("Pods", "none", "Pods by state, and how many are wanted.",
				query{"sum by (state) (hotpod_function_pods{" + one + "})", "{{state}}"},
				query{"sum(hotpod_autoscaler_wanted_pods{" + one + "})", "wanted"}),
			graph("Cold, spilled, refused", "reqps", "Cold requests found no hot pod; refused ones a busy pod; spilled ones went on to the activator.",
				query{rate("", "hotpod_function_cold_requests_total{"+one+"}"), "cold"},
				query{rate("", "hotpod_function_spills_total{"+one+"}"), "spilled"},
				query{rate("", "hotpod_function_refusals_total{"+one+"}"), "refused"}),
			graph("Hold, seconds per second", "none", "Time that requests waited for a pod, per second: how many waited at a time.",
				query{rate("", "hotpod_function_hold_seconds_total{"+one+"}"), "waiting"}),
			graph("Claims", "ops", "Pods that were to become hot.", query{rate("result", "hotpod_function_claims_total{"+one+"}"), "{{result}}"}),
		}})
}

// Autoscaling shows why there are as many pods as there are.
func Autoscaling() Dashboard {
	return board("autoscaling", "Autoscaling", "What is wanted, what there is, and the load from which it follows.",
		[]Variable{
			choice("namespace", "Namespace", "hotpod_function_pods, function_namespace", true),
			choice("function", "Function", `hotpod_function_pods{function_namespace=~"$namespace"}, function`, true),
		},
		row{"Pods", []panel{
			graph("Wanted, by reason", "none", "The reason is the rule that had the last word.", query{"hotpod_autoscaler_wanted_pods{" + several + "}", name + " {{reason}}"}),
			graph("Hot and starting", "none", "What there is.",
				query{`hotpod_function_pods{` + several + `, state=~"hot|starting"}`, name + " {{state}}"}),
			graph("Bounds", "none", "Least pods without load, and most pods.",
				query{"hotpod_autoscaler_minimum_pods{" + several + "}", name + " min"},
				query{"hotpod_autoscaler_maximum_pods{" + several + "}", name + " max"}),
		}},
		row{"Load", []panel{
			graph("Load over the windows", "none", "Stable and panic window, in the function's metric.",
				query{"hotpod_autoscaler_load{" + several + "}", name + " {{window}} {{metric}}"}),
			graph("Load per hot pod and target", "none", "Above the target, pods are added.",
				query{
					`sum by (function_namespace, function) (hotpod_autoscaler_load{` + several + `, window="stable"}) / ` +
						`clamp_min(sum by (function_namespace, function) (hotpod_function_pods{` + several + `, state="hot"}), 1)`, name,
				},
				query{"hotpod_autoscaler_target{" + several + "}", name + " target"}),
			graph("Panicking", "none", "1 while nothing is taken away because the load rose steeply.", query{"hotpod_autoscaler_panicking{" + several + "}", name}),
		}},
		row{"Decisions", []panel{
			graph("Decisions that changed something", "ops", "Of all functions, by reason.", query{rate("reason", "hotpod_autoscaler_decisions_total"), "{{reason}}"}),
			graph("Since the last change", "s", "Age of what is wanted.", query{"time() - hotpod_autoscaler_wanted_changed_timestamp_seconds{" + several + "}", name}),
			graph("Claims", "ops", "By how they ended.", query{rate("result", "hotpod_autoscaler_claims_total"), "{{result}}"}),
			graph("Claim to hot pod", "s", "Time of claims that succeeded.", quantiles("hotpod_autoscaler_claim_duration_seconds", "")...),
		}})
}

// Pools shows environments' warm pods.
func Pools() Dashboard {
	const by = "{{environment_namespace}}/{{environment}}"
	return board("pools", "Pools", "Warm pods of each environment: how many, why, and how fast they come and go.",
		[]Variable{
			choice("namespace", "Namespace", "hotpod_pool_pods, environment_namespace", true),
			choice("environment", "Environment", `hotpod_pool_pods{environment_namespace=~"$namespace"}, environment`, true),
		},
		row{"Pods", []panel{
			graph("By state", "none", "starting, warm, claimed, specializing, hot, draining.", query{"hotpod_pool_pods{" + environment + "}", by + " {{state}}"}),
			graph("Wanted warm pods, by reason", "none", "The larger of the pool's size and what is claimed while new pods start.",
				query{"hotpod_pool_wanted_pods{" + environment + "}", by + " {{reason}}"}),
			graph("Without a node", "none", "Pods that cannot be scheduled.", query{"hotpod_pool_unschedulable_pods{" + environment + "}", by}),
		}},
		row{"Supply", []panel{
			graph("Claims in the busiest moments", "ops", "Claims per second in the busiest 20 seconds of the last five minutes.",
				query{"hotpod_pool_claims_per_second{" + environment + "}", by}),
			graph("Lead", "s", "Time until a claimed pod has a successor, nine times in ten.", query{"hotpod_pool_lead_seconds{" + environment + "}", by}),
			graph("Pod start", "s", "Time from the wish for a pod until it was warm.", quantiles("hotpod_pool_pod_start_duration_seconds", "")...),
			graph("Created and deleted", "ops", "Of all environments.",
				query{rate("", "hotpod_pool_pods_created_total"), "created"},
				query{orZero(rate("reason", "hotpod_pool_pods_deleted_total")), "deleted: {{reason}}"}),
		}},
		row{"Claims", []panel{
			graph("Claims", "ops", "By how they ended.", query{rate("result", "hotpod_pool_claims_total"), "{{result}}"}),
			graph("By phase, p50", "s", "", query{quantile(.5, "phase", "hotpod_pool_claim_duration_seconds", ""), "{{phase}}"}),
			graph("By phase, p99", "s", "", query{quantile(.99, "phase", "hotpod_pool_claim_duration_seconds", ""), "{{phase}}"}),
			graph("Pods of functions' own", "none", "Executor types newdeploy and container.",
				query{orZero("sum by (state) (hotpod_dedicated_pods)"), "{{state}}"}),
		}})
}
