// Package sandbox starts and speaks to pod init processes: it is the agent's
// side of package podinit. A Launcher starts pods, a Pod starts processes, and
// a Process can be signalled and waited for.
package sandbox
