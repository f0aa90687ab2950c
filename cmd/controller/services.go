package main

import (
	"os"
	"strings"
)

// resolvConf says, in a pod, what the cluster's domain is.
const resolvConf = "/etc/resolv.conf"

// target returns the whole DNS name of what functions' Services are aliases of, "" when they have none. The cluster's domain is
// that of resolver, a file as resolv.conf.
func (o options) target(resolver string) string {
	if strings.Count(o.serviceTarget, ".") != 1 {
		return o.serviceTarget
	}
	text, err := os.ReadFile(resolver)
	if err != nil {
		text = nil
	}
	return o.serviceTarget + ".svc." + clusterDomain(string(text))
}

// clusterDomain returns the domain that the kubelet gave the pod to search, or the usual one.
func clusterDomain(resolver string) string {
	for line := range strings.Lines(resolver) {
		words := strings.Fields(line)
		if len(words) == 0 || words[0] != "search" {
			continue
		}
		for _, word := range words[1:] {
			if domain, ok := strings.CutPrefix(word, "svc."); ok {
				return strings.TrimSuffix(domain, ".")
			}
		}
	}
	return "cluster.local"
}
