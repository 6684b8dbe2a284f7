#!/usr/bin/env bash
# The compose files and the Kubernetes manifests, without containers: against their schemas and this repository's rules,
# and what compose would start once as plain processes.   check.sh BUILD_DIR
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
build=$(cd "$1" && pwd)

install() {
  cd "$here/check"
  cmp -s package-lock.json node_modules/.installed-from && return 0
  # Engines: the schemas ask for a newer Node than Debian's, and run on 18 as well.
  npm ci --no-audit --no-fund --ignore-scripts --loglevel=error >&2
  cp package-lock.json node_modules/.installed-from
}

# Nothing of the caller's environment, and an .env that holds only what the original's quick start lists.
compose() { # ARGS…
  env -i PATH="$PATH" HOME="$work" docker-compose --env-file "$work/env" --project-directory "$top" "$@"
}

check_compose() { # FILE
  local profiles=(--profile postgres --profile azurite --profile s3)
  compose -f "$top/$1" config -q
  compose -f "$top/$1" "${profiles[@]}" config >"$work/config.yml"
  node "$here/check/compose.mjs" "$1" "$top/config/default.json" <"$work/config.yml"
  echo GATEWAY_PORT=8080 >>"$work/env"
  compose -f "$top/$1" config | node "$here/check/compose.mjs" "$1" "$top/config/default.json"
  sed -i '$d' "$work/env"
  echo "$1 is right, with and without its profiles"
}

# On local disk, and with the rest as the file says.
run_as_processes() { # COMPOSE_FILE
  printf '%s\n' STORAGE_PROVIDER=local LOG_LEVEL=warning GATEWAY_PORT=8080 >"$work/env"
  mkdir "$work/$1"
  compose -f "$top/$1" config >"$work/config.yml"
  node "$here/check/processes.mjs" "$build" "$work/$1" <"$work/config.yml"
}

# kustomize is part of kubectl. Debian 12's own (1.20) knows no components.
check_kubernetes() {
  local overlay folder=$top/config/kubernetes parts=()
  if ! kubectl version --client 2>/dev/null | grep -qE 'Kustomize Version: v([5-9]|[1-9][0-9])'; then
    echo "there is no kubectl 1.27 or later here: each manifest is checked by itself, the overlays are not put together"
    mapfile -t parts < <(find "$folder" -name '*.yaml' ! -name kustomization.yaml ! -name service-pod.yaml ! -name on-volume.yaml)
    node "$here/check/kubernetes.mjs" --each-alone "${parts[@]}"
    return
  fi
  # The production overlay also with the component that it names as a comment.
  cp -r "$folder" "$work/kubernetes"
  sed -i 's/# - \.\.\/\.\.\/components\/tls/- ..\/..\/components\/tls/' "$work/kubernetes/overlays/production/kustomization.yaml"
  for overlay in "$folder/overlays/production" "$work/kubernetes/overlays/production" "$folder/overlays/one-node"; do
    kubectl kustomize "$overlay" >"$work/objects.yaml"
    node "$here/check/kubernetes.mjs" "$work/objects.yaml"
  done
  grep -q 'scheme: HTTPS' <<<"$(kubectl kustomize "$work/kubernetes/overlays/production")"
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cat >"$work/env" <<'TEXT'
GOOGLE_API_KEY=your-google-api-key
STORAGE_PROVIDER=azure
AZURE_STORAGE_CONNECTION_STRING=your-connection-string
AZURE_STORAGE_CONTAINER_NAME=images
DB_SERVER=your-server.database.windows.net
DB_NAME=your-database
DB_USER=your-username
DB_PASSWORD=your-password
TEXT
(install)
check_compose docker-compose.yml
check_compose docker-compose.microservices.yml
check_kubernetes
run_as_processes docker-compose.yml
run_as_processes docker-compose.microservices.yml
