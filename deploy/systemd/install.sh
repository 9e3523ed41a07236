#!/usr/bin/env bash
# Install imageferry on a machine with systemd, or upgrade it: run again. See docs/vm.md.
#
#   install.sh [PACKAGE]     a wheel, or what pip understands: imageferry==0.1.0, 'imageferry[otel]' (default: imageferry)
#   install.sh --uninstall   remove the units and the program; settings, secrets, catalog and images stay
#
# PYTHON is the interpreter (default: python3). With DESTDIR, only the files are written, into that folder.
set -euo pipefail
shopt -s nullglob extglob
umask 022
export LC_ALL=C

here=$(cd "$(dirname "$0")" && pwd)
root=${DESTDIR:-}
program=/opt/imageferry
units=$root/etc/systemd/system
secrets=$root/etc/imageferry/secrets
declare -A ports=([crawl]=8001 [transfer]=8002 [record]=8003) # where the workers serve /health and /metrics
unit_files=(imageferry.service imageferry-migrate.service imageferry-worker@.service)
services=(imageferry.service imageferry-worker@{crawl,transfer,record}.service)

main() {
  [[ $# -le 1 ]] || fail "Name one package, or --uninstall."
  case ${1:-imageferry} in
    --uninstall) uninstall ;;
    -*) fail "There is no option ${1}; see the first lines of $0." ;;
    *) if [[ $root ]]; then write_files; else install_or_upgrade "${1:-imageferry}"; fi ;;
  esac
}

install_or_upgrade() { # package
  local python=${PYTHON:-python3} wheels unit enabled=()
  check_machine "$python"
  # Everything is downloaded before anything stops.
  "$python" -m venv "$program"
  wheels=$(mktemp -d)
  trap 'rm -rf "'"$wheels"'"' EXIT
  "$program/bin/pip" wheel --quiet --wheel-dir "$wheels" "$1"

  for unit in "${services[@]}"; do
    if systemctl is-enabled --quiet "$unit" 2> /dev/null; then enabled+=("$unit"); fi
  done
  [[ ${#enabled[@]} -eq 0 ]] || systemctl stop "${enabled[@]}"
  "$program/bin/pip" install --quiet --upgrade --no-index --find-links "$wheels" "$1"
  id -u imageferry > /dev/null 2>&1 ||
    useradd --system --user-group --home-dir /var/lib/imageferry --no-create-home --shell /usr/sbin/nologin imageferry
  write_files
  systemctl daemon-reload
  if [[ ${#enabled[@]} -eq 0 ]]; then
    echo "Installed $("$program/bin/imageferry" --version). Start it: systemctl enable --now imageferry.service"
  else
    # A machine for transfers only has no database.
    [[ ${enabled[*]} == imageferry-worker@transfer.service ]] || systemctl start imageferry-migrate.service
    systemctl start "${enabled[@]}"
    echo "Installed $("$program/bin/imageferry" --version), and restarted ${enabled[*]}."
  fi
}

check_machine() { # python
  [[ $EUID -eq 0 ]] || fail "Run this as root: sudo $0"
  local version
  version=$(systemctl --version | sed -n '1s/^systemd \([0-9]*\).*/\1/p') || fail "There is no systemd on this machine."
  [[ $version -ge 250 ]] || fail "systemd $version is too old: 250 or newer is needed, as in Debian 12 or Ubuntu 24.04."
  "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || fail "$1 is not Python 3.11 or newer: set PYTHON."
  "$1" -c 'import ensurepip, venv' 2> /dev/null || fail "$1 cannot make a venv: apt-get install python3-venv"
}

write_files() {
  local unit path
  install -d -m 700 "$secrets"
  [[ -e $secrets/IMAGEFERRY_API_TOKEN ]] ||
    (umask 077 && od -A n -N 32 -t x1 /dev/urandom | tr -d ' \n' > "$secrets/IMAGEFERRY_API_TOKEN")
  [[ -e $root/etc/imageferry/imageferry.env ]] ||
    install -m 640 "$here/imageferry.env" "$root/etc/imageferry/imageferry.env"
  for unit in "${unit_files[@]}"; do
    install -D -m 644 "$here/$unit" "$units/$unit"
    install -D -m 644 "$here/common.conf" "$units/$unit.d/10-common.conf"
  done
  for unit in imageferry-migrate.service "${services[@]}"; do
    mkdir -p "$units/$unit.d"
    environment_of "$unit" > "$units/$unit.d/20-secrets.conf"
  done
  for path in "$secrets"/!(+([A-Z0-9_])); do
    echo "$path is not used: its name is no setting's." >&2
  done
}

environment_of() { # service: its port, and the secrets that it needs
  local role=${1#imageferry-worker@} path name
  role=${role%.service}
  echo "# Written by install.sh from the names of the files in /etc/imageferry/secrets: run it again after a change."
  echo "[Service]"
  if [[ ${ports[$role]:-} ]]; then echo "Environment=IMAGEFERRY_HEALTH_PORT=${ports[$role]}"; fi
  for path in "$secrets"/+([A-Z0-9_]); do
    name=${path##*/}
    case $role/$name in
      imageferry/*) ;;
      imageferry-migrate/@(DATABASE|DB|SQLALCHEMY)_*) ;;
      imageferry-migrate/* | */IMAGEFERRY_API_TOKEN) continue ;;
      transfer/@(DATABASE|DB|SQLALCHEMY)_* | transfer/IMAGEFERRY_WEBHOOK_SECRET) continue ;;
    esac
    echo "LoadCredential=$name:/etc/imageferry/secrets/$name"
    case $name in
      GOOGLE_APPLICATION_CREDENTIALS | GOOGLE_SERVICE_ACCOUNT) echo "Environment=$name=%d/$name" ;; # files by themselves
      *) echo "Environment=${name}_FILE=%d/$name" ;;
    esac
  done
}

uninstall() {
  local unit
  if [[ ! $root ]]; then
    [[ $EUID -eq 0 ]] || fail "Run this as root: sudo $0 --uninstall"
    systemctl disable --now "${services[@]}" 2> /dev/null || true
  fi
  for unit in "${unit_files[@]}" "${services[@]}"; do
    rm -f "$units/$unit" "$units/$unit.d/10-common.conf" "$units/$unit.d/20-secrets.conf"
    [[ ! -d $units/$unit.d ]] || rmdir --ignore-fail-on-non-empty "$units/$unit.d"
  done
  rm -rf "${root}${program:?}"
  [[ $root ]] || systemctl daemon-reload
  cat << END
Removed the units and $program. These stay: settings and secrets in /etc/imageferry, the catalog and the images in
/var/lib/imageferry, the user imageferry, and what is in other storages, databases and brokers. To delete them, too:
  rm -r /etc/imageferry /var/lib/imageferry && userdel imageferry
END
}

fail() { # what to do
  echo "$1" >&2
  exit 1
}

main "$@"
