// Package images maps image names to what the embedded node runs for them. There are no containers, so an image is a
// folder with a command:
//
//   - the runtimes of the checkout: each environments/*/image.yaml says under which names its folder is known;
//   - the builders of the checkout: each environments/*/builder/image.yaml; its folder holds the script "build", which the
//     program hotpod/builder runs on sources;
//   - folders that the person added by "hotpod local image add NAME DIR" (with an image.yaml, or a command given there),
//     kept in a file of the data directory; they win over the checkout's names;
//   - Hotpod's own programs: hotpod/NAME is the file NAME in one of the folders of programs.
//
// A name matches with any tag or digest, and also without "docker.io/" and "library/", as a person would expect.
package images
