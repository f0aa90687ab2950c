package v1

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
)

// Annotations that a Function may carry.
const (
	// AnnotationProtocol says what the function's process speaks: a Protocol.
	AnnotationProtocol = "hotpod.dev/protocol"
	// AnnotationContainerConcurrency replaces requestsPerPod with the meaning of Knative's containerConcurrency:
	// 0 is no limit. A function that is called once only keeps its limit of one.
	AnnotationContainerConcurrency = "hotpod.dev/container-concurrency"
	// AnnotationService gives the function a Service of its name, when it is "true".
	AnnotationService = "hotpod.dev/service"
	// AnnotationServiceHosts are further hosts, apart by commas, by which requests may come to the function's Service: those of
	// an Ingress whose backend the Service is.
	AnnotationServiceHosts = "hotpod.dev/service-hosts"
)

// maxContainerConcurrency is Knative's.
const maxContainerConcurrency = 1000

// Protocol is what a function's process speaks.
type Protocol string

// Protocols of functions.
const (
	ProtocolHTTP1 Protocol = "http1" // HTTP/1.1, the default
	ProtocolH2C   Protocol = "h2c"   // HTTP/2 without TLS, and so gRPC
)

// Protocol returns what the function's process speaks, HTTP/1.1 when the function does not say. A container that
// names its port's appProtocol as Kubernetes does says it too.
func (f *Function) Protocol() Protocol {
	switch f.Annotations[AnnotationProtocol] {
	case string(ProtocolH2C):
		return ProtocolH2C
	case "":
		return f.portProtocol()
	default:
		return ProtocolHTTP1
	}
}

// HasService reports whether the function is to have a Service.
func (f *Function) HasService() bool { return f.Annotations[AnnotationService] == "true" }

// ServiceHosts are the further hosts of the function's Service, sorted; none when it is to have no Service.
func (f *Function) ServiceHosts() []string {
	if !f.HasService() {
		return nil
	}
	hosts := strings.FieldsFunc(f.Annotations[AnnotationServiceHosts], func(r rune) bool { return r == ',' || r == ' ' })
	slices.Sort(hosts)
	return slices.Compact(hosts)
}

// serviceHosts matches lists of DNS names in lower case. The admission policy has the same expression.
const serviceHosts = `[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)+(, ?[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)+)*`

// containerConcurrency returns the annotated limit; ok is false when there is none that is valid.
func (f *Function) containerConcurrency() (limit int, ok bool) {
	limit, err := strconv.Atoi(f.Annotations[AnnotationContainerConcurrency])
	return limit, err == nil && limit >= 0 && limit <= maxContainerConcurrency
}

// portProtocol is what the ports of the function's own container say: by appProtocol, or by a name as Knative's users
// write it.
func (f *Function) portProtocol() Protocol {
	if f.Spec.PodSpec == nil {
		return ProtocolHTTP1
	}
	var spec struct {
		Containers []struct {
			Ports []struct {
				Name        string `json:"name"`
				AppProtocol string `json:"appProtocol"`
			} `json:"ports"`
		} `json:"containers"`
	}
	if err := json.Unmarshal(f.Spec.PodSpec.Raw, &spec); err != nil {
		return ProtocolHTTP1 // the API server takes what has another shape
	}
	for _, c := range spec.Containers {
		for _, port := range c.Ports {
			if port.AppProtocol == "kubernetes.io/h2c" || port.AppProtocol == "h2c" || port.Name == "h2c" {
				return ProtocolH2C
			}
		}
	}
	return ProtocolHTTP1
}

func (f *Function) annotations(faults *faults) {
	if _, err := f.Scaling(); err != nil {
		*faults = append(*faults, err)
	}
	protocol, says := f.Annotations[AnnotationProtocol]
	faults.when(says && protocol != string(ProtocolHTTP1) && protocol != string(ProtocolH2C),
		"metadata.annotations["+AnnotationProtocol+"]", "hotpod.dev/protocol is http1 or h2c")
	_, says = f.Annotations[AnnotationContainerConcurrency]
	_, ok := f.containerConcurrency()
	faults.when(says && !ok, "metadata.annotations["+AnnotationContainerConcurrency+"]",
		"hotpod.dev/container-concurrency is a whole number from 0, which is no limit, to 1000")
	service, says := f.Annotations[AnnotationService]
	faults.when(says && service != "true" && service != "false", "metadata.annotations["+AnnotationService+"]",
		"hotpod.dev/service is true or false")
	hosts, says := f.Annotations[AnnotationServiceHosts]
	faults.when(says && hosts != "" && (!matches(serviceHosts, hosts) || len(hosts) > 4096), "metadata.annotations["+AnnotationServiceHosts+"]",
		"hotpod.dev/service-hosts are DNS names in lower case, apart by commas, for example shop.example.com")
}
