package wire

// PathImages is where the archive store takes code out of images: POST ImageCode → ImageArchive, signed for ControlStorage.
const PathImages = "/v1/images"

// ControlStorage stands in signed control calls for the archive store, as a pod's UID does for a pod.
const ControlStorage = "storagesvc"

// ImageCode is code in an OCI image.
type ImageCode struct {
	// Image is a reference with a tag or a digest.
	Image string `json:"image"`
	// Digest that the image must have, "sha256:…"; "" takes what the reference means now.
	Digest string `json:"digest,omitempty"`
	// SubPath of the code in the image; "" is everything.
	SubPath string `json:"subPath,omitempty"`
	// PullSecrets are contents of Secrets of type kubernetes.io/dockerconfigjson.
	PullSecrets [][]byte `json:"pullSecrets,omitempty"`
	// Package tells packages, and generations of one, apart: in each, a tag means one image. It is not sent.
	Package string `json:"-"`
}

// ImageArchive is what an image's code became.
type ImageArchive struct {
	// ID of the archive.
	ID string `json:"id"`
	// Digest of the image: what a tag meant.
	Digest string `json:"digest"`
}
