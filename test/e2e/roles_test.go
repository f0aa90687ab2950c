package e2e

import (
	"bufio"
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"
)

// asked is a request of a component, as the audit log has it.
type asked struct {
	Verb, RequestURI string
	User             struct{ Username string }
	ObjectRef        struct{ APIGroup, Resource, Subresource, Namespace string }
	ResponseStatus   struct{ Message string }
	Annotations      map[string]string
}

// audit returns what the components asked of the API server so far.
func audit(t *testing.T) []asked {
	t.Helper()
	file, err := os.Open(os.Getenv("HOTPOD_TEST_AUDIT"))
	if err != nil {
		t.Skip("needs the audit log of the cluster: make e2e")
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<22)
	var all []asked
	for lines.Scan() {
		var a asked
		if err := json.Unmarshal(lines.Bytes(), &a); err != nil {
			t.Fatal(err)
		}
		all = append(all, a)
	}
	if len(all) == 0 {
		t.Fatal("the audit log is empty")
	}
	return all
}

// Whatever the components asked of the API server, they were allowed to. What they may in a test's own namespace
// ends with it, while they still work there.
func TestRoles_DeniedNothing(t *testing.T) {
	for _, a := range audit(t) {
		if n := a.ObjectRef.Namespace; strings.HasPrefix(n, "e2e-") || strings.HasPrefix(n, "story-") {
			continue
		}
		if a.Annotations["authorization.k8s.io/decision"] == "forbid" {
			t.Errorf("%s may not %s %s: %s", a.User.Username, a.Verb, a.RequestURI, a.ResponseStatus.Message)
		}
	}
}

// unseen are rights that nothing here is sure to use, and what for.
func unseen() map[string]string {
	all := map[string]string{}
	for why, some := range map[string][]string{
		"code that is not kept any more":                {"autoscaler get fission.io packages"},
		"settings with a fault":                         {"autoscaler create  events", "autoscaler patch  events"},
		"a control key that is another one":             {"autoscaler update  configmaps", "controller update  configmaps"},
		"whoever starts first makes what parts share":   {"autoscaler create  configmaps", "controller create  secrets", "autoscaler create  secrets", "storagesvc create  secrets", "logger create  secrets"},
		"events that are counted when they come again":  {"controller patch  events"},
		"anchors of environments that are gone":         {"controller delete  configmaps", "controller list  configmaps", "autoscaler list  configmaps", "autoscaler create  configmaps"},
		"builds, for which there is no builder here":    {"controller create  pods", "controller delete  pods", "controller create  configmaps", "controller get  configmaps", "controller get fission.io packages", "controller get fission.io environments", "controller update fission.io packages", "controller update fission.io packages/status"},
		"functions that follow a package that is built": {"controller patch fission.io functions"},
		"certificates and keys that are renewed":        {"controller update  secrets"},
		"Services that somebody changed, or has":        {"controller update  services", "controller get  services"},
		"what publishes routes, of kinds that are not all here": {
			"controller create gateway.networking.k8s.io httproutes", "controller delete gateway.networking.k8s.io httproutes",
			"controller get gateway.networking.k8s.io httproutes", "controller patch gateway.networking.k8s.io httproutes",
			"controller create networking.k8s.io ingresses", "controller delete networking.k8s.io ingresses",
			"controller get networking.k8s.io ingresses", "controller patch networking.k8s.io ingresses",
			"controller create route.openshift.io routes", "controller delete route.openshift.io routes",
			"controller get route.openshift.io routes", "controller patch route.openshift.io routes",
			"controller create route.openshift.io routes/custom-host", "controller update route.openshift.io routes/custom-host",
		},
	} {
		for _, right := range some {
			all[right] = why
		}
	}
	return all
}

// Every rule of every role was needed by somebody who has it, or is known to be for something else.
func TestRoles_AllowNothingThatIsNotUsed(t *testing.T) {
	if os.Getenv("E2E_RIGHTS") == "" {
		t.Skip("only all stories and tests together use all rights: E2E_RIGHTS=1 make e2e")
	}
	used := map[string]bool{}
	for _, a := range audit(t) {
		_, account, _ := strings.Cut(a.User.Username, "system:serviceaccount:fission:")
		resource := a.ObjectRef.Resource
		if a.ObjectRef.Subresource != "" {
			resource += "/" + a.ObjectRef.Subresource
		}
		used[strings.Join([]string{account, a.Verb, a.ObjectRef.APIGroup, resource}, " ")] = true
	}
	elsewhere := unseen()
	for _, right := range rights(t, newCluster(t)) {
		// API servers from 1.34 on stream what there is to those who watch; older ones are asked for lists.
		streamed := used[strings.Replace(right, " list ", " watch ", 1)]
		if !used[right] && !streamed && elsewhere[right] == "" {
			t.Errorf("%s (verb, group, resource) is allowed and nobody used it", right)
		}
	}
}

// rights returns "account verb group resource" for all that roles give to the components.
func rights(t *testing.T, c *cluster) []string {
	t.Helper()
	var roles struct{ Items []rbacv1.ClusterRole }
	var bindings struct{ Items []rbacv1.ClusterRoleBinding }
	for kinds, into := range map[string]any{"clusterroles,roles": &roles, "clusterrolebindings,rolebindings": &bindings} {
		out := c.run("kubectl", "get", kinds, "-A", "-l", "app.kubernetes.io/part-of=hotpod", "-o", "json")
		if err := json.Unmarshal([]byte(out), into); err != nil {
			t.Fatal(err)
		}
	}
	var all []string
	for _, b := range bindings.Items {
		for _, r := range roles.Items {
			// What is put together of others' rules belongs to them.
			if r.AggregationRule != nil || r.Name != b.RoleRef.Name || r.Kind != b.RoleRef.Kind || r.Kind == "Role" && r.Namespace != b.Namespace {
				continue
			}
			for _, s := range b.Subjects {
				if s.Kind == rbacv1.ServiceAccountKind && s.Namespace == "fission" {
					all = append(all, flat(s.Name, r.Rules)...)
				}
			}
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

func flat(account string, rules []rbacv1.PolicyRule) []string {
	var all []string
	for _, rule := range rules {
		for _, group := range rule.APIGroups {
			for _, resource := range rule.Resources {
				for _, verb := range rule.Verbs {
					all = append(all, strings.Join([]string{account, verb, group, resource}, " "))
				}
			}
		}
	}
	return all
}
