#!/bin/bash
# Turns a fresh Debian tree into the root file system of a test machine.
# usage: provision.sh ROOT NODE_BINARY MODULES_DIR
set -euo pipefail

root=$1
node=$2
modules=$3
here=$(dirname "$(realpath "$0")")

# Modes are the image's own: a checkout has those of its owner's umask.
umask 022
cp -dR --no-preserve=mode "$here/overlay/." "$root/"

install -D -m 755 "$node" "$root/usr/local/bin/node"
mkdir -p "$root/usr/lib/modules"
cp -a "$modules" "$root/usr/lib/modules/"

# Where the payload disk's directories appear (see overlay/etc/fstab).
mkdir -p "$root/mnt/payload" "$root/usr/local/lib/node_modules/rlimit" "$root/opt/rlimit"
ln -s ../lib/node_modules/rlimit/bin/run.js "$root/usr/local/bin/rlimit"

chroot "$root" useradd --create-home --uid 1000 --shell /bin/bash dev
# What `loginctl enable-linger dev` does: a user manager without anybody logged in.
mkdir -p "$root/var/lib/systemd/linger"
touch "$root/var/lib/systemd/linger/dev"

echo guest >"$root/etc/hostname"
# A machine that has an id is past its first boot, which would enable and set up everything anew.
echo 5f0c1d2e3b4a59687786958493a2b1c0 >"$root/etc/machine-id"

# Services that only cost boot time here. Nothing that has to do with cgroups, delegation, memory
# or user managers may stand in this list: there the machine must be as Debian made it.
idle_units=(
  apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer fstrim.timer
  systemd-tmpfiles-clean.timer e2scrub_reap.service
  getty@tty1.service serial-getty@ttyS0.service
  modprobe@drm.service modprobe@efi_pstore.service modprobe@fuse.service
  sys-fs-fuse-connections.mount sys-kernel-config.mount dev-hugepages.mount
  proc-sys-fs-binfmt_misc.automount systemd-binfmt.service
  systemd-pstore.service systemd-random-seed.service systemd-timesyncd.service
  systemd-hwdb-update.service
)
for unit in "${idle_units[@]}"; do
  ln -sf /dev/null "$root/etc/systemd/system/$unit"
done

# The package scripts have done what systemd does at the first boot after a change to /usr.
touch "$root/etc/.updated" "$root/var/.updated"

# A test that wants one of these unmasks and starts it. (Units with ManagedOOM= pull oomd in.)
for unit in earlyoom.service systemd-oomd.service systemd-oomd.socket; do
  ln -sf /dev/null "$root/etc/systemd/system/$unit"
done
