// Package sign protects the control calls that the pool makes to fetcher and queue-proxy.
//
// A function shares its pod's network namespace, so neither the address nor localhost says who calls. Each
// call carries an Ed25519 signature over the pod's UID, the method, the path, the body's hash and an expiry;
// pods hold only the public key, so there is nothing to steal in them. What must stay secret (code, Secrets) is
// sealed by HPKE (RFC 9180) to a key that the pod's fetcher made at its start, so that it stays unread when an
// address was given to another pod meanwhile.
//
// Archives signs URLs of the archive store with the same key: pods get code, and builders hand it over, without
// credentials of the store.
package sign
