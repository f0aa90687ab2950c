// Package perf measures the platform side by side with what it is compared to, in one run on one machine.
//
// A scenario measures contestants in turn, repeats that, and gives rows: the minimum, median and maximum of one metric of
// one contestant. Rows are shown as a table, written as JSON and put into the docs. Goals are ratios or differences of
// rows of one run, kept in goals.yaml; no goal is an absolute figure remembered from elsewhere.
//
//	Load        the load generator: closed loop, or open loop at a rate, free of coordinated omission
//	Session     the platform under test: API server, router, programs
//	scenarios   all that can be measured: to add one, add a line there and a file
//	contest     contestants that live one after another, each on the same courses
//	simulate    not a measurement: a trace in virtual time, against our law and the rules of others
//	peers       other people's programs, built from the module in perf/peers
//	Results     rows, table, JSON
//	Goals       what is wanted of the rows
//
// It sends requests to loopback addresses only, and each load is bounded in time.
package perf
