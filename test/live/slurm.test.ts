import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Outcome } from '../../src/model/index.js';
import { bootMachine, type LiveMachine } from './machine.js';
import { isWhole, machine } from './machine-under-test.js';

/**
 * slurmctld and slurmd on one machine of its own, which has to be built and booted: only with --whole.
 * What of this does not need them is tested with stand-ins for srun, on recorded words, and with the shell
 * of a step on files as slurmd makes them (test/cli/slurm.test.ts, test/unit/slurm).
 */
const isHere = machine.suite === 'trixie' && isWhole;

/** getaddrinfo() of Slurm wants an address that is not 127.0.0.1 (AI_ADDRCONFIG); this one is on lo. */
const ADDRESS = '10.0.0.1';

const SLURM_CONF = `ClusterName=test
SlurmctldHost=guest(${ADDRESS})
SlurmUser=slurm
StateSaveLocation=/var/spool/slurmctld
SlurmdSpoolDir=/var/spool/slurmd
ProctrackType=proctrack/cgroup
TaskPlugin=task/cgroup,task/affinity
JobAcctGatherType=jobacct_gather/cgroup
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
ReturnToService=2
KillWait=5
SlurmctldLogFile=/var/log/slurm/slurmctld.log
SlurmdLogFile=/var/log/slurm/slurmd.log
NodeName=guest NodeAddr=${ADDRESS} CPUs=2 RealMemory=1500
PartitionName=debug Nodes=guest Default=YES MaxTime=60 State=UP
`;
const WITH_ACCOUNTING = `${SLURM_CONF}AccountingStorageType=accounting_storage/slurmdbd
AccountingStorageHost=${ADDRESS}
`;
const SLURMDBD_CONF = `AuthType=auth/munge
DbdHost=guest
SlurmUser=slurm
StorageType=accounting_storage/mysql
StorageHost=localhost
StorageUser=slurm
StoragePass=slurm
StorageLoc=slurm_acct_db
LogFile=/var/log/slurm/slurmdbd.log
`;
const cgroupConf = (constrain: 'yes' | 'no') =>
  ['RAMSpace', 'SwapSpace', 'Cores'].map((what) => `Constrain${what}=${constrain}\n`).join('');

/** All that Slurm has no option for taken away, so that --strict has nothing to refuse. */
const BARE = '-p MemorySwapMax= -p IOWeight= -p TasksMax= -p OOMPolicy=';
const HOG = 'python3 /opt/rlimit/fixtures/hog.py 200';

let cluster: LiveMachine;
const asRoot = async (command: string) => {
  const done = await cluster.exec(command, { user: 'root' });
  expect(done, command).toMatchObject({ status: 0 });
};
const conf = (name: string, text: string) =>
  cluster.writeFile(`/etc/slurm/${name}`, text, { owner: 'root' });
const run = (rest: string) => cluster.exec(`rlimit run --on slurm ${rest}`);
const idle = 'until sinfo --noheader --format=%t | grep -qx idle; do sleep 0.2; done';
const started = (marker: string) => `until [ -e ${marker} ]; do sleep 0.1; done`;

/** The verdict of a run with --json, which says nothing else on stderr but what Slurm says. */
function outcome(stderr: string): Outcome {
  const line = stderr.split('\n').findLast((each) => each.startsWith('{'));
  return JSON.parse(line ?? 'null') as Outcome;
}

if (isHere)
  describe('on a cluster', () => {
    beforeAll(async () => {
      cluster = await bootMachine('trixie', { image: 'slurm' });
      await conf('slurm.conf', SLURM_CONF);
      await conf('cgroup.conf', cgroupConf('yes'));
      await asRoot(
        `ip addr add ${ADDRESS}/32 dev lo && echo '${ADDRESS} guest' >>/etc/hosts && ` +
          'install -d -o slurm -g slurm /var/spool/slurmctld /var/log/slurm && ' +
          `systemctl start munge slurmctld slurmd && ${idle}`,
      );
    }, 900_000);
    afterAll(() => cluster?.close());

    it('holds a command to its profile, and lets its streams alone', async () => {
      const command =
        'cat; cat /tmp/bytes >&2; echo "$RLIMIT_PROFILE $SLURM_JOB_NUM_NODES $(nproc)" >/tmp/seen; ' +
        'cat /sys/fs/cgroup/$(cut -d: -f3 /proc/self/cgroup)/../memory.max >>/tmp/seen';
      const { status, stdout } = await cluster.exec(
        'head -c 200000 /dev/urandom >/tmp/bytes; ' +
          `rlimit run --on slurm:comment=x --strict -q ${BARE} -p MemoryMax=100M -p CPUQuota=100% -- ` +
          `sh -c '${command}' </tmp/bytes >/tmp/out 2>/tmp/err; echo $?; ` +
          'cmp /tmp/out /tmp/bytes && cmp /tmp/err /tmp/bytes && cat /tmp/seen',
      );
      expect({ status, stdout }).toEqual({
        status: 0,
        stdout: `0\ndefault 1 1\n${100 * 1024 ** 2}\n`,
      });
    });

    it('says what is in force, ends as the command does, and keeps it in the history', async () => {
      const { status, stderr } = await run(`${BARE} -p MemoryMax=100M -- sh -c 'exit 7'`);
      expect(status).toBe(7);
      expect(stderr.replace(/\s+/g, ' ')).toMatch(
        /\(step \d+\.0 of Slurm on guest\) in force: MemoryMax=100M CPUQuota=100% .*sized for guest \(2 CPUs, 1\.5G\).*failed by itself: status 7 after .*: peak \d+/,
      );
      const last = await cluster.exec('rlimit history --json');
      expect((JSON.parse(last.stdout) as { runs: Outcome[] }).runs.at(-1)).toMatchObject({
        launcher: 'slurm',
        status: 7,
        slurm: { step: expect.stringMatching(/^\d+\.0$/), node: 'guest', state: 'FAILED' },
        verdict: { id: 'failed' },
      });
    });

    it.each([
      ['the command', HOG, { status: 137 }],
      ['a job of it', `sh -c '${HOG}; exit 0'`, { status: 0 }],
    ])('tells that %s was killed for memory, as on this machine', async (_, command, ending) => {
      const done = await run(`--json ${BARE} -p MemoryMax=64M -- ${command}`);
      expect(done.status).toBe(ending.status);
      const { verdict, figures } = outcome(done.stderr);
      expect(verdict).toMatchObject({ id: 'memory-max', advice: '-p MemoryMax=96M' });
      expect(verdict.evidence.join()).toContain('JobState=OUT_OF_MEMORY');
      expect(figures.memoryPeak).toBeGreaterThan(50 * 1024 ** 2);
    });

    it('gives back what Slurm refuses, in its words', async () => {
      const { status, stderr } = await run(`--force ${BARE} -p MemoryMax=100G -- true`);
      expect(status).toBe(125);
      expect(stderr).toContain('It says: Memory specification can not be satisfied');
    });

    it('hands Ctrl-C to srun, which ends the step at the second one', async () => {
      const marker = '/tmp/started';
      const running = await cluster.spawn(
        `rlimit run --on slurm --json ${BARE} -p MemoryMax=64M -- sh -c 'touch ${marker}; sleep 100'`,
        { tty: true },
      );
      await cluster.exec(started(marker));
      running.write('\x03');
      await running.waitForOutput('one more within 1 sec to abort');
      running.write('\x03\x03');
      const { status, stdout } = await running.wait(60_000);
      expect(status).not.toBe(0);
      expect(stdout).toMatch(/"verdict":\{"id":"user-signal","says":"ended by you: Ctrl-C/);
      expect((await cluster.exec('squeue --noheader; rm /tmp/started')).stdout).toBe('');
    });

    it('takes a job back that still waits in the queue', async () => {
      const { stdout, stderr } = await cluster.exec(
        'srun --cpus-per-task=2 sleep 100 & first=$!; until squeue -h -o %t | grep -qx R; do sleep 0.2; done; ' +
          `rlimit run --on slurm ${BARE} -p MemoryMax=64M -- true & p=$!; ` +
          'until squeue -h -o %t | grep -qx PD; do sleep 0.2; done; kill -TERM $p; wait $p; echo $?; ' +
          'squeue -h -o %t; scancel --me; wait $first',
      );
      expect(stdout).toMatch(/^143\nR\n/);
      expect(stderr).toContain('not started: SIGTERM came while Slurm had not started it yet');
    });

    describe('that constrains nothing', () => {
      beforeAll(async () => {
        await conf('cgroup.conf', cgroupConf('no'));
        await asRoot(`systemctl restart slurmd && ${idle}`);
      });
      afterAll(async () => {
        await conf('cgroup.conf', cgroupConf('yes'));
        await asRoot(`systemctl restart slurmd && ${idle}`);
      });

      it('says so before the command starts, and with --strict starts none', async () => {
        const lax = await run(`${BARE} -p MemoryMax=64M -- true`);
        expect(lax.status).toBe(0);
        const text = lax.stderr.replace(/\s+/g, ' ');
        expect(text).toContain('problem: MemoryMax=64M is not in force');
        expect(text).toContain('CPUQuota=100%: held by CPU affinity to CPU');
        const strict = await run(`--strict ${BARE} -p MemoryMax=64M -- touch /tmp/never`);
        expect(strict.status).toBe(125);
        expect(strict.stderr).toContain(
          'not started: --strict, and not every property is in force',
        );
        expect((await cluster.exec('ls /tmp/never')).status).not.toBe(0);
      });
    });

    describe('with accounting', () => {
      beforeAll(async () => {
        await conf('slurm.conf', WITH_ACCOUNTING);
        await conf('slurmdbd.conf', SLURMDBD_CONF);
        await asRoot(
          'chown slurm: /etc/slurm/slurmdbd.conf && chmod 600 /etc/slurm/slurmdbd.conf && ' +
            'systemctl start mariadb && mariadb -e "create database slurm_acct_db; ' +
            "create user slurm@localhost identified by 'slurm'; " +
            'grant all on slurm_acct_db.* to slurm@localhost" && systemctl start slurmdbd && ' +
            'until sacctmgr --immediate add cluster test >/dev/null 2>&1 || ' +
            'sacctmgr -n list cluster | grep -q test; do sleep 1; done; ' +
            // What it was without accounting has another cluster id, with which it would not start.
            'systemctl stop slurmctld && rm -rf /var/spool/slurmctld/* && ' +
            `systemctl start slurmctld && systemctl restart slurmd && ${idle}`,
        );
      });

      it('knows who cancelled a job, and that its node failed', async () => {
        const cancelled = await cluster.exec(
          `rlimit run --on slurm --json ${BARE} -p MemoryMax=64M -- sh -c 'touch /tmp/c; exec sleep 100' & ` +
            `p=$!; ${started('/tmp/c')}; scancel --me; wait $p`,
        );
        const first = outcome(cancelled.stderr);
        expect(first.verdict).toMatchObject({ id: 'cancelled' });
        expect(first.verdict.says).toMatch(/^cancelled by user 1000 after /);
        const failing = cluster.exec(
          `rlimit run --on slurm --json ${BARE} -p MemoryMax=64M -- sh -c 'touch /tmp/f; exec sleep 100'`,
        );
        await asRoot(`${started('/tmp/f')}; scontrol update nodename=guest state=down reason=test`);
        expect(outcome((await failing).stderr)).toMatchObject({
          slurm: { state: 'NODE_FAIL' },
          verdict: { id: 'node-failed' },
        });
      });
    });
  });
