package feed

import (
	"encoding/json"

	"google.golang.org/grpc/encoding"
)

// codec sends messages as JSON. It is chosen per server and per call, and never registered globally.
type codec struct{}

var _ encoding.Codec = codec{}

func (codec) Marshal(v any) ([]byte, error)      { return json.Marshal(v) }
func (codec) Unmarshal(data []byte, v any) error { return json.Unmarshal(data, v) }
func (codec) Name() string                       { return "json" }
