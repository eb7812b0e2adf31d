#!/bin/bash
# Puts a small Debian with systemd into a folder, from which boxes are booted.
#
#   install.sh FOLDER bookworm|trixie     Debian 12 or 13, in FOLDER/SUITE
#
# Exit status: 0 installed (or was already), 69 this machine cannot do it (the last line says why), others: it failed.
# The Debian mirror is the one this machine's apt already uses; LOGCALLD_BOX_MIRROR overrides it.
set -euo pipefail

folder=${1:?usage: install.sh FOLDER bookworm|trixie}
suite=${2:?usage: install.sh FOLDER bookworm|trixie}
# sudo, jq: README's recipes. The shells and their completions, man: what the package brings for them.
packages=systemd,systemd-sysv,dbus,libnss-systemd,sudo,jq,man-db,groff,bash-completion,zsh,procps

unavailable() {
  echo "$suite: $*" >&2
  exit 69
}

[ "$(id -u)" = 0 ] || unavailable 'root is needed to make and boot a root folder: run this as root'

mkdir -p "$folder"
exec 9>"$folder/.$suite.lock"
flock 9

# The list of packages is a part of what was made.
root=$folder/$suite
if [ "$(cat "$root/.installed" 2>/dev/null || true)" = "$packages" ] && command -v systemd-nspawn >/dev/null; then
  exit 0
fi

export LC_ALL=C DEBIAN_FRONTEND=noninteractive
log=$folder/$suite.install.log
: >"$log"

missing=''
command -v debootstrap >/dev/null || missing="$missing debootstrap debian-archive-keyring"
command -v systemd-nspawn >/dev/null || missing="$missing systemd-container"
if [ -n "$missing" ]; then
  command -v apt-get >/dev/null || unavailable "$missing: missing, and there is no apt-get to install it with"
  # shellcheck disable=SC2086 -- a list of words
  { apt-get update -q && apt-get install -y -q --no-install-recommends $missing; } >>"$log" 2>&1 </dev/null ||
    unavailable "$missing: missing, and apt-get could not install it (network?), see $log"
fi
[ "$(cat "$root/.installed" 2>/dev/null || true)" != "$packages" ] || exit 0

. "$(dirname "$0")/../support/debian-mirror.sh"
mirror=${LOGCALLD_BOX_MIRROR:-$(mirror_of_apt || true)}
[ -n "$mirror" ] || unavailable "no Debian mirror in this machine's apt sources: set LOGCALLD_BOX_MIRROR to one"

partial=$folder/$suite.partial
rm -rf "$partial"
# The script of sid serves every suite, also with a debootstrap that does not know its name yet.
debootstrap --variant=minbase --include="$packages" --keyring=/usr/share/keyrings/debian-archive-keyring.gpg \
  "$suite" "$partial" "$mirror" sid >>"$log" 2>&1 </dev/null ||
  unavailable "debootstrap could not make it (network?), see $log"
rm -rf "$root" "$partial/var/cache/apt/archives"/*.deb "$partial/var/lib/apt/lists"
echo "$packages" >"$partial/.installed"
mv "$partial" "$root"
