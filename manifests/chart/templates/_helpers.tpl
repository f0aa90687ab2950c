{{- /* The image of a part: (list $ "xds"). */ -}}
{{- define "hotpod.image" -}}
{{- $images := (index . 0).Values.images -}}
{{- with $images.registry }}{{ . }}/{{ end }}hotpod/{{ index . 1 }}{{ with $images.tag }}:{{ . }}{{ end }}
{{- end -}}

{{- /* What is the same in the pods of all parts. */ -}}
{{- define "hotpod.pod" -}}
{{- with $.Values.images.pullSecrets }}
imagePullSecrets:
{{- range . }}
  - name: {{ . }}
{{- end }}
{{- end }}
{{- with $.Values.nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $.Values.tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $.Values.priorityClass }}
priorityClassName: {{ . }}
{{- end }}
{{- end -}}

{{- /* How the Service router is reached from outside. */ -}}
{{- define "hotpod.service.type" -}}
{{- if eq $.Values.expose.type "NodePort" }}
type: NodePort
{{- end }}
{{- if eq $.Values.expose.type "LoadBalancer" }}
type: LoadBalancer
{{- with $.Values.expose.class }}
loadBalancerClass: {{ . }}
{{- end }}
{{- end }}
{{- end -}}

{{- define "hotpod.service.annotations" -}}
{{- if or (eq $.Values.expose.type "NodePort") (eq $.Values.expose.type "LoadBalancer") }}
{{- with $.Values.expose.annotations }}
annotations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
{{- end -}}

{{- /* The archive store's settings of S3. */ -}}
{{- define "hotpod.s3" -}}
- name: HOTPOD_S3_ENDPOINT
  value: {{ required "archives.s3.endpoint is needed with archives.store S3" $.Values.archives.s3.endpoint | quote }}
- name: HOTPOD_S3_BUCKET
  value: {{ required "archives.s3.bucket is needed with archives.store S3" $.Values.archives.s3.bucket | quote }}
- name: HOTPOD_S3_PREFIX
  value: {{ $.Values.archives.s3.prefix | quote }}
- name: HOTPOD_S3_REGION
  value: {{ $.Values.archives.s3.region | quote }}
{{- with $.Values.archives.s3.secret }}
{{- $secret := . }}
{{- range $key := list "AWS_ACCESS_KEY_ID" "AWS_SECRET_ACCESS_KEY" }}
- name: {{ $key }}
  valueFrom:
    secretKeyRef:
      name: {{ $secret }}
      key: {{ $key }}
{{- end }}
{{- end }}
{{- end -}}

{{- /* The namespaces of Prometheus, as a list in one line. */ -}}
{{- define "hotpod.prometheus" -}}
{{- if eq $.Values.monitoring.variant "OpenShift" -}}
[openshift-user-workload-monitoring]
{{- else -}}
{{ toJson $.Values.monitoring.namespaces }}
{{- end -}}
{{- end -}}
