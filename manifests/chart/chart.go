// Package chart is the Helm chart of the platform, which "hotpod install" renders too; see package install. It is made from the
// manifests beside it.
package chart

import "embed"

//go:generate go run ../../hack/chart -source ../..

// Files is the chart: Chart.yaml, values.yaml, values.schema.json, templates.
//
//go:embed Chart.yaml values.yaml values.schema.json all:templates
var Files embed.FS
