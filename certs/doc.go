// Package certs makes and checks the certificates by which the platform's parts know one another.
//
// Each part has a certificate that names it by a URI (Identity), from an authority of the installation's own. Whoever listens
// says which parts may come, whoever dials which part it wants; names and addresses play no role. Certificates are files in the
// form of a kubernetes.io/tls Secret with ca.crt, whoever made them: Authorities here, or cert-manager. A Source reads them
// again when they change.
//
// Authorities roll without a gap: the next one is trusted by all before it signs anything, and one that signed stays trusted
// until it ends. All of it is a pure function of what there is and the time.
package certs
