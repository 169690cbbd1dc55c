import { afterAll, inject } from 'vitest';
import { connectMachine } from './machine.js';

/** The machine of the suite that the tests run in. Commands left running end with the file. */
export const machine = await connectMachine(inject('suite'), inject('machineSocket'));

afterAll(() => machine.disconnect());
