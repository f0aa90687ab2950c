// Package parts turns Hotpod's manifests into what the embedded platform runs. The folder is the one that a cluster's
// overlay would be; there are three differences to kubectl apply -k:
//
//   - Placeholders ${NAME} of the rendered text are replaced before it is parsed (Values lists the names), because every
//     platform has addresses of its own. Other text with a dollar sign is left alone.
//   - A Deployment becomes one static pod, NAME-<node>, since no scheduler and no deployment controller run here. The API
//     refuses mirror objects that refer to other objects, so the pod refers to none: contents of Secrets and ConfigMaps
//     and the service account's token are written to files and mounted from the host, variables are made literal.
//   - Everything else is applied on the server's side; what an earlier version applied and this one lacks is deleted,
//     but never a definition of objects, since their objects would go with it.
//
// The credentials of a part are where a pod finds them in any cluster, with a kubeconfig beside them that KUBECONFIG names.
package parts
