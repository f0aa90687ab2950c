package xds

import (
	"fmt"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	tlsv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/transport_sockets/tls/v3"
	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	stringv3 "github.com/envoyproxy/go-control-plane/envoy/type/matcher/v3"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/types/known/anypb"
)

// Files that tell Envoy where its certificate is and whom it trusts. They stay the same; what they name changes, and Envoy
// looks at it again then.
const (
	FileCertificate = "certificate.json"
	FileAuthority   = "authority.json"
)

// identityXDS is how this server's certificate names it; it is that of package certs.
const identityXDS = "spiffe://hotpod/xds"

// SecretFiles returns the files by name, for certificates that lie in the folder as a mounted Secret's do.
func SecretFiles(tlsDir string) (map[string][]byte, error) {
	file := func(name string) *corev3.DataSource {
		return &corev3.DataSource{Specifier: &corev3.DataSource_Filename{Filename: tlsDir + "/" + name}}
	}
	watched := &corev3.WatchedDirectory{Path: tlsDir}
	files := map[string][]byte{}
	for name, secret := range map[string]*tlsv3.Secret{
		FileCertificate: {Name: FileCertificate, Type: &tlsv3.Secret_TlsCertificate{TlsCertificate: &tlsv3.TlsCertificate{
			CertificateChain: file("tls.crt"), PrivateKey: file("tls.key"), WatchedDirectory: watched,
		}}},
		FileAuthority: {Name: FileAuthority, Type: &tlsv3.Secret_ValidationContext{ValidationContext: &tlsv3.CertificateValidationContext{
			TrustedCa: file("ca.crt"), WatchedDirectory: watched,
			MatchTypedSubjectAltNames: []*tlsv3.SubjectAltNameMatcher{{
				SanType: tlsv3.SubjectAltNameMatcher_URI,
				Matcher: &stringv3.StringMatcher{MatchPattern: &stringv3.StringMatcher_Exact{Exact: identityXDS}},
			}},
		}}},
	} {
		text, err := protojson.Marshal(&discoveryv3.DiscoveryResponse{Resources: []*anypb.Any{pack(secret)}})
		if err != nil {
			return nil, fmt.Errorf("write %s: %w", name, err)
		}
		if files[name], err = indent(text); err != nil {
			return nil, err
		}
	}
	return files, nil
}

// secured makes connections to this server by mTLS, with the files in the folder.
func secured(dir string) *corev3.TransportSocket {
	secret := func(name string) *tlsv3.SdsSecretConfig {
		return &tlsv3.SdsSecretConfig{Name: name, SdsConfig: &corev3.ConfigSource{
			ResourceApiVersion: corev3.ApiVersion_V3,
			ConfigSourceSpecifier: &corev3.ConfigSource_PathConfigSource{
				PathConfigSource: &corev3.PathConfigSource{Path: dir + "/" + name},
			},
		}}
	}
	return &corev3.TransportSocket{Name: "envoy.transport_sockets.tls", ConfigType: &corev3.TransportSocket_TypedConfig{
		TypedConfig: pack(&tlsv3.UpstreamTlsContext{Sni: "hotpod", CommonTlsContext: &tlsv3.CommonTlsContext{
			TlsParams:                      &tlsv3.TlsParameters{TlsMinimumProtocolVersion: tlsv3.TlsParameters_TLSv1_3, TlsMaximumProtocolVersion: tlsv3.TlsParameters_TLSv1_3},
			AlpnProtocols:                  []string{"h2"},
			TlsCertificateSdsSecretConfigs: []*tlsv3.SdsSecretConfig{secret(FileCertificate)},
			ValidationContextType: &tlsv3.CommonTlsContext_ValidationContextSdsSecretConfig{
				ValidationContextSdsSecretConfig: secret(FileAuthority),
			},
		}}),
	}}
}
