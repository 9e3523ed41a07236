{{- define "imageferry.name" -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- end }}

{{- define "imageferry.selectorLabels" -}}
app.kubernetes.io/name: imageferry
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .role }}
{{- end }}

{{- define "imageferry.labels" -}}
{{ include "imageferry.selectorLabels" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ .root.Chart.Name }}-{{ .root.Chart.Version }}
{{- end }}

{{- define "imageferry.image" -}}
{{- with .Values.image -}}
{{- if .digest -}}
{{ .repository }}@{{ .digest }}
{{- else -}}
{{ .repository }}:{{ .tag | default $.Chart.AppVersion }}
{{- end -}}
{{- end -}}
{{- end }}

{{- define "imageferry.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{ .Values.serviceAccount.name | default (include "imageferry.name" .) }}
{{- else -}}
{{ .Values.serviceAccount.name | default "default" }}
{{- end -}}
{{- end }}

{{/* The names of the secret settings that a role gets, as a JSON list: transfer workers get only what they need. */}}
{{- define "imageferry.secretNames" -}}
{{- $names := keys .root.Values.secrets | sortAlpha -}}
{{- if ne .role "gateway" -}}
{{- $names = without $names "IMAGEFERRY_API_TOKEN" -}}
{{- end -}}
{{- if eq .role "transfer" -}}
{{- $names = without $names "DATABASE_URL" "DB_PASSWORD" "IMAGEFERRY_WEBHOOK_SECRET" -}}
{{- end -}}
{{- if eq .role "migrate" -}}
{{- $kept := list -}}
{{- range $names }}{{ if or (eq . "DATABASE_URL") (eq . "DB_PASSWORD") }}{{ $kept = append $kept . }}{{ end }}{{ end -}}
{{- $names = $kept -}}
{{- end -}}
{{- $names | toJson -}}
{{- end }}

{{- define "imageferry.env" -}}
{{- $hosts := concat (.root.Values.ingress.enabled | ternary .root.Values.ingress.hosts list) (.root.Values.httpRoute.enabled | ternary .root.Values.httpRoute.hostnames list) -}}
{{- if and $hosts (eq .role "gateway") (not (hasKey .root.Values.config "IMAGEFERRY_ALLOWED_HOSTS")) }}
- name: IMAGEFERRY_ALLOWED_HOSTS
  value: {{ join "," $hosts | quote }}
{{- end }}
{{- range $name, $value := .root.Values.config }}
- name: {{ $name }}
  value: {{ $value | toString | quote }}
{{- end }}
{{- range include "imageferry.secretNames" . | fromJsonArray }}
- name: {{ . }}_FILE
  value: /run/secrets/imageferry/{{ . }}
{{- end }}
{{- end }}

{{- define "imageferry.podSecurity" -}}
automountServiceAccountToken: false
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  fsGroup: 10001
  seccompProfile:
    type: RuntimeDefault
{{- end }}

{{- define "imageferry.containerSecurity" -}}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  runAsNonRoot: true
  runAsUser: 10001
  capabilities:
    drop: [ALL]
{{- end }}

{{- define "imageferry.volumeMounts" -}}
- name: home
  mountPath: /data
- name: tmp
  mountPath: /tmp
{{- if include "imageferry.secretNames" . | fromJsonArray }}
- name: secrets
  mountPath: /run/secrets/imageferry
  readOnly: true
{{- end }}
{{- end }}

{{- define "imageferry.volumes" -}}
{{- $root := .root -}}
- name: tmp
  emptyDir:
    sizeLimit: 1Gi
- name: home
{{- if and .root.Values.persistence.enabled (or (eq .role "gateway") (eq .role "migrate")) }}
  persistentVolumeClaim:
    claimName: {{ include "imageferry.name" .root }}
{{- else }}
  emptyDir:
    sizeLimit: 1Gi
{{- end }}
{{- with include "imageferry.secretNames" . | fromJsonArray }}
- name: secrets
  projected:
    defaultMode: 0440
    sources:
    {{- range . }}
    {{- $reference := index $root.Values.secrets . }}
    - secret:
        name: {{ $reference.secret }}
        items:
        - key: {{ $reference.key }}
          path: {{ . }}
    {{- end }}
{{- end }}
{{- end }}

{{/* Fails where the values contradict each other. */}}
{{- define "imageferry.check" -}}
{{- $given := merge (dict) .Values.config .Values.secrets -}}
{{- if .Values.workers.enabled -}}
{{- if not (or (hasKey $given "CELERY_BROKER_URL") (hasKey $given "REDIS_URL")) }}{{ fail "workers.enabled needs CELERY_BROKER_URL in config or secrets." }}{{ end -}}
{{- if not (or (hasKey $given "DATABASE_URL") (hasKey $given "DB_SERVER")) }}{{ fail "workers.enabled needs DATABASE_URL in config or secrets: pods can't share a SQLite file." }}{{ end -}}
{{- if .Values.persistence.enabled }}{{ fail "persistence is for the gateway alone: set workers.enabled to false, or persistence.enabled." }}{{ end -}}
{{- else -}}
{{- if or (gt (int .Values.gateway.replicas) 1) .Values.gateway.autoscaling.enabled }}{{ fail "Several gateways need workers.enabled: only one process can work on the jobs." }}{{ end -}}
{{- if not (or .Values.persistence.enabled (hasKey $given "DATABASE_URL") (hasKey $given "DB_SERVER")) }}{{ fail "Nothing would keep the catalog: set persistence.enabled, or DATABASE_URL in secrets." }}{{ end -}}
{{- end -}}
{{- if not (hasKey $given "IMAGEFERRY_API_TOKEN") }}{{ fail "Set secrets.IMAGEFERRY_API_TOKEN: {secret: NAME, key: KEY}. The gateway refuses to serve a network without a token." }}{{ end -}}
{{- end }}
