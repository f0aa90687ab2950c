package v1

import (
	"strings"
	"testing"
	"time"
)

func annotated(name, value string) *Environment {
	e := &Environment{Spec: EnvironmentSpec{Version: 3, Poolsize: 3, Runtime: Runtime{Image: "i"}}}
	e.Name, e.Annotations = "e", map[string]string{name: value}
	return e
}

func TestEnvironment_WrongPoolSettingsAreNamed(t *testing.T) {
	for _, c := range WrongPools {
		_, err := annotated(c.Name, c.Value).PoolSettings()
		if (err == nil) != (c.Says == "") || err != nil && !strings.Contains(err.Error(), c.Says) {
			t.Errorf("%s %q: %v, want %q", c.Name, c.Value, err, c.Says)
		}
		if valid := annotated(c.Name, c.Value).Validate() == nil; valid != (c.Says == "") {
			t.Errorf("%s %q: valid %v", c.Name, c.Value, valid)
		}
	}
}

func TestEnvironment_PoolSettingsThatAreRightHoldBesideWrongOnes(t *testing.T) {
	e := annotated(AnnotationMaxPods, "many")
	e.Annotations[AnnotationMaxPoolSize], e.Annotations[AnnotationPoolIdleTimeout] = "2", "1h30m"
	s, err := e.PoolSettings()
	if want := (PoolSettings{MaxPoolSize: 3, IdleTimeout: 90 * time.Minute}); s != want || err == nil {
		t.Errorf("settings %+v, want %+v; error %v", s, want, err)
	}
}
