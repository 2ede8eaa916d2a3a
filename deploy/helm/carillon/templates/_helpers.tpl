{{- /* Names, labels, and figures that several templates need. */ -}}

{{- define "carillon.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- /* What all names begin with; 50 characters leave room for what the others add. */}}
{{- define "carillon.fullname" -}}
{{- $name := include "carillon.name" . }}
{{- $full := ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name) }}
{{- default $full .Values.fullnameOverride | trunc 50 | trimSuffix "-" }}
{{- end }}

{{- define "carillon.selector" -}}
app.kubernetes.io/name: {{ include "carillon.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "carillon.labels" -}}
{{ include "carillon.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end }}

{{- define "carillon.image" -}}
{{- with .Values.image }}
{{- .repository }}{{ if .digest }}@{{ .digest }}{{ else }}:{{ .tag | default $.Chart.AppVersion }}{{ end }}
{{- end }}
{{- end }}

{{- define "carillon.routes" -}}
{{- .Values.routes.existingConfigMap | default (printf "%s-routes" (include "carillon.fullname" .)) }}
{{- end }}

{{- define "carillon.hasSources" -}}
{{- if or .Values.sources.file .Values.sources.existingConfigMap }}true{{ end }}
{{- end }}

{{- define "carillon.sources" -}}
{{- .Values.sources.existingConfigMap | default (printf "%s-sources" (include "carillon.fullname" .)) }}
{{- end }}

{{- /* A value as an environment variable. YAML's numbers come as floats, which would be written as 1.048576e+06. */}}
{{- define "carillon.variable" -}}
{{- if and (kindIs "float64" .) (eq . (floor .)) }}{{ int64 . }}{{ else }}{{ . }}{{ end }}
{{- end }}

{{- define "carillon.shutdownTimeout" -}}
{{- $shutdown := int (default 15 .Values.config.SHUTDOWN_TIMEOUT) }}
{{- $drain := int (default 5 .Values.config.DRAIN_SECONDS) }}
{{- if gt (mul 2 $drain) $shutdown }}
{{- fail (printf "config.DRAIN_SECONDS is %d: at most half of config.SHUTDOWN_TIMEOUT, %d, counts" $drain $shutdown) }}
{{- end }}
{{- $shutdown }}
{{- end }}
