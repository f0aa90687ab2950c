package perf

import "testing"

func TestReadApplied(t *testing.T) {
	objects, requests, ok := readApplied("5 functions created\n1000 objects in 3.2s, 2005 requests to the API server\n")
	if objects != 1000 || requests != 2005 || !ok {
		t.Error(objects, requests, ok)
	}
	if _, _, ok := readApplied("nothing of the kind"); ok {
		t.Error("read what is not there")
	}
}
