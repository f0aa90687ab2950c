// Package kubewatcher calls functions when objects of the cluster change, as KubernetesWatchTriggers say.
//
// One replica acts at a time (package leader). Each trigger has a goroutine that watches and puts a call for each change into
// the trigger's event.Queue; while the queue is full it does not read on.
//
//	author may read? ─► list, each object ADDED ─► watch from there ─► … ─► watch broke: from the last change read
//	                         ▲                                              410 Gone: list, and tell what differs
//	                         └── only where status.resourceVersion is empty; else the watch resumes there
//
// The trigger's status holds the resourceVersion up to which every change is delivered or given up, from which a new process
// resumes. What it needs of the cluster is an interface, Cluster; package kube has one.
package kubewatcher
