// Package generic is the part of a runtime's life that the runtimes written in Go share: its settings, the load call of the
// environment contract, and an orderly end. A process is generic until one load call succeeded; from then on every request
// but /healthz is the function's. A load that fails leaves it generic.
//
//	settings, err := generic.ReadSettings(os.Getenv)
//	listener, err := net.Listen("tcp", settings.Address)
//	err = generic.Serve(ctx, listener, generic.New(settings, loader))
//
// It uses the standard library only, so that runtimes stay small and start at once.
package generic
