#!/bin/bash
# Puts an Asterisk from Debian's own packages into a folder that is used as a chroot.
#
#   install.sh FOLDER asterisk       Asterisk 22 or newer, in FOLDER/asterisk
#   install.sh FOLDER asterisk-16    Asterisk 16, the last of Debian's with the SIP driver chan_sip, in FOLDER/asterisk-16
#
# Exit status: 0 installed (or was already; the last line is its version), 69 this machine cannot do it (the last line says
# why), others: it failed.
# The Debian mirror is the one this machine's apt already uses; LOGCALLD_PBX_MIRROR overrides it.
set -euo pipefail

folder=${1:?usage: install.sh FOLDER asterisk|asterisk-16}
name=${2:?usage: install.sh FOLDER asterisk|asterisk-16}
case $name in
  # Debian 12 and 13 have no Asterisk package; the newer suites have.
  asterisk) suites='forky sid' majors='22-99' driver=chan_pjsip odbc=odbc-mariadb ;;
  # The last suite whose package has chan_sip; Asterisk 21 took it out.
  asterisk-16) suites=bullseye majors='16-20' driver=chan_sip odbc='' ;;
  *) echo "there is no PBX $name" >&2 && exit 64 ;;
esac

unavailable() {
  echo "$name: $*" >&2
  exit 69
}

version_in() { chroot "$1" /usr/sbin/asterisk -V 2>/dev/null || true; }

[ "$(id -u)" = 0 ] || unavailable 'root is needed to make and enter a chroot: run this as root, for instance in a container'

mkdir -p "$folder"
exec 9>"$folder/.$name.lock"
flock 9

chroot_dir=$folder/$name
export LC_ALL=C DEBIAN_FRONTEND=noninteractive
log=$folder/$name.install.log
# One of an earlier version of this script lacks the driver with which records are written into MariaDB.
if [ -e "$chroot_dir/.installed" ] && [ -n "$(version_in "$chroot_dir")" ]; then
  if [ -n "$odbc" ] && ! chroot "$chroot_dir" dpkg -s "$odbc" >/dev/null 2>&1; then
    {
      chroot "$chroot_dir" apt-get update -q &&
        chroot "$chroot_dir" apt-get install -y -q --no-install-recommends "$odbc" &&
        chroot "$chroot_dir" apt-get clean
    } >>"$log" 2>&1 </dev/null || unavailable "$odbc could not be installed (network?), see $log"
  fi
  version_in "$chroot_dir"
  exit 0
fi

. "$(dirname "$0")/../../support/debian-mirror.sh"
mirror=${LOGCALLD_PBX_MIRROR:-$(mirror_of_apt || true)}
[ -n "$mirror" ] || unavailable "no Debian mirror in this machine's apt sources: set LOGCALLD_PBX_MIRROR to one"

: >"$log"

if ! command -v debootstrap >/dev/null; then
  command -v apt-get >/dev/null || unavailable 'debootstrap is missing and there is no apt-get to install it with'
  { apt-get update -q && apt-get install -y -q --no-install-recommends debootstrap debian-archive-keyring; } >>"$log" 2>&1 </dev/null ||
    unavailable "debootstrap is missing and apt-get could not install it (network?), see $log"
fi

partial=$folder/$name.partial
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
for suite in $suites; do
  rm -rf "$partial"
  # The script of sid serves every later suite, also with a debootstrap that does not know their names yet.
  if debootstrap --variant=minbase --keyring="$keyring" "$suite" "$partial" "$mirror" sid >>"$log" 2>&1 </dev/null; then
    made=$suite
    break
  fi
done
[ -n "${made:-}" ] || unavailable "debootstrap could not fetch any of: $suites (network?), see $log"

# No daemon may start by itself inside the chroot.
printf '#!/bin/sh\nexit 101\n' >"$partial/usr/sbin/policy-rc.d"
chmod +x "$partial/usr/sbin/policy-rc.d"
cp /etc/resolv.conf "$partial/etc/resolv.conf"
# Proxies and the like that this machine's apt needs.
for setting in $(grep -ls 'Acquire::' /etc/apt/apt.conf /etc/apt/apt.conf.d/* || true); do
  cp "$setting" "$partial/etc/apt/apt.conf.d/"
done

packages="asterisk asterisk-modules asterisk-core-sounds-en-gsm tzdata $odbc"
# shellcheck disable=SC2086 -- a list of words
{
  chroot "$partial" apt-get update -q &&
    chroot "$partial" apt-get install -y -q --no-install-recommends $packages &&
    chroot "$partial" apt-get clean
} >>"$log" 2>&1 </dev/null || unavailable "the packages $packages could not be installed from $made (network?), see $log"

# A PBX keeps the local time of its country; this one shows when local time is taken for UTC.
ln -sf /usr/share/zoneinfo/Asia/Kolkata "$partial/etc/localtime"

version=$(version_in "$partial")
major=$(printf '%s' "$version" | sed -nE 's/^Asterisk ([0-9]+).*/\1/p')
[ "${major:-0}" -ge "${majors%-*}" ] && [ "${major:-0}" -le "${majors#*-}" ] ||
  unavailable "the package of $made is '$version', Asterisk $majors is needed"
find "$partial/usr/lib" -name "$driver.so" | grep -q . || unavailable "the package of $made has no $driver"

rm -rf "$chroot_dir" "$partial/var/lib/apt/lists"
touch "$partial/.installed"
mv "$partial" "$chroot_dir"
echo "$version"
