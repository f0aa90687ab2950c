// Package peers names the programs that hotpod.dev/perf compares the data plane with. It is a module of its own, so that
// nothing of it is compiled or downloaded by who builds Hotpod; perf builds the programs when it first needs them.
//
//	queue             Knative's queue-proxy as it ships: knative.dev/serving/cmd/queue, configured by its environment
//	knativeactivator  Knative's activator: its throttler and its chain of handlers in a small main, see there
//	knativekpa        Knative's autoscaler, playing loads: what it decides is what autoscaler/law is held against
//	reverseproxy      httputil.ReverseProxy before one backend, and nothing else
//	fasthttpproxy     a fasthttp server that passes each request to a fasthttp client, and nothing else
//
// The versions are those of go.mod and go.sum.
package peers
