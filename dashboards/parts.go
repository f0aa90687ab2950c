package dashboards

// DataPlane shows the way of requests: Envoy, activators, discovery.
func DataPlane() Dashboard {
	const public = `envoy_http_conn_manager_prefix="public"`
	return board("data-plane", "Data plane", "Envoy, activators and discovery: the way of requests.", nil,
		row{"Envoy", []panel{
			graph("Requests by status", "reqps", "What clients got, from functions and from the platform.",
				query{rate("envoy_response_code_class", "envoy_http_downstream_rq_xx{"+public+"}"), "{{envoy_response_code_class}}xx"}),
			graph("Duration", "ms", "From the first byte of the request to the last of the answer, waits included.", quantiles("envoy_http_downstream_rq_time", public)...),
			graph("Active", "none", "Requests and connections.",
				query{"sum(envoy_http_downstream_rq_active{" + public + "})", "requests"},
				query{"sum(envoy_http_downstream_cx_active{" + public + "})", "connections"}),
			graph("Memory and clusters", "none", "Clusters follow the functions called since Envoy started. Memory in MiB.",
				query{"sum by (pod) (envoy_cluster_manager_active_clusters)", "{{pod}} clusters"},
				query{"sum by (pod) (envoy_server_memory_allocated) / 1048576", "{{pod}} MiB"}),
		}},
		row{"Activators", []panel{
			graph("Why requests came", "reqps", "cold: no hot pod. spill: a hot pod refused.", query{rate("reason", "hotpod_activator_arrivals_total"), "{{reason}}"}),
			graph("Waiting", "none", "Requests that no pod has.", query{"sum by (pod) (hotpod_activator_waiting_requests)", "{{pod}}"}),
			graph("Hold", "s", "Time until a pod took the request.", quantiles("hotpod_activator_hold_duration_seconds", "")...),
			graph("How requests ended", "reqps", "", query{rate("result", "hotpod_activator_requests_total"), "{{result}}"}),
			graph("What pods said", "reqps", "Requests sent to pods.", query{rate("result", "hotpod_activator_attempts_total"), "{{result}}"}),
			graph("Spilled part of requests", "percentunit", "More than a few percent: functions are at their limits.",
				query{"(" + rate("", `hotpod_activator_arrivals_total{reason="spill"}`) + ") / clamp_min(" + "sum(rate(envoy_http_downstream_rq_total{" + public + "}[$__rate_interval]))" + ", 1e-9)", "spilled"}),
			graph("Placements", "ops", "News of functions' pods, received from the autoscaler.", query{rate("", "hotpod_activator_placements_total"), "placements"}),
			graph("Connected to the autoscaler", "none", "1 is good.", query{"min by (pod) (hotpod_activator_connected)", "{{pod}}"}),
		}},
		row{"Discovery", []panel{
			graph("Envoys", "none", "Connected to xds.", query{"sum(hotpod_xds_connected_envoys)", "connected"}),
			graph("Routes by state", "none", "", query{"max by (state) (hotpod_xds_routes)", "{{state}}"}),
			graph("Resources sent", "ops", "By type.", query{rate("type", "hotpod_xds_resources_sent_total"), "{{type}}"}),
			graph("Rejections", "ops", "Configuration that an Envoy refused. Each is a bug.", query{rate("", "hotpod_xds_rejections_total"), "rejections"}),
			graph("Rebuild", "s", "Time to build the route tables.", quantiles("hotpod_xds_rebuild_duration_seconds", "")...),
		}})
}

// Platform shows the parts as processes.
func Platform() Dashboard {
	const part = "{{part}} {{pod}}"
	return board("platform", "Platform", "The parts as processes, and what works behind the requests.", nil,
		row{"Processes", []panel{
			graph("Up", "none", "0 while Prometheus cannot read a part.", query{`up{part!=""}`, part}),
			graph("CPU", "none", "Cores.", query{`rate(process_cpu_seconds_total{part!=""}[$__rate_interval])`, part}),
			graph("Memory", "bytes", "Resident.",
				query{`process_resident_memory_bytes{part!=""}`, part}, query{"envoy_server_memory_physical_size", "router {{pod}}"}),
			graph("Goroutines", "none", "", query{`go_goroutines{part!=""}`, part}),
			graph("Open files", "none", "", query{`process_open_fds{part!=""}`, part}),
			graph("Age", "s", "Since the last start.", query{`time() - process_start_time_seconds{part!=""}`, part}),
		}},
		row{"Autoscaler", []panel{
			graph("Tick", "s", "Time to look at every active function once.", quantiles("hotpod_autoscaler_tick_duration_seconds", "")...),
			graph("Reports", "ops", "Read from queue-proxies.", query{rate("", "hotpod_autoscaler_reports_total"), "reports"}),
			graph("Activators", "none", "Whose stream is open.", query{"sum(hotpod_autoscaler_connected_activators)", "connected"}),
			graph("Drains", "ops", "Pods that were too many.", query{rate("", "hotpod_autoscaler_drains_total"), "drains"}),
		}},
		row{"Controller", []panel{
			graph("Reconciles", "ops", "By kind and result.", query{rate("kind, result", "hotpod_controller_reconciles_total"), "{{kind}} {{result}}"}),
			graph("Reconcile p95", "s", "", query{quantile(.95, "kind", "hotpod_controller_reconcile_duration_seconds", ""), "{{kind}}"}),
			graph("Builds", "ops", "Of packages, by result.", query{orZero(rate("result", "hotpod_package_build_duration_seconds_count")), "{{result}}"}),
		}},
		row{"Archives", []panel{
			graph("Size", "bytes", "Of the archives in the store.", query{"sum(hotpod_storage_archives_bytes)", "bytes"}),
			graph("Archives", "none", "", query{"sum(hotpod_storage_archives)", "archives"}),
			graph("Calls", "ops", "", query{orZero(rate("call, code", "hotpod_storage_calls_total")), "{{call}} {{code}}"}),
		}})
}
