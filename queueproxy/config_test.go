package queueproxy_test

import (
	"strings"
	"testing"

	"hotpod.dev/queueproxy"
	"hotpod.dev/sign"
)

func TestConfig_ValidateNamesAllFaults(t *testing.T) {
	err := queueproxy.Config{RequestAddress: "x", ReplayLimit: -1}.Validate()
	if err == nil {
		t.Fatal("accepted")
	}
	for _, want := range []string{"request address", "control address", "runtime address", "control key", "negative"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not named in %q", want, err)
		}
	}
	signer, _ := sign.NewSigner(sign.GenerateSeed())
	good := queueproxy.Config{RequestAddress: ":1", ControlAddress: ":2", RuntimeAddress: "127.0.0.1:8888", PodUID: "u", ControlKey: signer.PublicKey()}
	if err := good.Validate(); err != nil {
		t.Errorf("a good configuration: %v", err)
	}
}
