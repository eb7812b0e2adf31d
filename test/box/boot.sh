#!/bin/bash
# Boots a box: systemd as process 1 on a copy of a Debian root folder that lasts as long as the box.
#
#   unshare --mount boot.sh ROOT FOLDER NAME
#
# ROOT stays as it is; what the box writes goes below FOLDER, whose folder "shared" is /mnt/shared in the box. The network is the
# machine's own: 127.0.0.1 is the same inside and outside. All mounts are of this mount namespace and end with it.
set -euo pipefail
root=$1 folder=$2 name=$3

mount --make-rprivate /
mkdir -p "$folder"/{upper,work,root,shared}
mount -t overlay overlay -o "lowerdir=$root,upperdir=$folder/upper,workdir=$folder/work" "$folder/root"
# Newer systemd wants the unified hierarchy, which the kernel has also where the machine itself uses the older one.
if [ "$(stat -f -c %T /sys/fs/cgroup)" != cgroup2fs ]; then
  umount --recursive /sys/fs/cgroup
  mount -t cgroup2 cgroup2 /sys/fs/cgroup
fi
exec systemd-nspawn --quiet --register=no --keep-unit --boot --directory="$folder/root" --machine="$name" \
  --bind="$folder/shared:/mnt/shared" --resolv-conf=off --timezone=off
