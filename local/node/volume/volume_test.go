package volume

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// fixed is a source with one secret and one config map.
type fixed struct{}

func (fixed) Secret(_, name string) (*corev1.Secret, error) {
	if name != "s" {
		return nil, apierrors.NewNotFound(schema.GroupResource{}, name)
	}
	return &corev1.Secret{Data: map[string][]byte{"key": []byte("secret")}}, nil
}

func (fixed) ConfigMap(_, name string) (*corev1.ConfigMap, error) {
	switch name {
	case "c":
		return &corev1.ConfigMap{Data: map[string]string{"a": "A"}, BinaryData: map[string][]byte{"b": {0}}}, nil
	case "forbidden":
		return nil, errors.New("forbidden")
	}
	return nil, apierrors.NewNotFound(schema.GroupResource{}, name)
}

func (fixed) Token(_ *corev1.Pod, audience string, _ int64) (string, error) {
	return audience + "-token", nil
}

func pod() *corev1.Pod {
	p := &corev1.Pod{}
	p.Name, p.Namespace, p.UID = "p", "ns", "u"
	p.Labels = map[string]string{"b": `say "x"`, "a": "1"}
	p.Status.PodIP, p.Status.PodIPs = "1.2.3.4", []corev1.PodIP{{IP: "1.2.3.4"}}
	p.Spec.Containers = []corev1.Container{{Name: "c", Resources: corev1.ResourceRequirements{
		Limits: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("1500m"), corev1.ResourceMemory: resource.MustParse("1500Ki")},
	}}}
	return p
}

func items(keyPath ...string) []corev1.KeyToPath {
	var all []corev1.KeyToPath
	for i := 0; i < len(keyPath); i += 2 {
		all = append(all, corev1.KeyToPath{Key: keyPath[i], Path: keyPath[i+1]})
	}
	return all
}

func TestCompute(t *testing.T) {
	for name, c := range map[string]struct {
		source corev1.VolumeSource
		want   map[string]string
		fault  string
	}{
		"secret":               {source: corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: "s"}}, want: map[string]string{"key": "secret"}},
		"config map":           {source: configMapSource("c", false), want: map[string]string{"a": "A", "b": "\x00"}},
		"items":                {source: configMapSource("c", false, "a", "x/y"), want: map[string]string{"x/y": "A"}},
		"missing":              {source: configMapSource("none", false), fault: `configmap "none" not found`},
		"missing, optional":    {source: configMapSource("none", true), want: map[string]string{}},
		"unreadable, optional": {source: configMapSource("forbidden", true), fault: `read configmap "forbidden": forbidden`},
		"missing key":          {source: configMapSource("c", false, "z", "z"), fault: `configmap "c" has no key "z"`},
		"missing key optional": {source: configMapSource("c", true, "z", "z"), want: map[string]string{}},
		"path out":             {source: configMapSource("c", false, "a", "x/../../y"), fault: "must not contain two dots"},
		"path absolute":        {source: configMapSource("c", false, "a", "/etc/passwd"), fault: "must be relative"},
		"path of ours":         {source: configMapSource("c", false, "a", "..data"), fault: "not begin with two dots"},
		"downward": {source: corev1.VolumeSource{DownwardAPI: &corev1.DownwardAPIVolumeSource{Items: []corev1.DownwardAPIVolumeFile{
			{Path: "labels", FieldRef: &corev1.ObjectFieldSelector{FieldPath: "metadata.labels"}},
			{Path: "cpu", ResourceFieldRef: &corev1.ResourceFieldSelector{ContainerName: "c", Resource: "limits.cpu"}},
		}}}, want: map[string]string{"labels": "a=\"1\"\nb=\"say \\\"x\\\"\"", "cpu": "2"}},
		"projected": {source: corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{Sources: []corev1.VolumeProjection{
			{Secret: &corev1.SecretProjection{LocalObjectReference: corev1.LocalObjectReference{Name: "s"}}},
			{ConfigMap: &corev1.ConfigMapProjection{LocalObjectReference: corev1.LocalObjectReference{Name: "c"}, Items: items("a", "key")}},
			{ServiceAccountToken: &corev1.ServiceAccountTokenProjection{Audience: "aud", Path: "token"}},
		}}}, want: map[string]string{"key": "A", "token": "aud-token"}},
		"nothing": {source: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}, fault: "no content"},
	} {
		payload, err := Compute(c.source, pod(), fixed{})
		if c.fault != "" {
			if err == nil || !strings.Contains(err.Error(), c.fault) {
				t.Errorf("%s: error %v, want %s", name, err, c.fault)
			}
			continue
		}
		got := map[string]string{}
		for path, file := range payload {
			got[path] = string(file.Data)
		}
		if err != nil || !maps.Equal(got, c.want) {
			t.Errorf("%s: got %q, %v; want %q", name, got, err, c.want)
		}
	}
}

func configMapSource(name string, optional bool, keyPath ...string) corev1.VolumeSource {
	return corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{
		LocalObjectReference: corev1.LocalObjectReference{Name: name}, Optional: &optional, Items: items(keyPath...),
	}}
}

func TestCompute_Modes(t *testing.T) {
	source := configMapSource("c", false, "a", "a", "b", "b")
	source.ConfigMap.DefaultMode = new(int32(0o400))
	source.ConfigMap.Items[1].Mode = new(int32(0o755))
	payload, err := Compute(source, pod(), fixed{})
	if err != nil || payload["a"].Mode != 0o400 || payload["b"].Mode != 0o755 {
		t.Errorf("payload %v, %v", payload, err)
	}
}

func TestPodField(t *testing.T) {
	for path, want := range map[string]string{
		"metadata.name": "p", "metadata.namespace": "ns", "metadata.uid": "u", "metadata.labels['a']": "1",
		"metadata.labels['none']": "", "status.podIP": "1.2.3.4", "status.podIPs": "1.2.3.4",
	} {
		if got, err := PodField(pod(), path); err != nil || got != want {
			t.Errorf("%s: %q, %v", path, got, err)
		}
	}
	for _, path := range []string{"spec.containers", "metadata.name['x']", ""} {
		if _, err := PodField(pod(), path); err == nil {
			t.Errorf("%q is a field", path)
		}
	}
}

func TestResourceField_RoundsUp(t *testing.T) {
	for _, c := range []struct{ name, divisor, want string }{
		{"limits.cpu", "1", "2"}, {"limits.cpu", "1m", "1500"}, {"limits.memory", "1Mi", "2"}, {"limits.memory", "0", "1536000"}, {"requests.cpu", "1", "0"},
	} {
		ref := &corev1.ResourceFieldSelector{Resource: c.name, Divisor: resource.MustParse(c.divisor)}
		if got, err := ResourceField(pod(), ref, "c"); err != nil || got != c.want {
			t.Errorf("%s/%s: %s, %v; want %s", c.name, c.divisor, got, err, c.want)
		}
	}
}

func files(t *testing.T, dir string) []string {
	t.Helper()
	var all []string
	err := filepath.WalkDir(dir+"/", func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		name, _ := filepath.Rel(dir, path)
		if strings.HasPrefix(name, "..") {
			return nil
		}
		data, err := os.ReadFile(path)
		if err != nil { // a link to a directory
			inner, _ := os.ReadDir(path)
			for _, e := range inner {
				data, _ := os.ReadFile(filepath.Join(path, e.Name()))
				all = append(all, name+"/"+e.Name()+"="+string(data))
			}
			return nil
		}
		all = append(all, name+"="+string(data))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(all)
	return all
}

func TestWrite_ReplacesEverythingAtOnce(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "v")
	write := func(payload Payload, wantChanged bool) {
		t.Helper()
		changed, err := Write(dir, payload)
		if err != nil || changed != wantChanged {
			t.Fatalf("changed %v, %v", changed, err)
		}
	}
	one := Payload{"a": {[]byte("1"), 0o644}, "sub/b": {[]byte("2"), 0o400}}
	write(one, true)
	write(one, false)
	if got := files(t, dir); !slices.Equal(got, []string{"a=1", "sub/b=2"}) {
		t.Errorf("files %q", got)
	}
	info, err := os.Stat(filepath.Join(dir, "sub/b"))
	if err != nil || info.Mode().Perm() != 0o400 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	write(Payload{"c": {[]byte("3"), 0o644}}, true)
	if got := files(t, dir); !slices.Equal(got, []string{"c=3"}) {
		t.Errorf("files %q", got)
	}
	entries, _ := os.ReadDir(dir)
	if len(entries) != 3 { // c, ..data and what it leads to
		t.Errorf("left over: %v", entries)
	}
	write(Payload{}, true)
	if got := files(t, dir); len(got) != 0 {
		t.Errorf("files %q", got)
	}
}

func TestWrite_AReaderNeverSeesAMixture(t *testing.T) {
	dir := t.TempDir()
	payload := func(text string) Payload {
		return Payload{"a": {[]byte(text), 0o644}, "b": {[]byte(text), 0o644}}
	}
	if _, err := Write(dir, payload("0")); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() {
		for i := range 200 {
			if _, err := Write(dir, payload(string(rune('0'+i%10)))); err != nil {
				done <- err
				return
			}
		}
		done <- nil
	}()
	for {
		select {
		case err := <-done:
			if err != nil {
				t.Fatal(err)
			}
			return
		default:
		}
		// As programs do that want both: they resolve the link once.
		data, err := filepath.EvalSymlinks(filepath.Join(dir, "..data"))
		if err != nil {
			continue // The directory was removed after the link was read.
		}
		a, errA := os.ReadFile(filepath.Join(data, "a"))
		b, errB := os.ReadFile(filepath.Join(data, "b"))
		if errA == nil && errB == nil && string(a) != string(b) {
			t.Fatalf("saw %q and %q", a, b)
		}
	}
}

func FuzzCheckPath(f *testing.F) {
	for _, seed := range []string{"a", "a/b", "../x", "a/../../x", "/etc", "..data", "a/..", "."} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, path string) {
		if checkPath(path) == nil && !filepath.IsLocal(path) {
			t.Errorf("%q leaves the volume", path)
		}
	})
}
