import { reasonOf } from '../../profiles/reason.js';

import { alertLogFile } from '../log.js';
import type { SinkSettings } from '../settings.js';
import { appendLineLater } from './append.js';
import type { Sink } from './sink.js';

/** The alert log. */
export function logSink({ from, file, limitBytes }: NonNullable<SinkSettings['log']>): Sink {
  const path = file ?? alertLogFile();
  return {
    name: 'log',
    from,
    send: async (alert) => {
      try {
        await appendLineLater(path, JSON.stringify(alert), limitBytes);
      } catch (error) {
        throw new Error(`${path}: ${reasonOf(error)}`);
      }
    },
  };
}
