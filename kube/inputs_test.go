package kube

import (
	"maps"
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	v1 "hotpod.dev/api/v1"
	"hotpod.dev/wire"
)

func TestInputs_FilesAreTheKeysOfWhatTheFunctionNames(t *testing.T) {
	clients, ns := start(t)
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "s"}, Data: map[string][]byte{"b": {0, 1}, "a": []byte("x")}}
	config := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "c"}, Data: map[string]string{"k": "v"}, BinaryData: map[string][]byte{"bin": {2}}}
	must(clients.Secrets(ns).Create(t.Context(), secret, metav1.CreateOptions{}))(t)
	must(clients.ConfigMaps(ns).Create(t.Context(), config, metav1.CreateOptions{}))(t)
	f := &v1.Function{ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: "f"}}
	f.Spec.Secrets = []v1.SecretReference{{Name: "s"}}
	f.Spec.ConfigMaps = []v1.ConfigMapReference{{Name: "c", Namespace: ns, MountPath: "app/settings"}}
	inputs, err := NewInputs(clients).Inputs(t.Context(), f)
	if err != nil {
		t.Fatal(err)
	}
	files := inputs.Files
	want := []wire.File{
		{Path: ns + "/s/a", Secret: true, Data: []byte("x")},
		{Path: ns + "/s/b", Secret: true, Data: []byte{0, 1}},
		{Path: "app/settings/bin", Data: []byte{2}},
		{Path: "app/settings/k", Data: []byte("v")},
	}
	if len(files) != len(want) {
		t.Fatalf("files %+v", files)
	}
	for i := range want {
		if files[i].Path != want[i].Path || files[i].Secret != want[i].Secret || string(files[i].Data) != string(want[i].Data) {
			t.Errorf("file %d is %+v, want %+v", i, files[i], want[i])
		}
	}
}

// functionWith returns a function whose spec is the YAML text.
func functionWith(t *testing.T, namespace, spec string) *v1.Function {
	t.Helper()
	f := &v1.Function{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "f"}}
	if err := yaml.UnmarshalStrict([]byte(spec), &f.Spec); err != nil {
		t.Fatalf("%s: %v", spec, err)
	}
	return f
}

func TestInputs_SayWhatIsMissingOrForbidden(t *testing.T) {
	clients, ns := start(t)
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "s"}, Data: map[string][]byte{"http_proxy": []byte("x"), "image": {0xff, 0}}}
	must(clients.Secrets(ns).Create(t.Context(), secret, metav1.CreateOptions{}))(t)
	config := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "c"}, BinaryData: map[string][]byte{"image": {0}}}
	must(clients.ConfigMaps(ns).Create(t.Context(), config, metav1.CreateOptions{}))(t)
	const container = `, podspec: {}, InvokeStrategy: {ExecutionStrategy: {ExecutorType: container}}}`
	for spec, reason := range map[string]string{
		`{secrets: [{name: none}]}`:                                                           v1.ReasonSecretNotFound,
		`{configmaps: [{name: none}]}`:                                                        v1.ReasonConfigMapNotFound,
		`{secrets: [{name: x, namespace: kube-system}]}`:                                      v1.ReasonReferenceInvalid,
		`{secrets: [{name: s, namespace: kube-system}]}`:                                      v1.ReasonReferenceInvalid,
		`{configmaps: [{name: x, namespace: kube-system}]}`:                                   v1.ReasonReferenceInvalid,
		`{secrets: [{name: s, mountPath: ../etc}]}`:                                           v1.ReasonReferenceInvalid,
		`{secrets: [{name: s, mountPath: /etc}]}`:                                             v1.ReasonReferenceInvalid,
		`{secrets: [{name: s, mountPath: a//b}]}`:                                             v1.ReasonReferenceInvalid,
		`{envFrom: [{secretRef: {name: none}}]}`:                                              v1.ReasonSecretNotFound,
		`{envFrom: [{configMapRef: {name: none}}]}`:                                           v1.ReasonConfigMapNotFound,
		`{env: [{name: A, valueFrom: {secretKeyRef: {name: none, key: k}}}]}`:                 v1.ReasonSecretNotFound,
		`{env: [{name: A, valueFrom: {configMapKeyRef: {name: none, key: k}}}]}`:              v1.ReasonConfigMapNotFound,
		`{env: [{name: A, valueFrom: {secretKeyRef: {name: s, key: k}}}]}`:                    v1.ReasonKeyNotFound,
		`{env: [{name: A, valueFrom: {configMapKeyRef: {name: c, key: k}}}]}`:                 v1.ReasonKeyNotFound,
		`{env: [{name: A, valueFrom: {secretKeyRef: {name: s, key: image}}}]}`:                v1.ReasonReferenceInvalid,
		`{envFrom: [{configMapRef: {name: c}}]}`:                                              v1.ReasonReferenceInvalid,
		`{envFrom: [{secretRef: {name: s}}]}`:                                                 v1.ReasonReferenceInvalid,
		`{secrets: [{name: none}]` + container:                                                v1.ReasonSecretNotFound,
		`{env: [{name: A, valueFrom: {secretKeyRef: {name: s, key: k}}}]` + container:         v1.ReasonKeyNotFound,
		`{envFrom: [{secretRef: {name: none, optional: true}}], configmaps: [{name: none2}]}`: v1.ReasonConfigMapNotFound,
	} {
		_, err := NewInputs(clients).Inputs(t.Context(), functionWith(t, ns, spec))
		if got := failureOf(t, err); got.Reason != reason || got.Message == "" {
			t.Errorf("%s: %+v, want %s", spec, got, reason)
		}
	}
}

func TestInputs_VariablesAreWhatAKubeletMakes(t *testing.T) {
	clients, ns := start(t)
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "s"}, Data: map[string][]byte{"user": []byte("anna"), "both": []byte("secret")}}
	must(clients.Secrets(ns).Create(t.Context(), secret, metav1.CreateOptions{}))(t)
	config := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "c"}, Data: map[string]string{"mode": "full", "both": "config"}}
	must(clients.ConfigMaps(ns).Create(t.Context(), config, metav1.CreateOptions{}))(t)
	for _, c := range []struct {
		spec string
		want map[string]string
	}{
		{`{env: [{name: A, value: b}]}`, map[string]string{"A": "b"}},
		{`{envFrom: [{secretRef: {name: s}}, {configMapRef: {name: c}}]}`, map[string]string{"user": "anna", "mode": "full", "both": "config"}},
		{`{envFrom: [{configMapRef: {name: c}}, {secretRef: {name: s}}]}`, map[string]string{"user": "anna", "mode": "full", "both": "secret"}},
		{`{envFrom: [{prefix: DB_, secretRef: {name: s}}]}`, map[string]string{"DB_user": "anna", "DB_both": "secret"}},
		{`{envFrom: [{secretRef: {name: s}}], env: [{name: both, value: own}]}`, map[string]string{"user": "anna", "both": "own"}},
		{`{envFrom: [{secretRef: {name: none, optional: true}}]}`, map[string]string{}},
		{`{env: [{name: A, valueFrom: {secretKeyRef: {name: s, key: user}}}, {name: B, valueFrom: {configMapKeyRef: {name: c, key: mode}}}]}`, map[string]string{"A": "anna", "B": "full"}},
		{`{env: [{name: A, valueFrom: {secretKeyRef: {name: s, key: k, optional: true}}}, {name: B, valueFrom: {configMapKeyRef: {name: none, key: k, optional: true}}}]}`, map[string]string{}},
		{`{envFrom: [{secretRef: {name: s}}], env: [{name: A, value: "$(user)@$(B)"}, {name: B, value: "$(A)!"}]}`, map[string]string{"user": "anna", "both": "secret", "A": "anna@$(B)", "B": "anna@$(B)!"}},
	} {
		in, err := NewInputs(clients).Inputs(t.Context(), functionWith(t, ns, c.spec))
		if err != nil || !maps.Equal(in.Env, c.want) {
			t.Errorf("%s: %v, %v, want %v", c.spec, in.Env, err, c.want)
		}
	}
	in, err := NewInputs(clients).Inputs(t.Context(), functionWith(t, ns, `{env: [{name: A, value: b}], secrets: [{name: s}], InvokeStrategy: {ExecutionStrategy: {ExecutorType: newdeploy}}}`))
	if err != nil || len(in.Env) != 0 || len(in.Files) != 2 {
		t.Errorf("of a pod of its own: %+v, %v; its variables are the kubelet's", in, err)
	}
}

func TestExpand_ReplacesWhatIsKnown(t *testing.T) {
	env := map[string]string{"A": "1", "B": "$(A)"}
	for text, want := range map[string]string{
		"": "", "x": "x", "$(A)": "1", "<$(A)$(A)>": "<11>", "$(C)": "$(C)", "$$(A)": "$(A)", "$$$(A)": "$1", "$A": "$A", "$": "$",
		"$(A": "$(A", "$()": "$()", "$(B)": "$(A)", "a$$b": "a$b", "$(C) $(A)": "$(C) 1",
	} {
		if got := expand(text, env); got != want {
			t.Errorf("expand(%q) = %q, want %q", text, got, want)
		}
	}
}

func TestInputs_DigestChangesWithTheContentsOnly(t *testing.T) {
	clients, ns := start(t)
	secrets := clients.Secrets(ns)
	secret := must(secrets.Create(t.Context(), &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "s"}, Data: map[string][]byte{"a": []byte("1")}}, metav1.CreateOptions{}))(t)
	digest := func(spec string) string {
		in, err := NewInputs(clients).Inputs(t.Context(), functionWith(t, ns, spec))
		if err != nil {
			t.Fatal(err)
		}
		return in.Digest
	}
	const file, variable = `{secrets: [{name: s}]}`, `{env: [{name: A, valueFrom: {secretKeyRef: {name: s, key: a}}}], envFrom: [{configMapRef: {name: c, optional: true}}]}`
	seen := []string{digest(file), digest(variable)}
	if digest(`{}`) != "" || digest(`{env: [{name: A, value: b}]}`) != "" || digest(file) != seen[0] {
		t.Error("the digest is not that of the contents")
	}
	secret.Annotations = map[string]string{"a": "b"}
	secret = must(secrets.Update(t.Context(), secret, metav1.UpdateOptions{}))(t)
	if digest(file) != seen[0] || digest(variable) != seen[1] {
		t.Error("an annotation changed the digest")
	}
	secret.Data["b"] = []byte("2")
	must(secrets.Update(t.Context(), secret, metav1.UpdateOptions{}))(t)
	seen = append(seen, digest(file), digest(variable))
	must(clients.ConfigMaps(ns).Create(t.Context(), &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "c"}}, metav1.CreateOptions{}))(t)
	seen = append(seen, digest(variable))
	if slices.Sort(seen); len(slices.Compact(seen)) != 5 {
		t.Errorf("not every change of contents changed the digest: %v", seen)
	}
}
