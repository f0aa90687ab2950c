// Package command is the command line of hotpod-local: up, down, reset, status, env and image. The hotpod program passes
// its "local" commands on to it as they are.
package command
