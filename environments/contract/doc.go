// Package contract tests every runtime in environments/ against the environment contract: the load calls of
// versions 1 and 2 (3 has the same wire), the life of a runtime process, and how requests reach a function.
//
// It holds tests only. A language is a folder beside this one with an image.yaml, and a folder of that name in
// testdata with the same functions as the others; the tests find both and start the runtime as image.yaml says,
// as a real process.
package contract
