package xds

import (
	"slices"
	"strings"

	mutationv3 "github.com/envoyproxy/go-control-plane/envoy/config/common/mutation_rules/v3"
	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	earlyv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/http/early_header_mutation/header_mutation/v3"
	stringv3 "github.com/envoyproxy/go-control-plane/envoy/type/matcher/v3"

	"hotpod.dev/wire"
)

// earlyHeaders cleans a request's headers before anything reads them, and notes its path without the query and
// where its matching begins.
func earlyHeaders(listener string) *corev3.TypedExtensionConfig {
	path := "%PATH(NQ:PATH)%"
	switch listener {
	case tableInternal:
		path += "/" // see entry
	case tableServices:
		path = "%REQ(:AUTHORITY)%." // see hostname
	}
	return &corev3.TypedExtensionConfig{
		Name: "envoy.http.early_header_mutation.header_mutation",
		TypedConfig: pack(&earlyv3.HeaderMutation{Mutations: []*mutationv3.HeaderMutation{
			{Action: &mutationv3.HeaderMutation_RemoveOnMatch_{RemoveOnMatch: &mutationv3.HeaderMutation_RemoveOnMatch{
				KeyMatcher: &stringv3.StringMatcher{MatchPattern: &stringv3.StringMatcher_SafeRegex{
					SafeRegex: &stringv3.RegexMatcher{Regex: foreignHeaders(listener)},
				}},
			}}},
			{Action: &mutationv3.HeaderMutation_Append{Append: add(headerPath, path)}},
			{Action: &mutationv3.HeaderMutation_Append{Append: add(headerScope, listener)}},
			{Action: &mutationv3.HeaderMutation_Append{Append: add(wire.HeaderFullURL, "%REQ(:PATH)%")}},
		}}),
	}
}

// add is set for a header that is not there.
func add(header, value string) *corev3.HeaderValueOption {
	return &corev3.HeaderValueOption{Header: &corev3.HeaderValue{Key: header, Value: value}}
}

// foreignHeaders matches the names of headers that clients may not set: the platform's, Envoy's, and Fission's but for
// three, and on the internal listener, where the platform itself calls, that of the timer and the signature. Some languages read "_" in a
// header's name as "-", so both are caught. By "^x" RE2 is done with most names before its machine starts, which makes the
// whole cost half.
func foreignHeaders(listener string) string {
	own := []string{"request-id", "invoke-mode", "debug"}
	if listener == tableInternal {
		own = append(own, "timer-name", "auth-timestamp", "auth-signature", "auth-namespace")
	}
	return `^x(?:[-_](?:hotpod|envoy)[-_].*|_fission[-_].*|-fission_.*|-fission-` + anythingBut(own...) + `)`
}

// anythingBut returns an expression that matches every text but the words. Expressions of Envoy cannot negate, so it
// spells out each way to differ: another first letter, or the same and then not the rest of a word.
func anythingBut(words ...string) string {
	rests := map[byte][]string{}
	var firsts []byte
	var ways []string
	mayEnd := true
	for _, w := range words {
		if w == "" {
			mayEnd = false
			continue
		}
		if rests[w[0]] == nil {
			firsts = append(firsts, w[0])
		}
		rests[w[0]] = append(rests[w[0]], w[1:])
	}
	slices.Sort(firsts)
	if mayEnd {
		ways = append(ways, "")
	}
	if len(firsts) == 0 {
		return "(?:" + strings.Join(append(ways, ".+"), "|") + ")"
	}
	ways = append(ways, "[^"+string(firsts)+"].*")
	for _, c := range firsts {
		ways = append(ways, string(c)+anythingBut(rests[c]...))
	}
	return "(?:" + strings.Join(ways, "|") + ")"
}
