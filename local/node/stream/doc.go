// Package stream serves the part of the kubelet's API that the API server calls
// on behalf of kubectl: logs, exec, attach and port-forward.
//
// Sessions come as SPDY, or as WebSockets of the older protocols; those of the
// newer ones the API server translates itself for nodes that do not declare the
// feature ExtendWebSocketsToKubelet. Both are spoken by Kubernetes' own library.
package stream
