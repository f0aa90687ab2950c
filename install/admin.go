package install

import (
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// AdminPart splits the objects of an installation: what only an administrator of the cluster may apply, and what an administrator
// of the platform's namespace may. Both are rendered, so that Helm's clusterWide=false means the same.
func AdminPart(values Values, namespace string) (admin, own []*unstructured.Unstructured, err error) {
	all, err := Render(values.Merge(Values{"clusterWide": true}), namespace)
	if err != nil {
		return nil, nil, err
	}
	if own, err = Render(values.Merge(Values{"clusterWide": false}), namespace); err != nil {
		return nil, nil, err
	}
	mine := Refs(own)
	for _, o := range all {
		if !slices.Contains(mine, RefOf(o)) {
			admin = append(admin, o)
		}
	}
	return admin, own, nil
}
