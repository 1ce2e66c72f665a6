#!/bin/sh
# Installs the Debian packages of packages.txt whose command or file is missing; it installs nothing from any other place.
set -eu
PATH="$PATH:/usr/sbin:/sbin"

missing=
while read -r needed package; do
  case "$needed" in
    '' | '#'*) continue ;;
    # shellcheck disable=SC2086 # the pattern of a path
    /*) ls -d $needed >/dev/null 2>&1 || missing="$missing $package" ;;
    *) command -v "$needed" >/dev/null || missing="$missing $package" ;;
  esac
done <"$(dirname "$0")/packages.txt"

[ -n "$missing" ] || exit 0

if ! command -v apt-get >/dev/null || [ "$(id -u)" -ne 0 ]; then
  echo "The lab needs these Debian packages, and only root can install them (apt-get):$missing" >&2
  echo "Install them with: apt-get install --no-install-recommends$missing" >&2
  exit 1
fi

# Packages must not start their daemons: the lab starts its own, and a Kamailio on port 5060 would be in the way.
if [ ! -e /usr/sbin/policy-rc.d ]; then
  trap 'rm -f /usr/sbin/policy-rc.d' EXIT
  printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
  chmod 755 /usr/sbin/policy-rc.d
fi

export DEBIAN_FRONTEND=noninteractive
apt-get update -q
# shellcheck disable=SC2086 # a list of package names
apt-get install -q -y --no-install-recommends $missing
