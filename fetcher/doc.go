// Package fetcher is the sidecar that turns a warm pod into a hot one: it takes a function's code, puts it on the
// pod's volume and tells the runtime to load it.
//
//	pool ── POST /v1/specialize (signed, sealed) ──► Server
//	                                                   │ judge: one function at one generation in the pod's life
//	                                                   ▼
//	                      files (Secrets, ConfigMaps) → fetch (literal or URL, digest) → unpack (zip, tar.gz)
//	                                                   │                                   to a temporary name, then renamed
//	                                                   ▼
//	                                        runtime: POST /specialize or /v2/specialize
//
// The judge is what keeps two functions from ever meeting in a pod: the first Held that it sees is the pod's for
// life, also when specializing failed. The same Held again waits for, and is told, the same outcome; another is
// answered 409 with the pod's Identity. A fetcher that finds code on the volume when it starts has been restarted
// in a used pod whose function it does not know; it answers 410 and the pod has to go.
//
// Answers of /v1/specialize: 200 SpecializeResult; 401 not signed for this pod; 409 Identity; 410 used pod;
// 422 Failure that is the function's fault (its archive, its code); 502, 504 and 507 Failure that is the
// platform's (code cannot be downloaded, no runtime, volume full), where another pod may do better.
//
// In a builder pod (Config.PackagesDir) it specializes nothing; it brings sources and takes away what is built of them:
// /v1/fetch, /v1/pack and /v1/upload, signed and sealed alike.
//
// It runs beside hostile code, so every input is bounded and archives are unpacked against traversal, links and
// bombs (Limits). It uses the standard library only and knows nothing of Kubernetes.
package fetcher
