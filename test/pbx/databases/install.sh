#!/bin/bash
# Installs the database servers that the tests start: Debian's mariadb-server and postgresql, without starting them.
# Exit status: 0 installed (or were already), 69 this machine cannot do it (the last line says why).
set -euo pipefail

unavailable() {
  echo "databases: $*" >&2
  exit 69
}

[ "$(id -u)" = 0 ] || unavailable 'root is needed to install MariaDB and PostgreSQL, and to start them as users of their own'

missing=''
command -v mariadbd >/dev/null || missing="$missing mariadb-server"
ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1 || missing="$missing postgresql"
[ -n "$missing" ] || exit 0
command -v apt-get >/dev/null || unavailable "there is no apt-get to install$missing with"

exec 9>"${TMPDIR:-/tmp}/.logcalld-databases.lock"
flock 9
# The packages start their servers; these tests start their own.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  printf '#!/bin/sh\nexit 101\n' >"$policy"
  chmod +x "$policy"
  trap 'rm -f "$policy"' EXIT
fi
export LC_ALL=C DEBIAN_FRONTEND=noninteractive
log=$(mktemp -t logcalld-databases.XXXXXX)
# shellcheck disable=SC2086 -- a list of words
{ apt-get update -q && apt-get install -y -q --no-install-recommends $missing; } >"$log" 2>&1 </dev/null ||
  unavailable "$missing could not be installed (network?), see $log"
rm -f "$log"
