package platform

import (
	"context"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"hotpod.dev/local/process"
	"hotpod.dev/wire"
)

// statusTimeout bounds the questions to the API server.
const statusTimeout = 3 * time.Second

// Status is all that can be said of a platform.
type Status struct {
	State   `json:",inline"`
	Summary `json:",inline"`
	// Parts are Hotpod's own pods; nil when the API server does not answer.
	Parts []Part `json:"parts,omitempty"`
	// Pods counts the functions' pods by what they are: warm, hot, draining.
	Pods map[string]int `json:"pods,omitempty"`
	// Memory lists every process of the platform, the supervisor first.
	Memory []process.Info `json:"memory,omitempty"`
}

// Part is one of Hotpod's own pods.
type Part struct {
	Name     string `json:"name"`
	Ready    bool   `json:"ready"`
	Restarts int    `json:"restarts"`
	Address  string `json:"address,omitempty"`
	// Reason tells why it is not ready.
	Reason string `json:"reason,omitempty"`
}

// ReadStatus looks at the platform in the folder, which need not run. The phase is empty when there never was one.
func ReadStatus(ctx context.Context, dir string) (Status, error) {
	l := Layout(dir)
	state, err := ReadState(l)
	if err != nil {
		return Status{}, err
	}
	s := Status{State: state, Summary: Summarize(l, state)}
	if !state.Running() {
		s.Processes = nil
		if state.Phase != "" && state.Phase != Stopped {
			s.Phase, s.Problem = Stopped, "the platform was killed while it was "+string(state.Phase)+"; the next start cleans up"
		}
		return s, nil
	}
	s.Memory = process.Tree(state.Supervisor.PID)
	if err := checkDisk(dir); err != nil {
		s.Problem = err.Error()
	}
	ctx, cancel := context.WithTimeout(ctx, statusTimeout)
	defer cancel()
	if err := s.addPods(ctx); err != nil && s.Problem == "" {
		s.Problem = "the API server does not answer: " + err.Error()
	}
	return s, nil
}

// addPods asks the API server for the parts and the functions' pods.
func (s *Status) addPods(ctx context.Context) error {
	config, err := clientcmd.BuildConfigFromFlags("", s.Kubeconfig)
	if err != nil {
		return err
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	pods, err := client.CoreV1().Pods("").List(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	s.Pods = map[string]int{}
	for i := range pods.Items {
		pod := &pods.Items[i]
		if state, ok := pod.Labels[wire.LabelState]; ok {
			s.Pods[state]++
		}
		if pod.Annotations[corev1.MirrorPodAnnotationKey] != "" {
			s.Parts = append(s.Parts, part(pod))
		}
	}
	slices.SortFunc(s.Parts, func(a, b Part) int { return strings.Compare(a.Name, b.Name) })
	return nil
}

func part(pod *corev1.Pod) Part {
	p := Part{Name: pod.Name, Ready: true, Address: pod.Status.PodIP}
	if err := unready(pod); err != nil {
		p.Ready, p.Reason = false, err.Error()
	}
	for _, c := range pod.Status.ContainerStatuses {
		p.Restarts += int(c.RestartCount)
	}
	return p
}
