{{- define "ringcheck.name" -}}
{{- if contains "ringcheck" .Release.Name }}{{ .Release.Name | trunc 50 | trimSuffix "-" }}{{ else }}{{ printf "%s-ringcheck" (.Release.Name | trunc 40 | trimSuffix "-") }}{{ end }}
{{- end }}

{{- define "ringcheck.serviceAccount" -}}
{{ .Values.serviceAccount.name | default (include "ringcheck.name" .) }}
{{- end }}

{{/* What selects the pods of a component: {component, root}. */}}
{{- define "ringcheck.selector" -}}
app.kubernetes.io/name: ringcheck
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{- define "ringcheck.labels" -}}
{{ include "ringcheck.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version }}
{{- end }}

{{- define "ringcheck.image" -}}
{{- if .Values.image.digest }}{{ .Values.image.repository }}@{{ .Values.image.digest }}{{ else }}{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}{{ end }}
{{- end }}

{{- define "ringcheck.replicas" -}}
{{- if kindIs "invalid" .Values.replicas }}{{ ternary 2 1 (not (empty .Values.history.postgresql.urlRef)) }}{{ else }}{{ .Values.replicas }}{{ end }}
{{- end }}

{{/* What every pod is allowed: the restricted level of Pod Security. */}}
{{- define "ringcheck.podSecurity" -}}
runAsNonRoot: true
fsGroup: 65532
fsGroupChangePolicy: OnRootMismatch
seccompProfile: { type: RuntimeDefault }
{{- end }}

{{- define "ringcheck.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: { drop: [ALL] }
{{- end }}

{{- define "ringcheck.pullSecrets" -}}
{{- with .Values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- end }}

{{/* Whose tokens the API takes: Kubernetes, Keys or None. */}}
{{- define "ringcheck.authentication" -}}
{{- $cluster := eq .Values.scope "Cluster" }}
{{- $default := ternary "Keys" (ternary "Kubernetes" "None" $cluster) (not (empty .Values.api.keysSecret)) }}
{{- $chosen := .Values.api.authentication | default $default }}
{{- if and (eq $chosen "Kubernetes") (not $cluster) }}
{{- fail "api.authentication: Kubernetes needs scope: Cluster, because to review tokens is a right over the cluster; with Namespaced there are Keys" }}
{{- end }}
{{- if and (eq $chosen "Keys") (empty .Values.api.keysSecret) }}
{{- fail "api.authentication: Keys needs api.keysSecret" }}
{{- end }}
{{- $chosen }}
{{- end }}

{{/* The file that the operator reads: what the chart decides, and config as it is given. */}}
{{- define "ringcheck.config" -}}
{{- $authentication := include "ringcheck.authentication" . }}
{{- $own := dict
  "scope" .Values.scope
  "imagePullPolicy" .Values.image.pullPolicy
  "imagePullSecrets" .Values.image.pullSecrets
  "api" (ternary "127.0.0.1:8080" "0.0.0.0:8080" (eq $authentication "None"))
  "authentication" $authentication
  "audiences" .Values.api.audiences
  "pages" "0.0.0.0:8081"
  "admin" "0.0.0.0:9464"
}}
{{- toYaml (merge $own .Values.config) }}
{{- end }}
