// Package shard says which of several autoscalers serves a function, and which part of each pool is its own.
//
//	function UID ──► Of ──► 0 … n-1 ──► the autoscaler with --shard i/n
//	                                └──► the activators' stream to it
//
// It is a pure function of the UID and the number of shards, so that everybody who knows the number knows the shard, and
// nobody has to be asked. docs/sharding.md says what is built on it.
package shard
