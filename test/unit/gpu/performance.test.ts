import { describe, expect, it } from 'vitest';
import {
  type GpuMode,
  planPerformance,
  readModes,
  restorePerformance,
  setPerformance,
} from '../../../src/gpu/index.js';
import type { Answer } from '../../../src/gpu/program.js';

const UUID = 'GPU-12345678-aaaa-bbbb-cccc-0123456789ab';
const answered = (out: string, status = 0): Answer => ({ kind: 'answered', status, out, err: '' });
const clocks = { memory: 1593, graphics: 1275 };
const best = { memory: 1593, graphics: 1410 };

/** Programs that answer by the first line that begins so; others are absent. */
function machine(answers: Record<string, Answer>) {
  const asked: string[] = [];
  const ask = async (argv: readonly string[]): Promise<Answer> => {
    const line = argv.join(' ');
    asked.push(line);
    const key = Object.keys(answers).find((each) => line.includes(each));
    return key === undefined ? { kind: 'absent' } : (answers[key] as Answer);
  };
  return { ask, asked };
}

describe('how GPUs are set', () => {
  it('is read without an X server', async () => {
    const { ask } = machine({
      '--query-gpu=': answered(`0, ${UUID}, Disabled, 1593, 1275\n1, GPU-b, [N/A], [N/A], [N/A]\n`),
      [`-i ${UUID}`]: answered('1593, 1410\n1593, 1395\n'),
      '-i GPU-b': answered('Supported clocks are not supported\n'),
    });
    expect(await readModes({ ask, env: {} })).toEqual([
      { index: 0, uuid: UUID, persistent: false, clocks, best },
      { index: 1, uuid: 'GPU-b' },
    ]);
  });

  it('is read with one', async () => {
    const { ask } = machine({
      '--query-gpu=': answered(
        `0, ${UUID}, Enabled, Requested functionality has been deprecated, x\n`,
      ),
      '[gpu:0]/GPUPowerMizerMode': answered('2\n'),
    });
    expect(await readModes({ ask, env: { DISPLAY: ':0' } })).toEqual([
      { index: 0, uuid: UUID, persistent: true, powerMizer: 2 },
    ]);
  });

  it('is unknown where nvidia-smi does not tell', async () => {
    expect(await readModes({ ...machine({}), env: {} })).toEqual([]);
    const broken = machine({ '--query-gpu=': answered('Failed to initialize NVML', 9) });
    expect(await readModes({ ...broken, env: {} })).toEqual([]);
    const odd = machine({ '--query-gpu=': answered('0, --help, Enabled, 1, 1\nx\n\n') });
    expect(await readModes({ ...odd, env: {} })).toEqual([]);
  });
});

describe('the plan', () => {
  const mode: GpuMode = { index: 0, uuid: UUID };

  it('with an X server is the setting that is meant, and the way back', () => {
    expect(planPerformance([{ ...mode, persistent: false, powerMizer: 2 }])).toEqual({
      steps: [
        {
          says: 'GPU 0: PowerMizer prefers maximum performance (was mode 2)',
          argv: ['nvidia-settings', '-a', '[gpu:0]/GPUPowerMizerMode=1'],
          undo: ['nvidia-settings', '-a', '[gpu:0]/GPUPowerMizerMode=2'],
        },
      ],
      notes: [],
    });
  });

  it('without one is what comes near', () => {
    const { steps, notes } = planPerformance([{ ...mode, persistent: false, clocks, best }]);
    expect(
      steps.map(({ argv, undo }) => [argv.slice(3).join(' '), undo.slice(3).join(' ')]),
    ).toEqual([
      ['-pm 1', '-pm 0'],
      ['-ac 1593,1410', '-ac 1593,1275'],
    ]);
    expect(notes).toEqual([]);
  });

  it('does nothing where all is set, and says where nothing can be', () => {
    expect(planPerformance([{ ...mode, powerMizer: 1 }]).steps).toEqual([]);
    expect(planPerformance([{ ...mode, persistent: true, clocks: best, best }])).toEqual({
      steps: [],
      notes: [],
    });
    expect(planPerformance([{ ...mode, persistent: true }])).toMatchObject({
      steps: [],
      notes: [expect.stringMatching(/^GPU 0: .*chooses its clocks itself$/)],
    });
  });
});

describe('carrying it out', () => {
  const plan = planPerformance([{ index: 0, uuid: UUID, persistent: false, clocks, best }]);
  const [pm, ac] = plan.steps.map(({ undo }) => undo);

  it('keeps the way back before each step, and goes it', async () => {
    const { ask, asked } = machine({ 'nvidia-smi -i': answered('All done.\n') });
    const kept: unknown[] = [];
    const { undo, done } = await setPerformance(plan, (way) => kept.push([asked.length, way]), ask);
    expect(done).toHaveLength(2);
    expect(kept).toEqual([
      [0, [pm]],
      [1, [ac, pm]],
      [2, [ac, pm]],
    ]);
    expect(await restorePerformance(undo, ask)).toEqual([]);
    expect(asked.slice(2)).toEqual([
      `nvidia-smi -i ${UUID} -ac 1593,1275`,
      `nvidia-smi -i ${UUID} -pm 0`,
    ]);
  });

  it('says what failed, and does not take back what was not done', async () => {
    const { ask } = machine({ '-pm': answered('Insufficient permissions\n', 4) });
    const result = await setPerformance(plan, () => {}, ask);
    expect(result).toMatchObject({ done: [], undo: [] });
    expect(result.failed).toEqual([
      'GPU 0: the driver stays loaded (persistence mode): Insufficient permissions',
      expect.stringMatching(/: nvidia-smi is not there$/),
    ]);
    expect(await restorePerformance([pm ?? []], ask)).toEqual([
      `nvidia-smi -i ${UUID} -pm 0: Insufficient permissions`,
    ]);
  });
});
