package node

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	authv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
)

// The node authorizer learns a little after the binding that a pod is on this
// node; until then reading what the pod refers to is forbidden.
const (
	permissionPatience = 2 * time.Second
	permissionGap      = 20 * time.Millisecond
	readTimeout        = 10 * time.Second
)

// reference names an object that a pod refers to.
type reference struct{ kind, namespace, name string }

// The kinds of references.
const (
	secretKind    = "secrets"
	configMapKind = "configmaps"
)

// apiObjects reads what pods refer to, one object at a time: a node may not list
// them. It may be used concurrently.
type apiObjects struct {
	client kubernetes.Interface

	// mu guards what follows.
	mu      sync.Mutex
	watches map[reference]*objectWatch
	tokens  map[tokenKey]issuedToken
}

// objectWatch follows one object for all pods that refer to it.
type objectWatch struct {
	store     cache.Store
	informer  cache.Controller
	cancel    context.CancelFunc
	listeners map[int]func()
	lastID    int
}

type tokenKey struct {
	pod      types.UID
	audience string
	seconds  int64
}

type issuedToken struct {
	token string
	// renew is when a new one is asked for.
	renew time.Time
}

func newAPIObjects(client kubernetes.Interface) *apiObjects {
	return &apiObjects{client: client, watches: map[reference]*objectWatch{}, tokens: map[tokenKey]issuedToken{}}
}

// Secret returns the secret, from memory when it is watched.
func (a *apiObjects) Secret(namespace, name string) (*corev1.Secret, error) {
	if object, ok := a.cached(reference{secretKind, namespace, name}).(*corev1.Secret); ok {
		return object, nil
	}
	return permitted(func(ctx context.Context) (*corev1.Secret, error) {
		return a.client.CoreV1().Secrets(namespace).Get(ctx, name, metav1.GetOptions{})
	})
}

// ConfigMap returns the config map, from memory when it is watched.
func (a *apiObjects) ConfigMap(namespace, name string) (*corev1.ConfigMap, error) {
	if object, ok := a.cached(reference{configMapKind, namespace, name}).(*corev1.ConfigMap); ok {
		return object, nil
	}
	return permitted(func(ctx context.Context) (*corev1.ConfigMap, error) {
		return a.client.CoreV1().ConfigMaps(namespace).Get(ctx, name, metav1.GetOptions{})
	})
}

// Token returns a token of the pod's service account, bound to the pod; a new
// one when four fifths of the last one's time are over.
func (a *apiObjects) Token(pod *corev1.Pod, audience string, seconds int64) (string, error) {
	key := tokenKey{pod.UID, audience, seconds}
	a.mu.Lock()
	issued, ok := a.tokens[key]
	a.mu.Unlock()
	if ok && time.Now().Before(issued.renew) {
		return issued.token, nil
	}
	request := &authv1.TokenRequest{Spec: authv1.TokenRequestSpec{
		ExpirationSeconds: &seconds,
		BoundObjectRef:    &authv1.BoundObjectReference{Kind: "Pod", APIVersion: "v1", Name: pod.Name, UID: pod.UID},
	}}
	if audience != "" {
		request.Spec.Audiences = []string{audience}
	}
	answer, err := permitted(func(ctx context.Context) (*authv1.TokenRequest, error) {
		return a.client.CoreV1().ServiceAccounts(pod.Namespace).CreateToken(ctx, pod.Spec.ServiceAccountName, request, metav1.CreateOptions{})
	})
	if err != nil {
		return "", err
	}
	life := time.Until(answer.Status.ExpirationTimestamp.Time)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.tokens[key] = issuedToken{token: answer.Status.Token, renew: time.Now().Add(life * 4 / 5)}
	return answer.Status.Token, nil
}

// Watch follows everything that the pod's volumes refer to.
func (a *apiObjects) Watch(pod *corev1.Pod, changed func()) (stop func()) {
	references := referencesOf(pod)
	stops := make([]func(), 0, len(references))
	for _, ref := range references {
		stops = append(stops, a.follow(ref, changed))
	}
	return func() {
		for _, stop := range stops {
			stop()
		}
		a.mu.Lock()
		defer a.mu.Unlock()
		maps.DeleteFunc(a.tokens, func(k tokenKey, _ issuedToken) bool { return k.pod == pod.UID })
	}
}

func (a *apiObjects) cached(ref reference) any {
	a.mu.Lock()
	defer a.mu.Unlock()
	watch, ok := a.watches[ref]
	if !ok || !watch.informer.HasSynced() {
		return nil
	}
	object, _, _ := watch.store.GetByKey(ref.namespace + "/" + ref.name)
	return object
}

// follow adds a listener to the object's watch, which the first one begins and
// the last one ends.
func (a *apiObjects) follow(ref reference, changed func()) (stop func()) {
	a.mu.Lock()
	defer a.mu.Unlock()
	watch, ok := a.watches[ref]
	if !ok {
		watch = a.begin(ref)
		a.watches[ref] = watch
	}
	watch.lastID++
	id := watch.lastID
	watch.listeners[id] = changed
	return func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		delete(watch.listeners, id)
		if len(watch.listeners) == 0 {
			watch.cancel()
			delete(a.watches, ref)
		}
	}
}

func (a *apiObjects) begin(ref reference) *objectWatch {
	var example runtime.Object = &corev1.Secret{}
	if ref.kind == configMapKind {
		example = &corev1.ConfigMap{}
	}
	watch := &objectWatch{listeners: map[int]func(){}}
	tell := func() { a.tell(watch) }
	watch.store, watch.informer = cache.NewInformerWithOptions(cache.InformerOptions{
		ListerWatcher: cache.NewListWatchFromClient(a.client.CoreV1().RESTClient(), ref.kind, ref.namespace,
			fields.OneTermEqualSelector(metav1.ObjectNameField, ref.name)),
		ObjectType: example,
		Handler: cache.ResourceEventHandlerFuncs{
			AddFunc: func(any) { tell() }, UpdateFunc: func(any, any) { tell() }, DeleteFunc: func(any) { tell() },
		},
	})
	ctx, cancel := context.WithCancel(context.Background())
	watch.cancel = cancel
	go watch.informer.RunWithContext(ctx)
	return watch
}

func (a *apiObjects) tell(watch *objectWatch) {
	a.mu.Lock()
	listeners := maps.Clone(watch.listeners)
	a.mu.Unlock()
	for _, changed := range listeners {
		changed()
	}
}

// permitted reads, and reads again for a while when that is forbidden.
func permitted[T any](read func(ctx context.Context) (T, error)) (T, error) {
	ctx, cancel := context.WithTimeout(context.Background(), readTimeout)
	defer cancel()
	for began := time.Now(); ; time.Sleep(permissionGap) {
		object, err := read(ctx)
		if !apierrors.IsForbidden(err) || time.Since(began) > permissionPatience {
			return object, err
		}
	}
}

// referencesOf returns the secrets and config maps of the pod's volumes.
func referencesOf(pod *corev1.Pod) []reference {
	found := map[reference]bool{}
	for _, v := range pod.Spec.Volumes {
		if v.Secret != nil {
			found[reference{secretKind, pod.Namespace, v.Secret.SecretName}] = true
		}
		if v.ConfigMap != nil {
			found[reference{configMapKind, pod.Namespace, v.ConfigMap.Name}] = true
		}
		if v.Projected == nil {
			continue
		}
		for _, s := range v.Projected.Sources {
			if s.Secret != nil {
				found[reference{secretKind, pod.Namespace, s.Secret.Name}] = true
			}
			if s.ConfigMap != nil {
				found[reference{configMapKind, pod.Namespace, s.ConfigMap.Name}] = true
			}
		}
	}
	return slices.Collect(maps.Keys(found))
}
