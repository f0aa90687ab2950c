package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"hotpod.dev/install"
	"hotpod.dev/kube"
)

// rolloutPause is the time between two looks at the parts.
const rolloutPause = 300 * time.Millisecond

// deployed is what a Deployment says of its pods.
type deployed struct {
	Metadata struct {
		Generation int64 `json:"generation"`
	} `json:"metadata"`
	Spec struct {
		Replicas *int `json:"replicas"`
	} `json:"spec"`
	Status struct {
		ObservedGeneration int64              `json:"observedGeneration"`
		Replicas           int                `json:"replicas"`
		Updated            int                `json:"updatedReplicas"`
		Available          int                `json:"availableReplicas"`
		Conditions         []metav1.Condition `json:"conditions"`
	} `json:"status"`
}

func readDeployed(o *unstructured.Unstructured) (deployed, error) {
	var d deployed
	text, err := o.MarshalJSON()
	if err == nil {
		err = json.Unmarshal(text, &d)
	}
	if err != nil {
		return d, fmt.Errorf("read deployment %s: %w", o.GetName(), err)
	}
	if d.Spec.Replicas == nil {
		one := 1
		d.Spec.Replicas = &one
	}
	return d, nil
}

// done reports whether all pods are of the newest version and ready, and none is left of an older one.
func (d deployed) done() bool {
	n := *d.Spec.Replicas
	return d.Status.ObservedGeneration >= d.Metadata.Generation && d.Status.Updated == n && d.Status.Available >= n && d.Status.Replicas == n
}

// refused says why the Deployment cannot make pods; "" when it can.
func (d deployed) refused() string {
	for _, c := range d.Status.Conditions {
		if c.Type == "ReplicaFailure" && c.Status == metav1.ConditionTrue {
			return c.Message
		}
	}
	return ""
}

// rollouts waits until every part runs as installed, and tells what keeps it from it.
func (i *installation) rollouts(ctx context.Context, objects []*unstructured.Unstructured) error {
	ctx, cancel := context.WithTimeout(ctx, i.timeout)
	defer cancel()
	var open []string
	for _, o := range objects {
		if o.GetKind() == "Deployment" {
			open = append(open, o.GetName())
		}
	}
	said, trouble := map[string]bool{}, map[string]string{}
	for {
		var err error
		if open, err = i.look(ctx, open, trouble); err != nil && ctx.Err() == nil {
			return err
		}
		for _, part := range open {
			if t := trouble[part]; t != "" && !said[part+t] {
				said[part+t] = true
				i.app.progress("! %s: %s", part, t)
			}
		}
		if len(open) == 0 {
			return nil
		}
		select {
		case <-ctx.Done():
			return i.unfinished(ctx, open, trouble)
		case <-time.After(rolloutPause):
		}
	}
}

// look returns the parts that are not done, and notes their troubles.
func (i *installation) look(ctx context.Context, open []string, trouble map[string]string) ([]string, error) {
	var left []string
	for _, part := range open {
		o, err := i.objects.Get(ctx, kube.ObjectRef{APIVersion: "apps/v1", Kind: "Deployment", Namespace: i.namespace, Name: part})
		if err != nil {
			return open, explainInstall(err, "look at "+part)
		}
		d, err := readDeployed(o)
		if err != nil {
			return open, err
		}
		if d.done() {
			i.app.progress("√ %s %d/%d", part, d.Status.Available, *d.Spec.Replicas)
			continue
		}
		left = append(left, part)
		if trouble[part] = d.refused(); trouble[part] == "" {
			trouble[part] = i.podsTrouble(ctx, part)
		}
	}
	return left, nil
}

// podsTrouble says why a pod of the part does not become ready; "" when nothing is wrong so far.
func (i *installation) podsTrouble(ctx context.Context, part string) string {
	pods, err := i.app.clients.Pods(i.namespace).List(ctx, metav1.ListOptions{LabelSelector: labelComponent + "=" + part})
	if err != nil {
		return ""
	}
	for n := range pods.Items {
		if t := startTrouble(&pods.Items[n]); t != "" {
			return t
		}
	}
	return ""
}

// startTrouble says what keeps a pod from starting; a pod that merely starts has none.
func startTrouble(p *corev1.Pod) string {
	for _, c := range p.Status.Conditions {
		if c.Type == corev1.PodScheduled && c.Status == corev1.ConditionFalse && c.Reason == corev1.PodReasonUnschedulable {
			return "no node takes the pod: " + c.Message
		}
	}
	harmless := []string{"", "ContainerCreating", "PodInitializing"}
	for _, s := range slices.Concat(p.Status.InitContainerStatuses, p.Status.ContainerStatuses) {
		if w := s.State.Waiting; w != nil && !slices.Contains(harmless, w.Reason) {
			text := w.Reason + " " + w.Message
			if t := s.LastTerminationState.Terminated; t != nil && t.Message != "" {
				text += ": " + headline(t.Message)
			}
			return strings.TrimSpace(text)
		}
	}
	return ""
}

// unfinished is the error of parts that did not become ready in time.
func (i *installation) unfinished(ctx context.Context, open []string, trouble map[string]string) error {
	if errors.Is(ctx.Err(), context.Canceled) {
		return ctx.Err()
	}
	var lines, try []string
	for _, part := range open {
		text := trouble[part]
		if text == "" {
			text = "not ready; kubectl logs -n " + i.namespace + " deployment/" + part
		}
		lines = append(lines, "  "+part+": "+text)
		if t := mend(text); t != "" && !slices.Contains(try, t) {
			try = append(try, t)
		}
	}
	return &Error{
		Err:  fmt.Errorf("after %s these parts are not ready; what is installed stays, and goes on:\n%s", i.timeout, strings.Join(lines, "\n")),
		Code: ExitTimeout, Try: append(try, "hotpod check", "hotpod install …   # again, after it is mended"),
	}
}

// mend says what to do about a trouble; "" when nobody knows.
func mend(trouble string) string {
	for part, try := range map[string]string{
		"ImagePull":         "hotpod install --set images.registry=REGISTRY,images.tag=TAG   # nodes must be able to pull it; images.pullSecrets={NAME} for credentials",
		"InvalidImageName":  "hotpod install --set images.registry=REGISTRY,images.tag=TAG",
		"PersistentVolume":  "hotpod install --set archives.class=CLASS,logs.class=CLASS   # kubectl get storageclass",
		"exceeded quota":    "ask for a larger quota of the namespace, or lower parts.NAME.resources and parts.NAME.replicas",
		"PodSecurity":       "hotpod install --set platform=OpenShift   # if it is OpenShift",
		"security context":  "hotpod install --set platform=OpenShift   # if it is OpenShift",
		"Insufficient":      "the nodes are full: add one, or lower parts.NAME.resources",
		"untolerated taint": "hotpod install --values FILE   # with tolerations",
	} {
		if strings.Contains(trouble, part) {
			return try
		}
	}
	return ""
}

// deployments returns the names of the Deployments among the references.
func deploymentsOf(refs []install.Ref) []install.Ref {
	return slices.DeleteFunc(slices.Clone(refs), func(r install.Ref) bool { return r.Kind != "Deployment" })
}
