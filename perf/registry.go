package perf

import (
	"context"
	"flag"
	"log/slog"
)

// scenario is something that can be measured. A new one is a line in scenarios and a file of its own.
type scenario struct {
	name, about string
	// flags adds the scenario's own flags; nil for none.
	flags func(*Config, *flag.FlagSet)
	// operand is where the argument goes that may stand before the flags; nil for none.
	operand func(*Config) *string
	// Exactly one of the two runs it: platform with a platform that all such scenarios share, alone without.
	platform func(context.Context, *Session, *Results) error
	alone    func(context.Context, Config, *Results, *slog.Logger) error
	// ownNetwork runs it where nothing else listens: its contestants have fixed ports.
	ownNetwork bool
	// peers are compared with: they are built where there is a way to their modules, outside of a network of its own.
	peers bool
	// byName leaves it out of "all".
	byName bool
}

// scenarios are those that there are, in the order of "all": those that need no platform first, so that none disturbs
// them.
func scenarios() []scenario {
	return []scenario{
		{name: "up", about: "start of the platform until it is ready", flags: (*Config).upFlags, alone: Up},
		{name: "queueproxy", about: "our queue-proxy beside Knative's and bare proxies", flags: (*Config).contestFlags, alone: QueueProxy, ownNetwork: true, peers: true},
		{name: "activator", about: "our activator beside Knative's", alone: Activator, ownNetwork: true, peers: true},
		{name: "chain", about: "Envoy with our queue-proxy beside Envoy with Knative's parts and Envoy alone", alone: Chain, ownNetwork: true, peers: true},
		{name: "routes", about: "many functions and routes: Envoy's memory and start, time until a change counts", flags: (*Config).routesFlags, alone: Routes, ownNetwork: true},
		{name: "autoscaler", about: "the autoscaler with its pool before thousands of simulated pods: tick, reports, memory, decisions", flags: (*Config).autoscalerFlags, alone: Autoscaler, ownNetwork: true},
		{name: "claims", about: "cold starts in a second through activator and autoscaler, before simulated pods", flags: (*Config).claimsFlags, alone: Claims, ownNetwork: true},
		{name: "memory", about: "resident memory of every process at rest", platform: inFirstLanguage(Memory)},
		{name: "cold", about: "first requests of distinct functions, beside the runtime's own load", flags: (*Config).coldFlags, platform: inEachLanguage(Cold)},
		{name: "warm", about: "throughput and latency through the router, beside Envoy alone", flags: (*Config).warmFlags, platform: inEachLanguage(Warm)},
		{name: "burst", about: "many clients at once of a function that has no pod", flags: (*Config).burstFlags, platform: inFirstLanguage(Burst)},
		{name: "projects", about: "many objects applied from files; a large source uploaded, built and called", flags: (*Config).projectsFlags, platform: inFirstLanguage(Projects)},
		{name: "fairness", about: "half as many clients again as a function has slots; none waits twice the median", flags: (*Config).fairnessFlags, alone: Fairness, ownNetwork: true, byName: true},
		{name: "logs", about: "lines kept up with by the logger, of simulated pods that write through real streams", flags: (*Config).logsFlags, alone: Logs, ownNetwork: true, byName: true},
		{name: "footprint", about: "memory of an installation's components in a cluster, at rest and with many functions", flags: (*Config).footprintFlags, platform: inFirstLanguage(Footprint), byName: true},
		{name: "soak", about: "a load while everything is disturbed; no request may be lost", flags: (*Config).soakFlags, alone: Soak, byName: true},
		{name: "simulate", about: "a trace of requests in virtual time: our law and pool beside Knative's and Fission's rules", flags: (*Config).simulateFlags, operand: (*Config).trace, alone: Simulate, byName: true},
	}
}

// names of the scenarios, those of "all" or every one.
func names(all bool) []string {
	var found []string
	for _, s := range scenarios() {
		if !all || !s.byName {
			found = append(found, s.name)
		}
	}
	return found
}

// scenarioOf returns the scenario of a name.
func scenarioOf(name string) (scenario, bool) {
	for _, s := range scenarios() {
		if s.name == name {
			return s, true
		}
	}
	return scenario{}, false
}
