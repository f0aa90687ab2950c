package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"

	"go.uber.org/zap"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	netcfg "knative.dev/networking/pkg/config"
	kubeclient "knative.dev/pkg/client/injection/kube/client"
	_ "knative.dev/pkg/client/injection/kube/client/fake"
	_ "knative.dev/pkg/client/injection/kube/informers/core/v1/endpoints/fake"
	_ "knative.dev/pkg/client/injection/kube/informers/core/v1/service/fake"
	"knative.dev/pkg/controller"
	"knative.dev/pkg/injection"
	"knative.dev/pkg/logging"
	"knative.dev/serving/pkg/apis/serving"
	servingv1 "knative.dev/serving/pkg/apis/serving/v1"
	servingclient "knative.dev/serving/pkg/client/injection/client"
	_ "knative.dev/serving/pkg/client/injection/client/fake"
	_ "knative.dev/serving/pkg/client/injection/informers/serving/v1/revision/fake"
	"knative.dev/serving/pkg/networking"
)

const (
	namespace = "default"
	// revision is what callers name in Knative-Serving-Revision, beside Knative-Serving-Namespace: default.
	revision = "hello"
)

// cluster is what the activator sees of a cluster: one revision and the endpoints of its pods.
type cluster struct {
	ctx       context.Context
	logger    *zap.SugaredLogger
	limit     int64
	informers []controller.Informer
}

func newCluster(ctx context.Context, limit int64) (*cluster, error) {
	if err := os.Setenv("SYSTEM_NAMESPACE", "knative-serving"); err != nil {
		return nil, err
	}
	config := zap.NewProductionConfig()
	config.Level = zap.NewAtomicLevelAt(zap.WarnLevel)
	logger, err := config.Build()
	if err != nil {
		return nil, err
	}
	ctx = logging.WithLogger(ctx, logger.Sugar())
	ctx, informers := injection.Fake.SetupInformers(ctx, &rest.Config{})
	return &cluster{ctx: ctx, logger: logger.Sugar(), limit: limit, informers: informers}, nil
}

// start makes the revision and runs the informers.
func (c *cluster) start() error {
	timeout := int64(300)
	_, err := servingclient.Get(c.ctx).ServingV1().Revisions(namespace).Create(c.ctx, &servingv1.Revision{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: revision, UID: revision, Labels: map[string]string{
			serving.ConfigurationLabelKey: revision, serving.ServiceLabelKey: revision,
		}},
		Spec: servingv1.RevisionSpec{ContainerConcurrency: &c.limit, TimeoutSeconds: &timeout},
	}, metav1.CreateOptions{})
	if err != nil {
		return fmt.Errorf("create the revision: %w", err)
	}
	return controller.StartInformers(c.ctx.Done(), c.informers...)
}

// setBackends makes the lines of the body the revision's ready pods.
func (c *cluster) setBackends(w http.ResponseWriter, r *http.Request) {
	text, err := io.ReadAll(r.Body)
	if err == nil {
		err = c.apply(strings.Fields(string(text)))
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
	}
}

func (c *cluster) apply(backends []string) error {
	subset, err := subsetOf(backends)
	if err != nil {
		return err
	}
	e := &corev1.Endpoints{ //nolint:staticcheck // Knative's activator watches Endpoints.
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: revision + "-private", Labels: map[string]string{
			serving.RevisionUID: revision, serving.RevisionLabelKey: revision,
			networking.ServiceTypeKey: string(networking.ServiceTypePrivate),
		}},
		Subsets: subset,
	}
	client := kubeclient.Get(c.ctx).CoreV1().Endpoints(namespace)
	_, err = client.Create(c.ctx, e, metav1.CreateOptions{})
	if apierrors.IsAlreadyExists(err) {
		_, err = client.Update(c.ctx, e, metav1.UpdateOptions{})
	}
	return err
}

func subsetOf(backends []string) ([]corev1.EndpointSubset, error) {
	var s corev1.EndpointSubset
	for _, b := range backends {
		host, port, err := net.SplitHostPort(b)
		if err != nil {
			return nil, err
		}
		n, err := strconv.ParseInt(port, 10, 32)
		if err != nil {
			return nil, err
		}
		if len(s.Ports) > 0 && s.Ports[0].Port != int32(n) {
			return nil, fmt.Errorf("backends with different ports: %v", backends)
		}
		s.Ports = []corev1.EndpointPort{{Name: portName, Port: int32(n)}}
		s.Addresses = append(s.Addresses, corev1.EndpointAddress{IP: host})
	}
	return []corev1.EndpointSubset{s}, nil
}

// portName is what Knative calls the port of HTTP/1.1.
const portName = "http"

// networkConfig is config-network as it is installed.
func networkConfig() *corev1.ConfigMap {
	return &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Name: netcfg.ConfigMapName},
		Data:       map[string]string{"ingress-class": "kourier.ingress.networking.knative.dev"},
	}
}
