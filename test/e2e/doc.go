// Package e2e holds the tests that only a real cluster can pass or fail: users and rights, evictions, images that cannot
// be pulled, quotas. run.sh makes the cluster, installs Hotpod and runs them after the stories of package test.
package e2e
