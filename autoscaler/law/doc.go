// Package law decides how many hot pods a function shall have. It is pure: no clock, no goroutine, no input or output.
//
//	settings (Spec) ┐
//	memory (State)  ├─► Decide ─► Decision (how many, why), State
//	Observation     │
//	time            ┘
//
// It goes up at once and down with patience. Requests that wait for a pod ask for one immediately; Knative's law (KPA)
// over a stable and a panic window of the reported load asks for as many as the load needs; what was needed lately is
// kept for a while. Rules follow one another, each may change what the ones before it wanted, and the Decision names
// the one that had the last word. Where the rules of Knative and of Fission disagree, docs/scaling.md says which holds
// and why; its tests are in this package.
//
// Who drives it keeps one State and one Windows for each function, records the load once a second, and calls Decide
// with what is seen then, and whenever something happens in between. Settle makes a Spec of a function's fields and
// annotations and of the platform's Defaults; Schedule says what a schedule provisions at a time.
package law
