package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"hotpod.dev/install"
	"hotpod.dev/kube"
	"hotpod.dev/logline"
	"hotpod.dev/wire"
)

// before checks what an installation needs beside rights: classes of volumes, admission, a network that keeps policies, a free port.
func (c *checkup) before(ctx context.Context, namespace string) {
	objects := c.app.clients.Objects()
	_, err := c.app.clients.Core().Get().AbsPath("/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies").Param("limit", "1").DoRaw(ctx)
	if !forbidden(err) {
		c.found("admission policies are served", err)
	}
	c.volumes(ctx, objects)
	c.policies(ctx, objects)
	c.nodePort(ctx)
	c.definitionsBefore(ctx, objects)
	ns, err := objects.Get(ctx, kube.ObjectRef{APIVersion: "v1", Kind: "Namespace", Name: namespace})
	if err == nil {
		level := dash(ns.GetLabels()["pod-security.kubernetes.io/enforce"])
		c.found("namespace "+namespace+" is there, with Pod Security "+level+"; every pod of the platform passes restricted", nil)
	}
}

// volumes checks that the volumes of archives and logs can be had.
func (c *checkup) volumes(ctx context.Context, objects kube.Objects) {
	pods, err := c.app.clients.Pods(c.app.platformNamespace()).List(ctx, metav1.ListOptions{LabelSelector: storeLabel})
	if err == nil && slices.ContainsFunc(pods.Items, func(p corev1.Pod) bool { return podIsReady(&p) }) {
		c.found("the archive store has a volume", nil)
		return
	}
	classes, err := objects.List(ctx, kube.ObjectRef{APIVersion: "storage.k8s.io/v1", Kind: "StorageClass"}, "")
	if forbidden(err) {
		c.doubt("you may not list storage classes: the archive store and the logger need one that is the default, or archives.class and logs.class")
		return
	}
	for n := range classes {
		if classes[n].GetAnnotations()["storageclass.kubernetes.io/is-default-class"] == "true" {
			c.found("storage class "+classes[n].GetName()+" is the default", nil)
			return
		}
	}
	if err == nil && len(classes) > 0 {
		c.doubt("no storage class is the default: --set archives.class=%s,logs.class=%[1]s", classes[0].GetName())
		return
	}
	if err == nil {
		err = errors.New("there is none: make one, or keep archives in S3 and logs in PostgreSQL (archives.store, logs.database)")
	}
	c.found("storage class", err)
}

// policies looks for what enforces NetworkPolicies, as far as that can be seen from outside.
func (c *checkup) policies(ctx context.Context, objects kube.Objects) {
	sets, err := objects.List(ctx, kube.ObjectRef{APIVersion: "apps/v1", Kind: "DaemonSet"}, "")
	if err != nil {
		c.doubt("whether NetworkPolicies are enforced cannot be seen: %s", diagnose(err))
		return
	}
	for n := range sets {
		for _, plugin := range []string{"calico", "cilium", "antrea", "weave", "kube-router", "ovn", "openshift-sdn", "aws-node", "azure-npm", "kindnet", "network-polic"} {
			if strings.Contains(sets[n].GetName(), plugin) {
				c.found("NetworkPolicies are enforced, if "+sets[n].GetName()+" is set to", nil)
				return
			}
		}
	}
	c.doubt("nothing is seen that enforces NetworkPolicies: functions could reach the platform's parts and whatever else is in the network")
}

// nodePort looks whether the port of routes is free.
func (c *checkup) nodePort(ctx context.Context) {
	const port = 31314
	services, err := c.app.clients.Services(metav1.NamespaceAll).List(ctx, metav1.ListOptions{})
	if err != nil {
		return // with other ways to expose routes nobody needs to know
	}
	for n := range services.Items {
		s := &services.Items[n]
		for _, p := range s.Spec.Ports {
			if p.NodePort == port && s.Labels["app.kubernetes.io/part-of"] != "hotpod" {
				c.doubt("port %d of the nodes is taken by service %s/%s: for expose.type NodePort choose another expose.nodePort", port, s.Namespace, s.Name)
			}
		}
	}
}

// definitionsBefore tells whose definitions are there already.
func (c *checkup) definitionsBefore(ctx context.Context, objects kube.Objects) {
	wanted, err := install.Render(install.Values{}, "fission")
	if err != nil {
		c.found("definitions", err)
		return
	}
	for _, o := range wanted {
		if o.GetKind() != "CustomResourceDefinition" {
			continue
		}
		there, err := objects.Get(ctx, kube.ObjectRef(install.RefOf(o)))
		if err != nil || there.GetLabels()["app.kubernetes.io/part-of"] == "hotpod" {
			continue
		}
		if faults := install.Shrinks(there, o); len(faults) > 0 {
			c.doubt("definition %s is another's and would lose %s", o.GetName(), strings.Join(faults, ", "))
		} else {
			c.doubt("definition %s is another's, such as Fission's: Hotpod's takes its place, and its objects stay", o.GetName())
		}
	}
}

// versions compares the definitions, what was installed and the parts' images with this command.
func (c *checkup) versions(ctx context.Context, namespace string) {
	objects := c.app.clients.Objects()
	wanted, err := install.Render(install.Values{}, namespace)
	if err != nil {
		c.found("definitions", err)
		return
	}
	for _, o := range wanted {
		if o.GetKind() != "CustomResourceDefinition" {
			continue
		}
		there, err := objects.Get(ctx, kube.ObjectRef(install.RefOf(o)))
		if forbidden(err) {
			break // ordinary users; the kinds were looked for
		}
		if err != nil {
			c.found("definition "+o.GetName(), err)
			continue
		}
		switch before, now := install.DefinitionsOf(there), install.DefinitionsOf(o); {
		case before < now:
			c.found("definition "+o.GetName(), fmt.Errorf("number %d is older than this command's %d: hotpod upgrade", before, now))
		case before > now:
			c.doubt("definition %s has number %d, this command knows %d: use a newer hotpod", o.GetName(), before, now)
		}
	}
	if found, err := objects.Get(ctx, kube.ObjectRef{APIVersion: "v1", Kind: "ConfigMap", Namespace: namespace, Name: install.InventoryName}); err == nil {
		inventory, err := install.ReadInventory(found)
		c.found("installed by version "+dash(inventory.Version), err)
		if err == nil && inventory.Version != wire.Version() {
			c.doubt("this command is of version %s: hotpod upgrade brings the platform to it", wire.Version())
		}
	}
	c.images(ctx, objects, namespace)
}

// images tells parts whose images have different tags, which is what a broken-off upgrade leaves.
func (c *checkup) images(ctx context.Context, objects kube.Objects, namespace string) {
	deployments, err := objects.List(ctx, kube.ObjectRef{APIVersion: "apps/v1", Kind: "Deployment", Namespace: namespace}, labelComponent)
	if err != nil {
		return // the parts' pods are looked at anyway
	}
	tags := map[string][]string{}
	for n := range deployments {
		tag := tagOf(&deployments[n])
		tags[tag] = append(tags[tag], deployments[n].GetName())
	}
	if len(tags) > 1 {
		var lines []string
		for tag, parts := range tags {
			lines = append(lines, tag+": "+strings.Join(parts, ", "))
		}
		slices.Sort(lines)
		c.doubt("parts have images with different tags: %s", strings.Join(lines, "; "))
	}
}

// tagOf returns the tag of the image of a Deployment's first container.
func tagOf(o *unstructured.Unstructured) string {
	containers, _, _ := unstructured.NestedSlice(o.Object, "spec", "template", "spec", "containers")
	if len(containers) == 0 {
		return ""
	}
	first, _ := containers[0].(map[string]any)
	image, _, _ := unstructured.NestedString(first, "image")
	if _, tag, ok := strings.Cut(image[strings.LastIndex(image, "/")+1:], ":"); ok {
		return tag
	}
	return "latest"
}

// connected checks that Envoys are connected with xds: by each replica's own count.
func (c *checkup) connected(ctx context.Context) {
	pods, err := c.app.clients.Pods(c.app.platformNamespace()).List(ctx, metav1.ListOptions{LabelSelector: labelComponent + "=xds"})
	if err != nil {
		c.found("Envoys are connected", err)
		return
	}
	total, asked := 0, 0
	for n := range pods.Items {
		if !podIsReady(&pods.Items[n]) {
			continue
		}
		count, err := c.metric(ctx, pods.Items[n].Namespace, pods.Items[n].Name, "hotpod_xds_connected_envoys")
		if forbidden(err) {
			return // ordinary users may not forward ports there
		}
		if err != nil {
			c.found("Envoys are connected", err)
			return
		}
		asked++
		total += count
	}
	if asked == 0 {
		return // said already: xds is not ready
	}
	if total == 0 {
		err = errors.New("none is: hotpod support dump; kubectl logs -n fission deployment/router")
	}
	c.found(fmt.Sprintf("%d Envoys are connected with xds", total), err)
}

// metric reads a number from a part's pod.
func (c *checkup) metric(ctx context.Context, namespace, pod, name string) (int, error) {
	addr, stop, err := kube.PortForward(ctx, c.app.clients, namespace, pod, wire.PortDebug)
	if err != nil {
		return 0, err
	}
	defer stop()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+addr+"/metrics", http.NoBody)
	if err != nil {
		return 0, fmt.Errorf("ask pod %s: %w", pod, err)
	}
	res, err := (&http.Client{}).Do(req)
	if err != nil {
		return 0, fmt.Errorf("ask pod %s: %w", pod, err)
	}
	defer res.Body.Close()
	for lines := bufio.NewScanner(res.Body); lines.Scan(); {
		if value, ok := strings.CutPrefix(lines.Text(), name+" "); ok {
			f, err := strconv.ParseFloat(value, 64)
			return int(f), err
		}
	}
	return 0, fmt.Errorf("pod %s has no metric %s", pod, name)
}

// stores checks that the archive store and the logger's database answer.
func (c *checkup) stores(ctx context.Context) {
	store, stop, err := c.app.store(ctx)
	if err == nil {
		_, err = store.List(ctx)
		stop()
	}
	if forbidden(err) {
		c.doubt("you may not ask the archive store: %s", diagnose(err))
	} else {
		c.found("the archive store answers", err)
	}
	_, err = c.app.askLogger(ctx, logline.Query{Limit: 1})
	if forbidden(err) {
		c.doubt("you may not ask the logger: %s", diagnose(err))
	} else {
		c.found("the logger's database answers", err)
	}
}

// installable tells whether the user may install everything, or the namespace's part, or nothing.
func (c *checkup) installable(ctx context.Context, namespace string) {
	i := &installation{app: c.app, namespace: namespace, objects: c.app.clients.Objects()}
	admin, own, err := install.AdminPart(install.Values{"namespaces": map[string]any{"create": true}}, namespace)
	if err != nil {
		c.found("rights", err)
		return
	}
	lacking, err := i.lacking(ctx, own)
	if err == nil && len(lacking) > 0 {
		err = errors.New("you may not " + strings.Join(lacking, ", "))
	}
	c.found("may install into namespace "+namespace, err)
	lacking, err = i.lacking(ctx, admin)
	if err != nil {
		c.found("rights in the cluster", err)
		return
	}
	if len(lacking) > 0 {
		c.doubt("you may not %s: an administrator applies that part, %s", strings.Join(lacking, ", "), i.adminCommand())
		return
	}
	c.found("may install what concerns the whole cluster", nil)
}
