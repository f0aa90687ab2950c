// Package dedicated gives functions pods of their own, where the pool gives them pods of their environment.
//
//	executor    pod                                                     becomes hot by
//	newdeploy   the environment's, with the function's resources        fetcher: specialize ∥ queue-proxy: assign
//	            and variables
//	container   the function's spec.podspec and a queue-proxy           queue-proxy: assign
//
// It is package pool with another kind of pool: each function is one, with a template of its own, and no pod is kept warm
// in it. A claim makes a pod and waits until it is ready; everything after that (adoption, drain, broken pods, the
// consequences of restarts) is the pool's, see there. How many pods a function has is the autoscaler's to decide, for
// these as for all others: a minimum is claimed as soon as the function is known.
//
// The pods are in the function's namespace, where the Secrets and ConfigMaps are that they refer to, and the function
// owns them.
package dedicated
