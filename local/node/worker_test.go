package node

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
)

func TestWorker_RunsAPodWithEverythingItAskedFor(t *testing.T) {
	pod := shellPod(`echo $POD_IP $FROM_IMAGE $HOSTNAME $GREETING; cat /etc/podinfo/labels /config/a; cat /work/init; grep $POD_IP /etc/hosts | wc -l; exec sleep 1000`)
	pod.Spec.InitContainers = []corev1.Container{{
		Name: "first", Image: "shell", Args: []string{"echo made >/work/init"},
		VolumeMounts: []corev1.VolumeMount{{Name: "work", MountPath: "/work"}},
	}}
	c := &pod.Spec.Containers[0]
	c.Env = []corev1.EnvVar{
		{Name: "POD_IP", ValueFrom: &corev1.EnvVarSource{FieldRef: &corev1.ObjectFieldSelector{FieldPath: "status.podIP"}}},
		{Name: "GREETING", Value: "hello-$(POD_IP)"},
	}
	c.VolumeMounts = []corev1.VolumeMount{{Name: "info", MountPath: "/etc/podinfo"}, {Name: "config", MountPath: "/config"}, {Name: "work", MountPath: "/work"}}
	pod.Spec.Volumes = []corev1.Volume{
		{Name: "work", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}},
		{Name: "config", VolumeSource: corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{LocalObjectReference: corev1.LocalObjectReference{Name: "cm"}}}},
		{Name: "info", VolumeSource: corev1.VolumeSource{DownwardAPI: &corev1.DownwardAPIVolumeSource{Items: []corev1.DownwardAPIVolumeFile{
			{Path: "labels", FieldRef: &corev1.ObjectFieldSelector{FieldPath: "metadata.labels"}},
		}}}},
	}
	f := start(t, pod)
	f.eventually("missing config map is told", func() bool {
		return f.events.has(`FailedMount: MountVolume.SetUp failed for volume "config": configmap "cm" not found`)
	})
	cm := &corev1.ConfigMap{Data: map[string]string{"a": "config\n"}}
	cm.Name, cm.Namespace = "cm", "ns"
	f.objects.put(cm)
	f.ready()
	ip := f.api.last().PodIP
	want := ip + " yes p hello-" + ip + "\napp=\"test\"config\nmade\n1\n"
	f.eventually("output", func() bool { return strings.HasSuffix(f.log(0), "1\n") })
	if got := f.log(0); got != want {
		t.Errorf("log:\n%s\nwant:\n%s", got, want)
	}
	if s := f.api.last(); s.Phase != corev1.PodRunning || ip != "127.77.1.0" || s.InitContainerStatuses[0].State.Terminated == nil {
		t.Errorf("status %+v", s)
	}
}
