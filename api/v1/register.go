package v1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// GroupVersion is the API group and version of every kind in this package.
var GroupVersion = schema.GroupVersion{Group: "fission.io", Version: "v1"} //nolint:gochecknoglobals // a constant struct

// AddToScheme registers the kinds of this package, and the meta types that clients need, in s.
func AddToScheme(s *runtime.Scheme) error {
	s.AddKnownTypes(GroupVersion,
		&Environment{}, &EnvironmentList{},
		&Function{}, &FunctionList{},
		&Package{}, &PackageList{},
		&HTTPTrigger{}, &HTTPTriggerList{},
		&TimeTrigger{}, &TimeTriggerList{},
		&KubernetesWatchTrigger{}, &KubernetesWatchTriggerList{},
		&FissionTenant{}, &FissionTenantList{},
	)
	metav1.AddToGroupVersion(s, GroupVersion)
	return nil
}

// Resource names of the kinds, as in URLs of the Kubernetes API.
const (
	ResourceEnvironments            = "environments"
	ResourceFunctions               = "functions"
	ResourcePackages                = "packages"
	ResourceHTTPTriggers            = "httptriggers"
	ResourceTimeTriggers            = "timetriggers"
	ResourceKubernetesWatchTriggers = "kuberneteswatchtriggers"
	ResourceFissionTenants          = "fissiontenants"
)
