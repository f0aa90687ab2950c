package kube

import (
	"context"
	"fmt"
	"io"

	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/client-go/gentype"
	"k8s.io/client-go/rest"

	v1 "hotpod.dev/api/v1"
)

// Object is what every kind is: a value with metadata.
type Object interface {
	runtime.Object
	metav1.Object
}

// Client of one kind in one namespace: Create, Update, UpdateStatus, Delete, Get, List, Watch, Patch, Apply and
// ApplyStatus.
type Client[T Object, L runtime.Object] = gentype.ClientWithListAndApply[T, L, *Apply]

// Clients are the typed clients of one connection. They are safe for concurrent use.
type Clients struct {
	config         *rest.Config
	scheme         *runtime.Scheme
	codec          runtime.ParameterCodec
	core           rest.Interface
	coordination   rest.Interface
	authentication rest.Interface
	authorization  rest.Interface
	fission        rest.Interface
}

// Scheme returns a new scheme with core/v1, leases, reviews of access and the kinds of Hotpod.
func Scheme() *runtime.Scheme {
	s := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{
		corev1.AddToScheme, coordinationv1.AddToScheme, authenticationv1.AddToScheme, authorizationv1.AddToScheme, v1.AddToScheme,
	} {
		if err := add(s); err != nil {
			panic(err) // two types of one name: a fault of the program
		}
	}
	return s
}

// NewClients returns the clients of a connection. It does not connect.
func NewClients(config *rest.Config) (*Clients, error) {
	c := &Clients{config: rest.CopyConfig(config), scheme: Scheme()}
	c.codec = runtime.NewParameterCodec(c.scheme)
	httpClient, err := rest.HTTPClientFor(c.config)
	if err != nil {
		return nil, fmt.Errorf("make the HTTP client: %w", err)
	}
	codecs := serializer.NewCodecFactory(c.scheme).WithoutConversion()
	for _, g := range []struct {
		client *rest.Interface
		path   string
		gv     schema.GroupVersion
	}{
		{&c.core, "/api", corev1.SchemeGroupVersion},
		{&c.coordination, "/apis", coordinationv1.SchemeGroupVersion},
		{&c.authentication, "/apis", authenticationv1.SchemeGroupVersion},
		{&c.authorization, "/apis", authorizationv1.SchemeGroupVersion},
		{&c.fission, "/apis", v1.GroupVersion},
	} {
		group := rest.CopyConfig(c.config)
		group.APIPath, group.GroupVersion, group.NegotiatedSerializer = g.path, &g.gv, codecs
		if *g.client, err = rest.RESTClientForConfigAndClient(group, httpClient); err != nil {
			return nil, fmt.Errorf("make the client of %s: %w", g.gv, err)
		}
	}
	return c, nil
}

// Config returns a copy of the connection.
func (c *Clients) Config() *rest.Config { return rest.CopyConfig(c.config) }

// Core returns the client of core/v1, for subresources that have no typed method.
func (c *Clients) Core() rest.Interface { return c.core }

// Environments returns the client of environments; namespace "" lists and watches all namespaces. So do the others.
func (c *Clients) Environments(namespace string) *Client[*v1.Environment, *v1.EnvironmentList] {
	return ours(c, v1.ResourceEnvironments, namespace, create[v1.Environment], create[v1.EnvironmentList])
}

// Functions returns the client of functions.
func (c *Clients) Functions(namespace string) *Client[*v1.Function, *v1.FunctionList] {
	return ours(c, v1.ResourceFunctions, namespace, create[v1.Function], create[v1.FunctionList])
}

// Packages returns the client of packages.
func (c *Clients) Packages(namespace string) *Client[*v1.Package, *v1.PackageList] {
	return ours(c, v1.ResourcePackages, namespace, create[v1.Package], create[v1.PackageList])
}

// HTTPTriggers returns the client of routes.
func (c *Clients) HTTPTriggers(namespace string) *Client[*v1.HTTPTrigger, *v1.HTTPTriggerList] {
	return ours(c, v1.ResourceHTTPTriggers, namespace, create[v1.HTTPTrigger], create[v1.HTTPTriggerList])
}

// TimeTriggers returns the client of time triggers.
func (c *Clients) TimeTriggers(namespace string) *Client[*v1.TimeTrigger, *v1.TimeTriggerList] {
	return ours(c, v1.ResourceTimeTriggers, namespace, create[v1.TimeTrigger], create[v1.TimeTriggerList])
}

// KubernetesWatchTriggers returns the client of watch triggers.
func (c *Clients) KubernetesWatchTriggers(namespace string) *Client[*v1.KubernetesWatchTrigger, *v1.KubernetesWatchTriggerList] {
	return ours(c, v1.ResourceKubernetesWatchTriggers, namespace, create[v1.KubernetesWatchTrigger], create[v1.KubernetesWatchTriggerList])
}

// FissionTenants returns the client of tenants, which are in no namespace.
func (c *Clients) FissionTenants() *Client[*v1.FissionTenant, *v1.FissionTenantList] {
	return ours(c, v1.ResourceFissionTenants, "", create[v1.FissionTenant], create[v1.FissionTenantList])
}

// Pods returns the client of pods.
func (c *Clients) Pods(namespace string) *Client[*corev1.Pod, *corev1.PodList] {
	return builtin(c.core, c, "pods", namespace, create[corev1.Pod], create[corev1.PodList])
}

// Secrets returns the client of Secrets.
func (c *Clients) Secrets(namespace string) *Client[*corev1.Secret, *corev1.SecretList] {
	return builtin(c.core, c, "secrets", namespace, create[corev1.Secret], create[corev1.SecretList])
}

// ConfigMaps returns the client of ConfigMaps.
func (c *Clients) ConfigMaps(namespace string) *Client[*corev1.ConfigMap, *corev1.ConfigMapList] {
	return builtin(c.core, c, "configmaps", namespace, create[corev1.ConfigMap], create[corev1.ConfigMapList])
}

// Events returns the client of core/v1 events.
func (c *Clients) Events(namespace string) *Client[*corev1.Event, *corev1.EventList] {
	return builtin(c.core, c, "events", namespace, create[corev1.Event], create[corev1.EventList])
}

// Services returns the client of Services.
func (c *Clients) Services(namespace string) *Client[*corev1.Service, *corev1.ServiceList] {
	return builtin(c.core, c, "services", namespace, create[corev1.Service], create[corev1.ServiceList])
}

// Namespaces returns the client of namespaces.
func (c *Clients) Namespaces() *Client[*corev1.Namespace, *corev1.NamespaceList] {
	return builtin(c.core, c, "namespaces", "", create[corev1.Namespace], create[corev1.NamespaceList])
}

// Leases returns the client of leases.
func (c *Clients) Leases(namespace string) *Client[*coordinationv1.Lease, *coordinationv1.LeaseList] {
	return builtin(c.coordination, c, "leases", namespace, create[coordinationv1.Lease], create[coordinationv1.LeaseList])
}

// SubjectAccessReviews returns what asks what somebody may do.
func (c *Clients) SubjectAccessReviews() *gentype.Client[*authorizationv1.SubjectAccessReview] {
	return gentype.NewClient("subjectaccessreviews", c.authorization, c.codec, "", create[authorizationv1.SubjectAccessReview])
}

// WhoAmI returns the name and the groups of the connection's user, as the API server sees them.
func (c *Clients) WhoAmI(ctx context.Context) (name string, groups []string, err error) {
	reviews := gentype.NewClient("selfsubjectreviews", c.authentication, c.codec, "", create[authenticationv1.SelfSubjectReview])
	me, err := reviews.Create(ctx, &authenticationv1.SelfSubjectReview{}, metav1.CreateOptions{})
	if err != nil {
		return "", nil, fmt.Errorf("ask the API server who you are: %w", err)
	}
	return me.Status.UserInfo.Username, me.Status.UserInfo.Groups, nil
}

// PodLogs opens the log of a container. The caller closes it; it ends with ctx.
func (c *Clients) PodLogs(ctx context.Context, namespace, name string, o *corev1.PodLogOptions) (io.ReadCloser, error) {
	stream, err := c.core.Get().Namespace(namespace).Resource("pods").Name(name).SubResource("log").
		VersionedParams(o, c.codec).Stream(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the log of pod %s/%s: %w", namespace, name, err)
	}
	return stream, nil
}

func create[T any]() *T { return new(T) }

func ours[T Object, L runtime.Object](c *Clients, resource, namespace string, object func() T, list func() L) *Client[T, L] {
	return gentype.NewClientWithListAndApply[T, L, *Apply](resource, c.fission, c.codec, namespace, object, list)
}

func builtin[T Object, L runtime.Object](group rest.Interface, c *Clients, resource, namespace string, object func() T, list func() L) *Client[T, L] {
	return gentype.NewClientWithListAndApply[T, L, *Apply](resource, group, c.codec, namespace, object, list, gentype.PrefersProtobuf[T]())
}
