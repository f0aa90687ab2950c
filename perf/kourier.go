package perf

// kourierConfig is what Knative's reference ingress, net-kourier, tells its Envoy by default about a service with one
// revision, as far as a request can notice:
//
//   - the access log is on, in Envoy's own format, and streams have no idle timeout
//     (pkg/reconciler/ingress/config: defaultKourierConfig; pkg/envoy/api/http_connection_manager.go);
//   - a route has no timeout, admits WebSockets and leads to weighted clusters
//     (pkg/envoy/api/route.go, weighted_cluster.go);
//   - the revision is named in two headers, set by the weighted cluster (knative.dev/serving v0.50.0,
//     pkg/reconciler/route/resources/ingress.go);
//   - the cluster has the defaults but for the time to connect (pkg/generator/ingress_translator.go,
//     pkg/envoy/api/cluster.go).
//
// The log goes to a pipe, as it does in a container, that is read and thrown away; who reads it is not counted.
//
// Left out, which makes it cheaper than it is: the routes for probes and other services' hosts.
const kourierConfig = `
admin: {address: {socket_address: {address: 127.0.0.1, port_value: ADMIN_PORT}}}
static_resources:
  listeners:
  - address: {socket_address: {address: 127.0.0.1, port_value: LISTENER_PORT}}
    filter_chains:
    - filters:
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: ingress_http
          stream_idle_timeout: 0s
          access_log:
          - name: envoy.file_access_log
            typed_config: {"@type": type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog, path: /dev/stdout}
          route_config:
            name: external_services
            virtual_hosts:
            - name: (default/hello).Rules[0]
              domains: ["*"]
              routes:
              - name: (default/hello).Rules[0].Paths[/]
                match: {prefix: "/"}
                route:
                  timeout: 0s
                  upgrade_configs: [{upgrade_type: websocket, enabled: true}]
                  weighted_clusters:
                    clusters:
                    - name: default/hello
                      weight: 100
                      request_headers_to_add:
                      - {header: {key: Knative-Serving-Revision, value: hello}, append_action: OVERWRITE_IF_EXISTS_OR_ADD}
                      - {header: {key: Knative-Serving-Namespace, value: default}, append_action: OVERWRITE_IF_EXISTS_OR_ADD}
          http_filters:
          - name: envoy.filters.http.router
            typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}
  clusters:
  - name: default/hello
    type: STATIC
    connect_timeout: 5s
    load_assignment:
      cluster_name: default/hello
      endpoints: [{lb_endpoints: [{endpoint: {address: {socket_address: {address: BACKEND_HOST, port_value: BACKEND_PORT}}}}]}]
`
