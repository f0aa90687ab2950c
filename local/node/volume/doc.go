// Package volume computes what secret, configMap, downwardAPI and projected
// volumes hold (payload.go, fields.go: pure) and writes it so that a container
// sees either the old files or the new ones, never a mixture (write.go).
package volume
