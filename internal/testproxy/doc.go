// Package testproxy helps tests of forwarding: runtimes that count what is inside them or answer byte by byte,
// clients that send byte by byte, and a bubble of fake time that fasthttp survives.
package testproxy
