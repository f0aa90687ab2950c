// Package feed carries the streams between components over gRPC: the activators' demand and its answers, and
// the status that autoscaler and xds publish.
//
// Messages are the JSON structs of package wire, so there is no generated code; gRPC brings flow control,
// keep-alive and reconnection. A status stream sends every current value first and each change after that,
// and only the newest value of a key to a reader that lags (Topic).
package feed
