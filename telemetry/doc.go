// Package telemetry is what every part shares to be seen: JSON logs, the debug server with metrics and health,
// and traces that are off until the standard OpenTelemetry variables switch them on.
package telemetry
