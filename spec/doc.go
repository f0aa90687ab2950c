// Package spec describes an application as files: a folder of YAML (./specs by convention) with environments, packages,
// functions and routes, the archives to be made of the user's files, and a DeploymentConfig that says to which
// application the objects belong.
//
//	app, err := spec.Read(dir, spec.Options{Namespace: "default"}) // files → items, with file and line
//	warnings, err := app.Check()                                   // faults, references, conflicts
//	plan := spec.NewPlan(app, live)                                // items and what there is → what to do
//
// It only reads files and computes: it does not talk to a cluster, and the same files and objects give the same plan.
// Whoever carries a plan out applies a whole Item on the server, with FieldManager as its owner: fields that are no longer
// declared go away, those that others own (what a builder wrote, what an operator labelled) stay.
//
// Ownership is in two annotations, the same as Fission's: AnnotationName and AnnotationUID. Objects of another UID, or of
// none, are never changed unless the user allows it.
package spec
