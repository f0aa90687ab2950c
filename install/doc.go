// Package install says what an installation consists of: values that people choose, checked against a schema, become the objects
// of the Helm chart in manifests/chart. It is a small renderer of that chart and no Helm: the chart uses only the few functions
// that render.go knows, and a test compares both for several values.
//
// All here is pure. The command line talks to the cluster: it applies the objects in the order of Sort, keeps an Inventory in the
// platform's namespace, and deletes what a later version has no more (Inventory.Gone).
package install
