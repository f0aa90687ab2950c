// Package logger keeps what functions write. A Follower reads the logs of the pods it is told of, through whatever opens them, joins
// each line with who wrote it, and stores it with how far it has read, in one transaction. So nothing is stored twice, and after a
// restart nothing is missing that can still be read. Config.Handler answers questions, and an Exporter sends what was stored on as OTLP.
//
// The order of things for one container, which a tail keeps:
//
//	opened ── since what is stored ──► lines ── joined ──► entries ──► writer ──► database
//	   ▲                                                      (batches, with how far the tail is)
//	   └── the connection broke, the container restarted ◄──┘
package logger
