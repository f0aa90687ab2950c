// Package controller writes what the parts know into the status of the objects, one file per kind:
//
//	packages      ──► buildstatus, BuildSucceeded, Ready
//	functions     ──► PackageReady, Ready; a function follows the package that it names (follow.go)
//	routes        ──► RouteAdmitted, Ready, from what xds says
//	environments  ──► Ready, from the environment's pods
//
// It decides nothing about pods or routes: autoscaler and xds tell it by feeds. Each kind has a pure function from
// facts to status, and a reconciler that gathers the facts and applies the status once, only when it differs. Status
// is applied on the server's side under one field owner, so that nobody else's fields are touched.
package controller
