{{- /*
The pod of a role. Called with a dict of root, role ("gateway" or "consumer"), part (its values) and preStopSeconds.
Routes and sources are mounted as folders, so that changes of their ConfigMaps arrive; only settings roll the pods.
*/ -}}
{{- define "carillon.pod" -}}
{{- $root := .root }}
{{- $values := .root.Values }}
{{- $labels := dict "app.kubernetes.io/component" .role }}
{{- $selector := merge (include "carillon.selector" $root | fromYaml) $labels }}
metadata:
  labels:
    {{- merge (include "carillon.labels" $root | fromYaml) $labels .part.podLabels | toYaml | nindent 4 }}
  annotations:
    checksum/settings: {{ include (print $root.Template.BasePath "/settings.yaml") $root | sha256sum }}
    {{- with .part.podAnnotations }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
spec:
  {{- with $values.serviceAccountName }}
  serviceAccountName: {{ . }}
  {{- end }}
  automountServiceAccountToken: false
  # Else a Service that somebody calls "ops" becomes a variable OPS_PORT=tcp://… in here.
  enableServiceLinks: false
  # preStop, then SHUTDOWN_TIMEOUT, and 5 s to spare.
  terminationGracePeriodSeconds: {{ add .preStopSeconds (include "carillon.shutdownTimeout" $root) 5 }}
  securityContext:
    {{- toYaml $values.podSecurityContext | nindent 4 }}
  {{- with $values.image.pullSecrets }}
  imagePullSecrets:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .part.priorityClassName }}
  priorityClassName: {{ . }}
  {{- end }}
  {{- with .part.nodeSelector }}
  nodeSelector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .part.tolerations }}
  tolerations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .part.affinity }}
  affinity:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $values.topologySpread }}
  topologySpreadConstraints:
    {{- range . }}
    - {{- toYaml . | nindent 6 }}
      labelSelector:
        matchLabels:
          {{- toYaml $selector | nindent 10 }}
    {{- end }}
  {{- end }}
  containers:
    - name: carillon
      image: {{ include "carillon.image" $root | quote }}
      imagePullPolicy: {{ $values.image.pullPolicy }}
      env:
        - name: ROLES
          value: {{ .role }}
        {{- range $name, $secret := $values.secrets }}
        {{- if $secret }}
        - name: {{ $name }}
          valueFrom:
            secretKeyRef:
              name: {{ $secret.name | default $values.existingSecret }}
              key: {{ $secret.key }}
              optional: {{ $secret.optional | default false }}
        {{- end }}
        {{- end }}
        {{- with concat $values.extraEnv .part.extraEnv }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      envFrom:
        - configMapRef:
            name: {{ include "carillon.fullname" $root }}-settings
        {{- with $values.extraEnvFrom }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      ports:
        {{- if eq .role "gateway" }}
        - { name: http, containerPort: 3000 }
        {{- end }}
        - { name: ops, containerPort: 3001 }
      # The parts may come up in any order, and a gateway has not started before events get through a consumer. A restart
      # would not bring them back, so it is given 12.5 minutes; after 10 Kubernetes begins to count restarts anew, so that
      # its pauses never grow.
      startupProbe:
        httpGet: { path: /health/startup, port: ops }
        periodSeconds: 5
        timeoutSeconds: 3
        failureThreshold: 150
      readinessProbe:
        httpGet: { path: /health/ready, port: ops }
        periodSeconds: 5
        timeoutSeconds: 3
        failureThreshold: 2
      livenessProbe:
        httpGet: { path: /health/live, port: ops }
        periodSeconds: 10
        timeoutSeconds: 5
        failureThreshold: 3
      {{- if .preStopSeconds }}
      lifecycle:
        preStop:
          exec:
            command: [sleep, {{ .preStopSeconds | quote }}]
      {{- end }}
      resources:
        {{- toYaml .part.resources | nindent 8 }}
      securityContext:
        {{- toYaml $values.securityContext | nindent 8 }}
      volumeMounts:
        - { name: routes, mountPath: /etc/carillon/routes, readOnly: true }
        {{- if include "carillon.hasSources" $root }}
        - { name: sources, mountPath: /etc/carillon/sources, readOnly: true }
        {{- end }}
        - { name: tmp, mountPath: /tmp }
        {{- with $values.extraVolumeMounts }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
  volumes:
    - name: routes
      configMap:
        name: {{ include "carillon.routes" $root }}
    {{- if include "carillon.hasSources" $root }}
    - name: sources
      configMap:
        name: {{ include "carillon.sources" $root }}
    {{- end }}
    - name: tmp
      emptyDir: { medium: Memory, sizeLimit: 16Mi }
    {{- with $values.extraVolumes }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
{{- end }}
