import { reasonOf } from '../../profiles/reason.js';
import { appendLine } from '../../state/append.js';
import { alertLogFile } from '../log.js';
import type { SinkSettings } from '../settings.js';
import type { Sink } from './sink.js';

/** The alert log. */
export function logSink({ from, file, limitBytes }: NonNullable<SinkSettings['log']>): Sink {
  const path = file ?? alertLogFile();
  return {
    name: 'log',
    from,
    send: async (alert) => {
      try {
        appendLine(path, JSON.stringify(alert), limitBytes);
      } catch (error) {
        throw new Error(`${path}: ${reasonOf(error)}`);
      }
    },
  };
}
