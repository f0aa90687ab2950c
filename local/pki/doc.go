// Package pki makes the keys and certificates of one embedded platform: an authority of its own, certificates for
// the API server and its clients, the key that signs service account tokens, and kubeconfig files.
//
// Files that are there and good for some time yet are kept, so credentials that a person copied stay valid across
// restarts. Private keys and kubeconfig files are readable by their owner only.
package pki
