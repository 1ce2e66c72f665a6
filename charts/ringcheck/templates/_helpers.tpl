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

{{/* The file that the operator reads: what the chart decides, and config as it is given. */}}
{{- define "ringcheck.config" -}}
{{- $own := dict
  "scope" .Values.scope
  "imagePullPolicy" .Values.image.pullPolicy
  "imagePullSecrets" .Values.image.pullSecrets
  "api" (ternary "0.0.0.0:8080" "127.0.0.1:8080" (not (empty .Values.api.tokenRef)))
  "pages" "0.0.0.0:8081"
  "admin" "0.0.0.0:9464"
}}
{{- toYaml (merge $own .Values.config) }}
{{- end }}
