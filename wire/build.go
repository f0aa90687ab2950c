package wire

// PortBuilder is where the builder of a builder pod listens, as Fission's does.
const PortBuilder = 8001

// Paths of the control calls to the fetcher of a builder pod. Their bodies are sealed as that of PathSpecialize is.
const (
	PathFetch  = "/v1/fetch"  // POST FetchRequest: puts a source on the volume
	PathPack   = "/v1/pack"   // POST PackRequest → PackResult: packs what was built
	PathUpload = "/v1/upload" // POST UploadRequest: sends what was packed to the archive store
)

// FetchRequest puts a source on the volume of a builder pod.
type FetchRequest struct {
	// Name that the source gets there.
	Name string `json:"name"`
	Code Code   `json:"code"`
	// TimeoutMillis bounds the call.
	TimeoutMillis int64 `json:"timeoutMillis"`
}

// PackRequest packs a file or folder of the volume into one archive.
type PackRequest struct {
	// Name of what was built.
	Name string `json:"name"`
	// Inline is the size in bytes up to which the answer holds the archive itself.
	Inline int64 `json:"inline"`
	// TimeoutMillis bounds the call.
	TimeoutMillis int64 `json:"timeoutMillis"`
}

// PackResult is an archive that was packed. The same files give the same archive.
type PackResult struct {
	// Digest is the lower-case hexadecimal SHA-256 of the archive.
	Digest string `json:"digest"`
	// Size of the archive in bytes.
	Size int64 `json:"size"`
	// Literal is the archive itself, when it is small.
	Literal []byte `json:"literal,omitempty"`
}

// UploadRequest sends an archive that was packed.
type UploadRequest struct {
	// Name that the PackRequest had.
	Name string `json:"name"`
	// Method and URL of the call that takes the archive as its body.
	Method string `json:"method"`
	URL    string `json:"url"`
	// TimeoutMillis bounds the call.
	TimeoutMillis int64 `json:"timeoutMillis"`
}
