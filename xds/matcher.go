package xds

import (
	"maps"
	"slices"

	xdscorev3 "github.com/cncf/xds/go/xds/core/v3"
	xdsmatcherv3 "github.com/cncf/xds/go/xds/type/matcher/v3"
	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	matcherv3 "github.com/envoyproxy/go-control-plane/envoy/type/matcher/v3"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
)

// Short names of the matching tree's messages.
type (
	matcher   = xdsmatcherv3.Matcher
	onMatch   = xdsmatcherv3.Matcher_OnMatch
	predicate = xdsmatcherv3.Matcher_MatcherList_Predicate
	rule      = xdsmatcherv3.Matcher_MatcherList_FieldMatcher
)

// Headers that the tree looks at.
const (
	headerMethod        = ":method"
	headerAuthority     = ":authority"
	headerOrigin        = "origin"
	headerRequestMethod = "access-control-request-method"
	// headerPath is set by Envoy itself to the path without its query, which ":path" has.
	headerPath = "x-hotpod-path"
	// headerScope names the table that routes the request.
	headerScope = "x-hotpod-scope"
)

// pack wraps a message. The bytes are the same for the same content, as versions are hashes of them.
func pack(m proto.Message) *anypb.Any {
	return &anypb.Any{TypeUrl: "type.googleapis.com/" + string(m.ProtoReflect().Descriptor().FullName()), Value: marshaled(m)}
}

// act ends the matching with a route.
func act(r *routev3.Route) *onMatch {
	return &onMatch{OnMatch: &xdsmatcherv3.Matcher_OnMatch_Action{
		Action: &xdscorev3.TypedExtensionConfig{Name: "route", TypedConfig: pack(r)},
	}}
}

// goOn continues the matching with m; if m finds nothing, what stands next to it is tried.
func goOn(m *matcher) *onMatch {
	return &onMatch{OnMatch: &xdsmatcherv3.Matcher_OnMatch_Matcher{Matcher: m}}
}

// headerInput reads a request header.
func headerInput(header string) *xdscorev3.TypedExtensionConfig {
	return &xdscorev3.TypedExtensionConfig{Name: "header", TypedConfig: pack(&matcherv3.HttpRequestHeaderMatchInput{HeaderName: header})}
}

// exactly looks a header up among whole values. It returns nil when there are none, as chain allows.
func exactly(header string, values map[string]*onMatch) *matcher {
	if len(values) == 0 {
		return nil
	}
	return tree(header, &xdsmatcherv3.Matcher_MatcherTree{TreeType: &xdsmatcherv3.Matcher_MatcherTree_ExactMatchMap{
		ExactMatchMap: matchMap(values),
	}})
}

// beginning looks the path up among beginnings, longest first. It returns nil when there are none.
func beginning(values map[string]*onMatch) *matcher {
	if len(values) == 0 {
		return nil
	}
	return tree(headerPath, &xdsmatcherv3.Matcher_MatcherTree{TreeType: &xdsmatcherv3.Matcher_MatcherTree_PrefixMatchMap{
		PrefixMatchMap: matchMap(values),
	}})
}

// matchMap holds the entries in the form that they have on the wire, sorted: ten thousand are written a hundred times
// faster so than by the library's way to write a map in the same order each time.
func matchMap(values map[string]*onMatch) *xdsmatcherv3.Matcher_MatcherTree_MatchMap {
	const usualEntry = 256 // bytes
	all, entry := make([]byte, 0, usualEntry*len(values)), []byte{}
	for _, key := range slices.Sorted(maps.Keys(values)) {
		entry = protowire.AppendString(protowire.AppendTag(entry[:0], 1, protowire.BytesType), key)
		entry = protowire.AppendBytes(protowire.AppendTag(entry, 2, protowire.BytesType), marshaled(values[key]))
		all = protowire.AppendBytes(protowire.AppendTag(all, 1, protowire.BytesType), entry)
	}
	m := &xdsmatcherv3.Matcher_MatcherTree_MatchMap{}
	m.ProtoReflect().SetUnknown(all)
	return m
}

// frozen is o in the form that it has on the wire: it can be written again and again for the price of a copy, but no
// longer be read.
func frozen(o *onMatch) *onMatch {
	f := &onMatch{}
	f.ProtoReflect().SetUnknown(marshaled(o))
	return f
}

// marshaled writes m, the same content always in the same way.
func marshaled(m proto.Message) []byte {
	text, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
	if err != nil {
		panic(err) // only for text that is not UTF-8, which ParseRoute refuses
	}
	return text
}

func tree(header string, t *xdsmatcherv3.Matcher_MatcherTree) *matcher {
	t.Input = headerInput(header)
	return &matcher{MatcherType: &xdsmatcherv3.Matcher_MatcherTree_{MatcherTree: t}}
}

// inOrder tries rules one after the other. It returns nil when there are none.
func inOrder(rules ...*rule) *matcher {
	if len(rules) == 0 {
		return nil
	}
	return &matcher{MatcherType: &xdsmatcherv3.Matcher_MatcherList_{MatcherList: &xdsmatcherv3.Matcher_MatcherList{Matchers: rules}}}
}

// chain tries stages one after the other and then last, which may be nil. Nil stages are left out.
func chain(last *onMatch, stages ...*matcher) *onMatch {
	for _, stage := range slices.Backward(stages) {
		if stage != nil {
			stage.OnNoMatch = last
			last = goOn(stage)
		}
	}
	return last
}

// when makes a rule that holds if all conditions do.
func when(then *onMatch, conditions ...*predicate) *rule {
	p := conditions[0]
	if len(conditions) > 1 {
		p = &predicate{MatchType: &xdsmatcherv3.Matcher_MatcherList_Predicate_AndMatcher{
			AndMatcher: &xdsmatcherv3.Matcher_MatcherList_Predicate_PredicateList{Predicate: conditions},
		}}
	}
	return &rule{Predicate: p, OnMatch: then}
}

// is holds if the header has one of the values.
func is(header string, values ...string) *predicate {
	alternatives := make([]*predicate, len(values))
	for i, v := range values {
		alternatives[i] = single(header, &xdsmatcherv3.StringMatcher{MatchPattern: &xdsmatcherv3.StringMatcher_Exact{Exact: v}})
	}
	if len(alternatives) == 1 {
		return alternatives[0]
	}
	return &predicate{MatchType: &xdsmatcherv3.Matcher_MatcherList_Predicate_OrMatcher{
		OrMatcher: &xdsmatcherv3.Matcher_MatcherList_Predicate_PredicateList{Predicate: alternatives},
	}}
}

// matches holds if the expression matches the whole header.
func matches(header, regex string) *predicate {
	return single(header, &xdsmatcherv3.StringMatcher{MatchPattern: &xdsmatcherv3.StringMatcher_SafeRegex{
		SafeRegex: &xdsmatcherv3.RegexMatcher{
			EngineType: &xdsmatcherv3.RegexMatcher_GoogleRe2{GoogleRe2: &xdsmatcherv3.RegexMatcher_GoogleRE2{}}, Regex: regex,
		},
	}})
}

// present holds if the header is there and not empty.
func present(header string) *predicate { return matches(header, ".+") }

func single(header string, value *xdsmatcherv3.StringMatcher) *predicate {
	return &predicate{MatchType: &xdsmatcherv3.Matcher_MatcherList_Predicate_SinglePredicate_{
		SinglePredicate: &xdsmatcherv3.Matcher_MatcherList_Predicate_SinglePredicate{
			Input:   headerInput(header),
			Matcher: &xdsmatcherv3.Matcher_MatcherList_Predicate_SinglePredicate_ValueMatch{ValueMatch: value},
		},
	}}
}
