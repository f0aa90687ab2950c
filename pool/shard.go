package pool

import (
	"strconv"

	corev1 "k8s.io/api/core/v1"

	"hotpod.dev/wire"
)

// marked labels a new pod as made by this shard.
func (c *Config) marked(pod *corev1.Pod) *corev1.Pod {
	if !c.Shard.Alone() {
		pod.Labels[wire.LabelShard] = strconv.Itoa(c.Shard.Index)
	}
	return pod
}

// owns says whether a pod is this shard's: one that holds a function is its function's shard's, any other the one's that
// made it. So of all shards exactly one has a pod, also one that no shard made, or one that is no more.
func (c *Config) owns(labels map[string]string) bool {
	if c.Shard.Alone() {
		return true
	}
	if uid := labels[wire.LabelFunctionUID]; uid != "" {
		return c.Shard.Has(uid)
	}
	maker, _ := strconv.Atoi(labels[wire.LabelShard])
	return max(maker, 0)%c.Shard.Of == c.Shard.Index
}

// part returns this shard's part of a number of pods. Pods of a function's own are all its shard's.
func (p *Pool) part(pods int) int {
	if p.cfg.Own {
		return pods
	}
	return p.cfg.Shard.Part(pods)
}
