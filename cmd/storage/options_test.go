package main

import (
	"io"
	"strings"
	"testing"
)

func TestParse_NamesEveryFault(t *testing.T) {
	_, err := parse([]string{"--address=here", "--s3-endpoint=http://s3", "--max-archive=0", "--max-bytes=-1", "--grace=0s"},
		func(string) string { return "" }, io.Discard)
	if err == nil {
		t.Fatal("it was accepted")
	}
	for _, want := range []string{"--address", "--dir", "--s3-bucket", "--max-archive", "--max-bytes", "--grace"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not name %s", err, want)
		}
	}
}

func TestParse_TakesTheEnvironment(t *testing.T) {
	o, err := parse(nil, func(name string) string {
		return map[string]string{
			"HOTPOD_DIR": "/archives", "HOTPOD_S3_ENDPOINT": "http://s3", "HOTPOD_S3_BUCKET": "b", "AWS_ACCESS_KEY_ID": "key",
			"POD_NAMESPACE": "platform", "HOTPOD_REQUIRE_AUTH": "true",
		}[name]
	}, io.Discard)
	if err != nil || o.s3.Endpoint != "http://s3" || o.s3.AccessKey != "key" || o.componentNamespace != "platform" || !o.config.RequireAuth {
		t.Errorf("options are %+v, %v", o, err)
	}
}
