package v1_test

import (
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Each row is a spec that the API server takes, and that Validate takes.
func TestDefinitions_Accept(t *testing.T) {
	a := newAPI(t, server.Get(t))
	for _, c := range []struct{ name, kind, patch string }{
		{"a minimal environment", "Environment", `{}`},
		{"an empty pool", "Environment", `{poolsize: 0, terminationGracePeriod: 0}`},
		{"an embedded container and pod spec of any shape", "Environment", `{runtime: {image: i, container: {env: [{name: A, value: b}], anything: {new: 1}}, podspec: {nodeSelector: {a: b}}}}`},
		{"a builder", "Environment", `{builder: {image: fission/node-builder, command: build}, allowedFunctionsPerContainer: infinite, keeparchive: true, imagepullsecret: s}`},
		{"resources", "Environment", `{resources: {requests: {cpu: 100m, memory: 64Mi}, limits: {memory: 128Mi}}}`},
		{"a minimal function", "Function", `{}`},
		{"a function as Fission's command line writes it", "Function", `{configmaps: null, secrets: null, env: null, envFrom: null, functionTimeout: 60, idletimeout: 120, concurrency: 500, requestsPerPod: 1, resources: {}, environment: {name: nodejs, namespace: default}, InvokeStrategy: {StrategyType: execution, ExecutionStrategy: {ExecutorType: poolmgr, MinScale: 0, MaxScale: 0, TargetCPUPercent: 0, SpecializationTimeout: 120}}, package: {functionName: main, packageref: {namespace: default, name: hello, resourceversion: "123"}}}`},
		{"a deployment's scale", "Function", `{InvokeStrategy: {StrategyType: execution, ExecutionStrategy: {ExecutorType: newdeploy, MinScale: 1, MaxScale: 3, TargetCPUPercent: 80, hpaMetrics: [{type: Resource, resource: {name: cpu}}], hpaBehavior: {scaleDown: {}}}}}`},
		{"environment variables of a deployment", "Function", `{env: [{name: A, value: b}, {name: S, valueFrom: {secretKeyRef: {name: s, key: k}}}], envFrom: [{configMapRef: {name: c}}], InvokeStrategy: {ExecutionStrategy: {ExecutorType: newdeploy, MaxScale: 1}}}`},
		{"environment variables in the pool", "Function", `{env: [{name: a.b-C_1, value: ""}, {name: S, valueFrom: {configMapKeyRef: {name: s, key: k, optional: true}}}], envFrom: [{prefix: DB_, secretRef: {name: c, optional: true}}]}`},
		{"a container function without environment", "Function", `{environment: absent, podspec: {containers: [{name: c, image: i}]}, InvokeStrategy: {ExecutionStrategy: {ExecutorType: container, MaxScale: 1}}}`},
		{"an idle timeout of zero", "Function", `{idletimeout: 0}`},
		{"secrets and configmaps at places of their own", "Function", `{secrets: [{name: a}, {name: b, mountPath: keys/b}], configmaps: [{name: a, namespace: x, mountPath: .config/a..b}]}`},
		{"streaming", "Function", `{streaming: {protocol: sse, idleTimeoutSeconds: 5, maxDurationSeconds: 0}}`},
		{"provisioned pods on a schedule", "Function", `{provisionedConcurrency: {target: 2, windows: [{name: day, start: "0 8 * * *", duration: 1h30m, target: 5}]}}`},
		{"what has no effect yet", "Function", `{versioning: {mode: auto, retain: 10}, state: {keyspace: k, sticky: {source: header, name: X}}, invocation: {retry: {maxAttempts: 3}, maxAge: 1h}, tool: {description: d, inputSchema: {type: object}}, agent: {maxSessions: 1}}`},
		{"a literal", "Package", `{}`},
		{"a literal with the characters that CEL's own base64 lacks", "Package", `{deployment: {type: literal, literal: "+/+/"}}`},
		{"an archive by URL", "Package", `{deployment: {type: url, url: "https://example.com/a.zip", checksum: {type: sha256, sum: ` + strings.Repeat("0a", 32) + `}, secretref: {name: s}}}`},
		{"a URL that the spec command replaces", "Package", `{source: {type: url, url: "archive://hello"}, deployment: {}}`},
		{"an OCI image", "Package", `{deployment: {type: oci, oci: {image: example.com/a:1, imagePullSecrets: [{name: s}], subPath: app, digest: "sha256:` + strings.Repeat("0", 64) + `"}}}`},
		{"a package without code", "Package", `{deployment: absent}`},
		{"a package without environment", "Package", `{environment: {namespace: default}}`},
		{"an empty checksum", "Package", `{deployment: {type: literal, literal: aGVsbG8=, checksum: {}}}`},
		{"a route as Fission's command line writes it", "HTTPTrigger", `{host: "", relativeurl: /hello, prefix: "", method: "", methods: [GET], functionref: {type: name, name: hello, functionweights: null}, createingress: false, ingressconfig: {annotations: null, path: /hello, host: "*", tls: ""}}`},
		{"a prefix", "HTTPTrigger", `{relativeurl: absent, prefix: /api/, keepPrefix: true, methods: [GET, POST]}`},
		{"variables and patterns in a path", "HTTPTrigger", `{relativeurl: "/users/{id:[0-9]+}/{rest}"}`},
		{"a name with dots that are no segment", "HTTPTrigger", `{relativeurl: /a..b/.well-known/x}`},
		{"paths that only look like the router's", "HTTPTrigger", `{relativeurl: /readyz2, prefix: /fission-functions}`},
		{"weights", "HTTPTrigger", `{functionref: {type: function-weights, functionweights: {a: 80, b: 20}}}`},
		{"a host", "HTTPTrigger", `{host: shop.example.com}`},
		{"cross-origin settings", "HTTPTrigger", `{corsConfig: {allowOrigins: ["*"], allowMethods: [GET], maxAge: 10m}}`},
		{"a published route", "HTTPTrigger", `{routeConfig: {provider: gateway, hostnames: [a.example.com], gateway: {parentRefs: [{name: g, port: 443}]}}}`},
		{"an asynchronous route", "HTTPTrigger", `{invocationMode: async}`},
	} {
		t.Run(c.kind+" "+c.name, func(t *testing.T) {
			o := object(t, c.kind, "hello", c.patch)
			if err := typed(t, o).Validate(); err != nil {
				t.Errorf("Validate: %v", err)
			}
			if _, err := a.create(t, o); err != nil {
				t.Errorf("create: %v", err)
			}
		})
	}
}

// Each row is a spec that the API server refuses with a message that says what is allowed; Validate says the same.
func TestDefinitions_Refuse(t *testing.T) {
	a := newAPI(t, server.Get(t))
	const (
		reserved = "belong to the router: use another path"
		internal = "/fission-function/ holds the internal addresses of functions: use another path"
	)
	for _, c := range []struct{ name, kind, patch, message string }{
		{"a version that does not exist", "Environment", `{version: 4}`, "should be less than or equal to 3"},
		{"no version", "Environment", `{version: absent}`, "spec.version"},
		{"no image", "Environment", `{runtime: {image: ""}}`, "spec.runtime.image"},
		{"a negative pool", "Environment", `{poolsize: -1}`, "should be greater than or equal to 0"},
		{"a negative grace period", "Environment", `{terminationGracePeriod: -1}`, "should be greater than or equal to 0"},
		{"functions per container", "Environment", `{allowedFunctionsPerContainer: two}`, `supported values: "", "single", "infinite"`},
		{"no environment", "Function", `{environment: absent}`, "spec.environment.name is required: the Environment whose pods run the function"},
		{"a bad environment name", "Function", `{environment: {name: Node_JS}}`, "a name has lower-case letters, digits and '-'"},
		{"negative concurrency", "Function", `{concurrency: -1}`, "should be greater than or equal to 0"},
		{"negative requests per pod", "Function", `{requestsPerPod: -5}`, "should be greater than or equal to 0"},
		{"a negative timeout", "Function", `{functionTimeout: -1}`, "should be greater than or equal to 0"},
		{"a negative idle timeout", "Function", `{idletimeout: -1}`, "should be greater than or equal to 0"},
		{"negative retained pods", "Function", `{retainPods: -1}`, "should be greater than or equal to 0"},
		{"an executor that does not exist", "Function", `{InvokeStrategy: {ExecutionStrategy: {ExecutorType: lambda}}}`, `supported values: "", "poolmgr", "newdeploy", "container"`},
		{"a strategy that does not exist", "Function", `{InvokeStrategy: {StrategyType: magic}}`, `supported values: "", "execution"`},
		{"a deployment without maximum", "Function", `{InvokeStrategy: {ExecutionStrategy: {ExecutorType: newdeploy}}}`, "executor types newdeploy and container need MaxScale above 0"},
		{"a minimum above the maximum", "Function", `{InvokeStrategy: {ExecutionStrategy: {MinScale: 3, MaxScale: 2}}}`, "MinScale is at most MaxScale"},
		{"a CPU target above all", "Function", `{InvokeStrategy: {ExecutionStrategy: {TargetCPUPercent: 101}}}`, "should be less than or equal to 100"},
		{"a container function without pod spec", "Function", `{InvokeStrategy: {ExecutionStrategy: {ExecutorType: container, MaxScale: 1}}}`, "executor type container needs spec.podspec: the container to run"},
		{"a variable of two values", "Function", `{env: [{name: A, value: b, valueFrom: {secretKeyRef: {name: s, key: k}}}]}`, "a variable has a value, or a valueFrom"},
		{"a variable from nowhere", "Function", `{env: [{name: A, valueFrom: {}}]}`, "a variable has a value, or a valueFrom"},
		{"a variable from two places", "Function", `{env: [{name: A, valueFrom: {secretKeyRef: {name: s, key: k}, configMapKeyRef: {name: s, key: k}}}]}`, "a variable has a value, or a valueFrom"},
		{"a variable twice", "Function", `{env: [{name: A, value: b}, {name: A, value: c}]}`, "Duplicate value"},
		{"variables from nowhere", "Function", `{envFrom: [{prefix: A_}]}`, "each entry of envFrom names one of secretRef and configMapRef"},
		{"variables from two places", "Function", `{envFrom: [{secretRef: {name: a}, configMapRef: {name: b}}]}`, "each entry of envFrom names one of secretRef and configMapRef"},
		{"a reserved variable", "Function", `{env: [{name: FISSION_STATE_URL, value: x}]}`, "env sets a reserved name"},
		{"a hijacked interpreter", "Function", `{env: [{name: NODE_OPTIONS, value: x}]}`, "env sets a reserved name"},
		{"a variable from the pod", "Function", `{env: [{name: A, valueFrom: {fieldRef: {fieldPath: spec.nodeName}}}]}`, "env takes values from secretKeyRef and configMapKeyRef only"},
		{"a variable from a file", "Function", `{env: [{name: A, valueFrom: {fileKeyRef: {volumeName: v, path: p, key: k}, secretKeyRef: {name: s, key: k}}}]}`, "env takes values from secretKeyRef and configMapKeyRef only"},
		{"one secret twice", "Function", `{secrets: [{name: a}, {name: a}]}`, "Duplicate value"},
		{"a path out of the mount", "Function", `{secrets: [{name: a, mountPath: ../etc}]}`, "mountPath is a relative path without '.', '..' or empty segments"},
		{"an absolute path", "Function", `{configmaps: [{name: a, mountPath: /etc}]}`, "mountPath is a relative path without '.', '..' or empty segments"},
		{"a protocol that does not exist", "Function", `{streaming: {protocol: smoke}}`, `supported values: "auto", "sse", "chunked", "websocket"`},
		{"provisioned pods of a deployment", "Function", `{provisionedConcurrency: {target: 1}, InvokeStrategy: {ExecutionStrategy: {ExecutorType: newdeploy, MaxScale: 1}}}`, "provisionedConcurrency goes with executor type poolmgr only"},
		{"a window of a day", "Function", `{provisionedConcurrency: {target: 1, windows: [{name: w, start: "@daily", duration: 1d, target: 1}]}}`, "duration is a time such as 30m or 12h"},
		{"two places for code", "Package", `{deployment: {url: "https://a/b", oci: {image: i}}}`, "an archive is in one place: set literal, url or oci, not several"},
		{"a literal of type url", "Package", `{deployment: {type: url, literal: aGVsbG8=}}`, "an archive of type url needs url"},
		{"a URL of type literal", "Package", `{deployment: {type: literal, url: "https://a/b"}}`, "an archive of type literal has neither url nor oci"},
		{"an image of type oci without image", "Package", `{deployment: {type: oci}}`, "an archive of type oci needs oci"},
		{"a type that does not exist", "Package", `{deployment: {type: git}}`, `supported values: "", "literal", "url", "oci"`},
		{"a URL of another scheme", "Package", `{deployment: {url: "file:///etc/passwd"}}`, "url begins with http:// or https://"},
		{"a checksum of another type", "Package", `{deployment: {url: "https://a/b", checksum: {type: md5, sum: "00"}}}`, `supported values: "", "sha256"`},
		{"a checksum without type", "Package", `{deployment: {url: "https://a/b", checksum: {sum: ` + strings.Repeat("0a", 32) + `}}}`, "a checksum has type sha256"},
		{"a short checksum", "Package", `{deployment: {url: "https://a/b", checksum: {type: sha256, sum: abc}}}`, "the sum of type sha256 has 64 hexadecimal digits in lower case"},
		{"a large literal", "Package", `{deployment: {literal: ` + strings.Repeat("AAAA", 256*1024/3+2) + `}}`, "spec.deployment.literal"},
		{"credentials without URL", "Package", `{deployment: {literal: aGVsbG8=, secretref: {name: s}}}`, "secretref holds credentials for url: set url too"},
		{"a source image", "Package", `{source: {oci: {image: i}}}`, "source.oci is not supported"},
		{"a digest of another kind", "Package", `{deployment: {oci: {image: i, digest: "md5:0"}}}`, "spec.deployment.oci.digest"},
		{"no path", "HTTPTrigger", `{relativeurl: absent}`, "a route needs a path: set relativeurl (exact) or prefix"},
		{"a path without slash", "HTTPTrigger", `{relativeurl: hello}`, "a path begins with '/', for example /hello"},
		{"a prefix without slash", "HTTPTrigger", `{prefix: hello}`, "a path begins with '/', for example /hello"},
		{"the root", "HTTPTrigger", `{relativeurl: /}`, "the path '/' alone belongs to the router"},
		{"the root as prefix", "HTTPTrigger", `{prefix: /}`, "the path '/' alone belongs to the router"},
		{"a way up", "HTTPTrigger", `{relativeurl: /a/../b}`, "a path has no '..' segment"},
		{"a way up at the end", "HTTPTrigger", `{prefix: /a/..}`, "a path has no '..' segment"},
		{"a query", "HTTPTrigger", `{relativeurl: "/hello?x=1"}`, "a path has no query, fragment or blank"},
		{"the router's health", "HTTPTrigger", `{relativeurl: /router-healthz}`, reserved},
		{"the router's readiness", "HTTPTrigger", `{prefix: /readyz}`, reserved},
		{"the router's version", "HTTPTrigger", `{relativeurl: /_version}`, reserved},
		{"the login", "HTTPTrigger", `{relativeurl: /auth/login}`, reserved},
		{"an internal address", "HTTPTrigger", `{relativeurl: /fission-function/hello}`, internal},
		{"all internal addresses", "HTTPTrigger", `{prefix: /fission-function}`, internal},
		{"a host with port", "HTTPTrigger", `{host: "example.com:80"}`, "host is a DNS name in lower case without scheme, port or wildcard"},
		{"a method that does not exist", "HTTPTrigger", `{methods: [FETCH]}`, "spec.methods"},
		{"a method twice", "HTTPTrigger", `{methods: [GET, GET]}`, "Duplicate value"},
		{"an old method that does not exist", "HTTPTrigger", `{method: FETCH}`, "spec.method"},
		{"a mode that does not exist", "HTTPTrigger", `{invocationMode: later}`, `supported values: "", "async"`},
		{"no time", "TimeTrigger", `{cron: "five past eight"}`, "cron has five fields"},
		{"a zone alone", "TimeTrigger", `{cron: "CRON_TZ=UTC"}`, "cron has five fields"},
		{"a bad zone", "TimeTrigger", `{timeZone: "Europe Zurich"}`, "timeZone"},
		{"a policy that does not exist", "TimeTrigger", `{missedRuns: twice}`, "spec.missedRuns"},
		{"a method that timers do not have", "TimeTrigger", `{method: FETCH}`, "spec.method"},
		{"a way out of the function", "TimeTrigger", `{subpath: /a/../b}`, "subpath is a path"},
		{"shares of functions", "TimeTrigger", `{functionref: {type: function-weights, functionweights: {a: 1}}}`, "a time trigger calls one function"},
		{"a version of a function", "TimeTrigger", `{functionref: {type: name, name: a, version: v1}}`, "are not served yet: name the function alone"},
		{"an alias of a function", "KubernetesWatchTrigger", `{functionref: {type: name, name: a, alias: v1}}`, "are not served yet: name the function alone"},
		{"shares of functions that watch", "KubernetesWatchTrigger", `{functionref: {type: function-weights, functionweights: {a: 1}}}`, "a watch trigger calls one function"},
		{"no type", "KubernetesWatchTrigger", `{type: "apps/v1 Deployment"}`, "type is a kind or a resource, with its group where needed"},
		{"a bad version", "KubernetesWatchTrigger", `{apiVersion: "apps/v1/x"}`, "apiVersion is a version or GROUP/VERSION"},
		{"a bad namespace", "KubernetesWatchTrigger", `{namespace: "team-*"}`, "namespace is the name of one, or '*' for all"},
		{"an event that does not exist", "KubernetesWatchTrigger", `{events: [CREATED]}`, "spec.events"},
		{"a reference without name", "HTTPTrigger", `{functionref: {type: name}}`, "functionref of type name needs name: the function to call"},
		{"a reference of another type", "HTTPTrigger", `{functionref: {type: label, name: x}}`, `supported values: "name", "function-weights"`},
		{"a bad function name", "HTTPTrigger", `{functionref: {type: name, name: Hello_World}}`, "a name has lower-case letters, digits and '-'"},
		{"weights without functions", "HTTPTrigger", `{functionref: {type: function-weights}}`, "functionref of type function-weights needs functionweights"},
		{"a negative weight", "HTTPTrigger", `{functionref: {type: function-weights, functionweights: {a: -1, b: 1}}}`, "a weight is between 0 and 1000000"},
		{"weights of zero", "HTTPTrigger", `{functionref: {type: function-weights, functionweights: {a: 0}}}`, "at least one function needs a weight above 0"},
		{"alias and version", "HTTPTrigger", `{functionref: {type: name, name: a, alias: b, version: c}}`, "functionref names an alias or a version, not both"},
		{"an alias of weights", "HTTPTrigger", `{functionref: {type: function-weights, functionweights: {a: 1}, alias: b}}`, "functionref.alias and functionref.version go with type name only"},
		{"any origin with credentials", "HTTPTrigger", `{corsConfig: {allowOrigins: ["*"], allowCredentials: true}}`, "the origin '*' and allowCredentials exclude each other"},
		{"an age in words", "HTTPTrigger", `{corsConfig: {maxAge: a day}}`, "maxAge is a duration such as 10m or 1h30m, or a number of seconds"},
		{"a gateway without parents", "HTTPTrigger", `{routeConfig: {provider: gateway}}`, "routeConfig of provider gateway needs gateway.parentRefs"},
		{"a certificate at a gateway", "HTTPTrigger", `{routeConfig: {provider: gateway, tls: s, gateway: {parentRefs: [{name: g}]}}}`, "routeConfig.tls goes with provider ingress only"},
		{"a published path without slash", "HTTPTrigger", `{routeConfig: {provider: ingress, path: x}}`, "routeConfig.path begins with '/'"},
		{"an ingress path without slash", "HTTPTrigger", `{ingressconfig: {path: x}}`, "ingressconfig.path begins with '/'"},
	} {
		t.Run(c.kind+" "+c.name, func(t *testing.T) {
			o := object(t, c.kind, "hello", c.patch)
			_, err := a.create(t, o)
			if !apierrors.IsInvalid(err) || !strings.Contains(err.Error(), c.message) {
				t.Errorf("create: %.600v\nwant a refusal that says %q", err, c.message)
			}
			if strings.HasPrefix(c.message, "spec.") || strings.HasPrefix(c.message, "should be") ||
				strings.HasPrefix(c.message, "supported values") || strings.HasPrefix(c.message, "duration is") || c.message == "Duplicate value" {
				return // the schema's own messages are not repeated in Go
			}
			if err := typed(t, o).Validate(); err == nil || !strings.Contains(err.Error(), c.message) {
				t.Errorf("Validate: %v\nwant an error that says %q", err, c.message)
			}
		})
	}
}

func TestDefinitions_RefuseNamesThatArePodLabels(t *testing.T) {
	a := newAPI(t, server.Get(t))
	for _, kind := range []string{"Function", "Environment"} {
		for _, name := range []string{strings.Repeat("a", 64), "a.b"} {
			o := object(t, kind, name, `{}`)
			if _, err := a.create(t, o); err == nil || !strings.Contains(err.Error(), "metadata.name is a label value of pods") {
				t.Errorf("%s %s: %v", kind, name, err)
			}
			if err := typed(t, o).Validate(); err == nil || !strings.Contains(err.Error(), "metadata.name is a label value of pods") {
				t.Errorf("Validate %s %s: %v", kind, name, err)
			}
		}
		if _, err := a.create(t, object(t, kind, strings.Repeat("a", 63), `{}`)); err != nil {
			t.Errorf("%s of 63 characters: %v", kind, err)
		}
	}
}

func TestDefinitions_ReportUnknownFields(t *testing.T) {
	a := newAPI(t, server.Get(t))
	for kind := range resources {
		_, err := a.create(t, object(t, kind, "hello", `{colour: red}`))
		if err == nil || !strings.Contains(err.Error(), `unknown field "spec.colour"`) {
			t.Errorf("%s: %v", kind, err)
		}
	}
}

func TestEnvironment_VersionCannotBeChanged(t *testing.T) {
	a := newAPI(t, server.Get(t))
	o, err := a.of("Environment").Create(t.Context(), object(t, "Environment", "node", `{}`), metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if err := unstructured.SetNestedField(o.Object, int64(2), "spec", "version"); err != nil {
		t.Fatal(err)
	}
	_, err = a.of("Environment").Update(t.Context(), o, metav1.UpdateOptions{})
	if err == nil || !strings.Contains(err.Error(), "spec.version cannot be changed: create another environment") {
		t.Errorf("update: %v", err)
	}
}

func TestDefinitions_SetDefaults(t *testing.T) {
	a := newAPI(t, server.Get(t))
	o, err := a.create(t, object(t, "Environment", "node", `{}`))
	if err != nil {
		t.Fatal(err)
	}
	if got, _, _ := unstructured.NestedInt64(o.Object, "spec", "terminationGracePeriod"); got != 90 {
		t.Errorf("terminationGracePeriod is %d, want 90", got)
	}
	if o, err = a.create(t, object(t, "Function", "f", `{streaming: {}}`)); err != nil {
		t.Fatal(err)
	}
	if got, _, _ := unstructured.NestedString(o.Object, "spec", "streaming", "protocol"); got != "auto" {
		t.Errorf("streaming.protocol is %q, want auto", got)
	}
}

func TestDefinitions_ListsAreMergedByName(t *testing.T) {
	a := newAPI(t, server.Get(t))
	for manager, secret := range map[string]string{"first": "a", "second": "b"} {
		o := object(t, "Function", "f", `{secrets: [{name: `+secret+`}]}`)
		if _, err := a.of("Function").Apply(t.Context(), "f", o, metav1.ApplyOptions{FieldManager: manager, Force: true}); err != nil {
			t.Fatal(err)
		}
	}
	o, err := a.of("Function").Get(t.Context(), "f", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if secrets, _, _ := unstructured.NestedSlice(o.Object, "spec", "secrets"); len(secrets) != 2 {
		t.Errorf("two owners' secrets: %v", secrets)
	}
}
