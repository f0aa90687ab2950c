package main

import (
	"context"
	"errors"
	"os"
	"sync"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/exporter"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

// config of the exporter "lines".
type config struct {
	// Path of the file.
	Path string `mapstructure:"path"`
}

// lines is an exporter that appends each batch to a file, as one line of OTLP in JSON.
func lines() exporter.Factory {
	return exporter.NewFactory(component.MustNewType("lines"), func() component.Config { return &config{} },
		exporter.WithTraces(func(_ context.Context, _ exporter.Settings, c component.Config) (exporter.Traces, error) {
			return newFile(c)
		}, component.StabilityLevelDevelopment),
		exporter.WithLogs(func(_ context.Context, _ exporter.Settings, c component.Config) (exporter.Logs, error) {
			return newFile(c)
		}, component.StabilityLevelDevelopment))
}

// file is the exporter. It is opened for each batch: there are few.
type file struct {
	path string
	mu   sync.Mutex
}

func newFile(c component.Config) (*file, error) {
	settings, ok := c.(*config)
	if !ok || settings.Path == "" {
		return nil, errors.New("the exporter lines needs a path")
	}
	return &file{path: settings.Path}, nil
}

func (*file) Start(context.Context, component.Host) error { return nil }
func (*file) Shutdown(context.Context) error              { return nil }
func (*file) Capabilities() consumer.Capabilities         { return consumer.Capabilities{} }

func (f *file) ConsumeTraces(_ context.Context, t ptrace.Traces) error {
	line, err := (&ptrace.JSONMarshaler{}).MarshalTraces(t)
	return errors.Join(err, f.append(line))
}

func (f *file) ConsumeLogs(_ context.Context, l plog.Logs) error {
	line, err := (&plog.JSONMarshaler{}).MarshalLogs(l)
	return errors.Join(err, f.append(line))
}

func (f *file) append(line []byte) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	out, err := os.OpenFile(f.path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = out.Write(append(line, '\n'))
	return errors.Join(err, out.Close())
}
