// Package image makes container images without a container daemon.
//
// An image is made from a [Recipe]: Debian packages with all that they need, programs that are built from the checkout
// as static binaries, and folders. What comes out depends on nothing but these: the same inputs have the same digest.
//
//	layer 1: the packages' files, cached by the list of their versions
//	layer 2: programs and folders
//
// Every image runs as any user with the group 0 on a read-only root file system: files belong to root and can be read by
// all. Beside an image there is a list of what is in it (CycloneDX).
package image
