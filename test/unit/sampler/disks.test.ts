import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { DiskReader, mountsIn } from '../../../src/sampler/disks.js';
import { tree } from '../cgroup/tree.js';

const MOUNTS = [
  '22 28 0:21 / /proc rw - proc proc rw',
  '28 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw',
  '29 28 0:25 / /run rw - tmpfs tmpfs rw',
  '30 28 8:1 /var/lib /srv/bind rw - ext4 /dev/sda1 rw',
  '31 28 8:17 / /models\\040of\\011mine rw - xfs /dev/sdb1 rw',
  '32 28 7:0 / /snap/core/1 ro - squashfs /dev/loop0 ro',
  '33 28 0:44 / /home/nfs rw - nfs4 server:/home rw',
  '34 28 0:50 / /tank rw - zfs tank rw,xattr',
  '35 28 8:33 / /media/cd ro - iso9660 /dev/sr0 ro',
  '36 28 8:49 / /backup ro - ext4 /dev/sdd1 ro',
  '37 28 8:65 / /hidden rw - ext4 /dev/sde1 rw',
  '38 37 0:60 / /hidden rw - tmpfs tmpfs rw',
  'nonsense',
  '',
].join('\n');

describe('mountsIn', () => {
  it('finds each disk once, and nothing that is none', () => {
    expect(mountsIn(MOUNTS)).toEqual([
      { mount: '/', device: '/dev/sda1' },
      { mount: '/models of\tmine', device: '/dev/sdb1' },
      { mount: '/tank', device: 'tank' },
    ]);
  });

  it('takes the root whatever it is on, but not over the network', () => {
    expect(mountsIn('1 0 0:30 / / rw - overlay overlay rw')).toEqual([
      { mount: '/', device: 'overlay' },
    ]);
    expect(mountsIn('1 0 0:30 / / rw - nfs server:/ rw')).toEqual([]);
  });
});

describe('DiskReader', () => {
  it('tells what is left, without those that cannot be asked', () => {
    const proc = join(tree({ 'proc/self/mountinfo': MOUNTS }), 'proc');
    const reader = new DiskReader(proc, (path) => {
      if (path === '/tank') throw new Error('gone');
      return { bsize: 4096, blocks: path === '/' ? 100 : 0, bavail: 25 };
    });
    expect(reader.read(0)).toEqual([
      { mount: '/', device: '/dev/sda1', total: 409_600, available: 102_400 },
    ]);
  });

  it('has none without mountinfo', () => {
    expect(new DiskReader('/nowhere').read(0)).toEqual([]);
  });
});
