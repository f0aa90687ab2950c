// Package dashboards is what people see of Hotpod's metrics: the catalog of all metrics (docs/metrics.md), Grafana's
// dashboards, and pictures of them. All are values made from code, so that a query is checked before it is shown:
// `go generate ./dashboards` writes the files, tests compare them, and the platform's tests run every query against a real
// Prometheus.
package dashboards

//go:generate go run ../hack/dashboards
