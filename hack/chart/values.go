package main

// value is one thing that can be chosen at installation, in values.yaml, its schema and the table of docs/install.md.
type value struct {
	path string
	// kind is that of a JSON schema: string, boolean, integer, object, array.
	kind string
	// def is the default, as JSON has it.
	def any
	// enum lists what it can be; nil is anything.
	enum []string
	doc  string
}

// values are all of them but those of single parts, in the order in which people read them.
func values() []value {
	text := func(path, def, doc string) value { return value{path: path, kind: "string", def: def, doc: doc} }
	number := func(path string, def int, doc string) value {
		return value{path: path, kind: "integer", def: def, doc: doc}
	}
	one := func(path string, enum []string, doc string) value {
		return value{path: path, kind: "string", def: enum[0], enum: enum, doc: doc}
	}
	list := func(path string, def []any, doc string) value {
		return value{path: path, kind: "array", def: def, doc: doc}
	}
	object := func(path, doc string) value {
		return value{path: path, kind: "object", def: map[string]any{}, doc: doc}
	}
	yes := func(path string, def bool, doc string) value {
		return value{path: path, kind: "boolean", def: def, doc: doc}
	}
	return []value{
		one("platform", []string{"Kubernetes", "OpenShift"}, "what the cluster is; on OpenShift the project chooses the group of volumes"),
		yes("clusterWide", true, "install what only administrators may: definitions, cluster roles, admission policies, and what is in other namespaces"),
		text("images.registry", "", "registry and folder of the images, before hotpod/NAME"),
		text("images.tag", "", "tag of the images; empty is latest"),
		one("images.pullPolicy", []string{"", "Always", "IfNotPresent", "Never"}, "when nodes pull the images of the parts; empty is what Kubernetes does by the tag"),
		list("images.pullSecrets", []any{}, "names of Secrets in the platform's namespace with the registry's credentials"),
		text("namespaces.functions", "fission-function", "namespace of the pods of functions in the namespace default; others run beside their functions"),
		list("namespaces.tenants", []any{"default"}, "namespaces with functions, in which the parts get their rights"),
		yes("namespaces.create", false, "make the platform's own namespace; hotpod install does, Helm has --create-namespace"),
		one("expose.type", []string{"None", "NodePort", "LoadBalancer", "Ingress", "Gateway", "Route"}, "how routes are reached from outside of the cluster"),
		number("expose.nodePort", 31314, "port of every node, with type NodePort"),
		text("expose.host", "", "host name of the Ingress, HTTPRoute or Route; empty is any, and for a Route one that OpenShift makes"),
		text("expose.class", "", "class of the Ingress or of the LoadBalancer"),
		text("expose.gateway", "", "NAME or NAMESPACE/NAME of the Gateway, with type Gateway"),
		object("expose.annotations", "annotations of the Service, Ingress, HTTPRoute or Route"),
		text("expose.tls.secret", "", "Secret with the certificate of the Ingress; a Gateway has its own"),
		yes("expose.tls.enabled", false, "TLS ends at the Ingress or Route, which redirects plain requests"),
		one("monitoring.variant", []string{"None", "Plain", "Operator", "OpenShift"}, "let Prometheus read the parts, with a PodMonitor and alerts for its Operator"),
		list("monitoring.namespaces", []any{"monitoring", "prometheus"}, "namespaces of Prometheus"),
		one("archives.store", []string{"Volume", "S3"}, "where archives are kept"),
		text("archives.size", "10Gi", "size of their volume"),
		number("archives.maxBytes", 9_000_000_000, "most bytes of all archives, less than the volume; 0 is no bound"),
		text("archives.class", "", "storage class of their volume; empty is the cluster's default"),
		text("archives.s3.endpoint", "", "URL of an S3-compatible server"),
		text("archives.s3.bucket", "", "bucket, which exists"),
		text("archives.s3.prefix", "", "folder in the bucket"),
		text("archives.s3.region", "", "region of the bucket"),
		text("archives.s3.secret", "", "Secret with AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; empty is the pod's own identity"),
		one("logs.database", []string{"SQLite", "PostgreSQL"}, "where functions' logs and timelines are kept"),
		text("logs.secret", "hotpod-logger", "Secret whose key database is the address of PostgreSQL"),
		text("logs.size", "5Gi", "size of SQLite's volume"),
		number("logs.maxBytes", 3_000_000_000, "about what lines may take, less than the volume"),
		text("logs.keep", "168h", "how long lines are kept"),
		text("logs.class", "", "storage class of the volume; empty is the cluster's default"),
		list("env", []any{}, "variables of all parts, such as OTEL_EXPORTER_OTLP_ENDPOINT"),
		object("nodeSelector", "labels of the nodes for the parts"),
		list("tolerations", []any{}, "taints that the parts tolerate"),
		text("priorityClass", "", "priority class of the parts"),
	}
}
