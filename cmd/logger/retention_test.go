package main

import (
	"cmp"
	"log/slog"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"

	"hotpod.dev/internal/manifesttest"
	"hotpod.dev/logstore"
	"hotpod.dev/timelines/store"
)

func TestRetention_TakesSettingsAllOrNone(t *testing.T) {
	flags := bounds{logstore.Retention{Age: time.Hour, Bytes: 100}, 10}
	r := newRetention(flags, slog.New(slog.DiscardHandler))
	h := r.handler()
	set := func(settings map[string]string) { h.Set(&corev1.ConfigMap{Data: settings}) }
	want := func(age time.Duration, bytes, timelines int64) {
		t.Helper()
		if r.lines() != (logstore.Retention{Age: age, Bytes: bytes}) || r.timelines() != (store.Bounds{Age: age, Count: timelines}) {
			t.Errorf("kept is %+v and %+v", r.lines(), r.timelines())
		}
	}
	want(time.Hour, 100, 10)
	set(map[string]string{"keep-age": "24h\n", "timelines": "5", "_example": "keep-age: x", "other": "1"})
	want(24*time.Hour, 100, 5)
	for _, bad := range []map[string]string{{"keep-age": "a week"}, {"keep-age": "-1h"}, {"keep-bytes": "2GB"}, {"timelines": "-1"}} {
		bad["keep-bytes"] = cmp.Or(bad["keep-bytes"], "7")
		set(bad)
		want(24*time.Hour, 100, 5)
	}
	set(map[string]string{"keep-bytes": "0"})
	want(time.Hour, 0, 10)
	h.Delete(nil)
	want(time.Hour, 100, 10)
}

func TestRetention_ExampleIsTaken(t *testing.T) {
	for _, o := range manifesttest.Render(t, "kubernetes", nil) {
		if o.GetKind() != "ConfigMap" || o.GetName() != configMapRetention {
			continue
		}
		data, _ := o.Object["data"].(map[string]any)
		example, _ := data["_example"].(string)
		settings := map[string]string{}
		if err := yaml.Unmarshal([]byte(example), &settings); err != nil {
			t.Fatal(err)
		}
		parsed, unknown, err := bounds{}.parse(settings)
		if err != nil || len(unknown) > 0 || parsed.lines.Age == 0 || parsed.lines.Bytes == 0 || parsed.timelines == 0 {
			t.Errorf("%v give %+v, %v, %v", settings, parsed, unknown, err)
		}
		return
	}
	t.Error("there is none")
}
