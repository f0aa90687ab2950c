// Package kube is the only home of client-go: connections, typed clients, informers, the work loop of reconcilers,
// server-side apply, events, and the adapters by which the parts reach the API server without knowing it.
//
// It holds no rules of the domain. A process makes one Clients and one Cache:
//
//	config, _, err := kube.Load(kube.LoadOptions{})
//	clients, err := kube.NewClients(config)
//	cache := kube.NewCache(clients, kube.CacheOptions{Log: log})
//	cache.Functions().Watch(kube.Handler[*v1.Function]{Set: …, Delete: …})
//	err = cache.Run(ctx)
//
// Typed clients come from gentype over a scheme with the groups that Hotpod uses: the generated clientset would
// register every group of Kubernetes in every process. Informers keep objects without managed fields, without the
// copy that kubectl apply leaves, and without the code of packages, which lies on disk (CodeStore).
package kube
