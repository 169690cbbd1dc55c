import type { SinkSettings } from '../settings.js';
import { commandSink } from './command.js';
import { desktopSink } from './desktop.js';
import { journalSink } from './journal.js';
import { logSink } from './log.js';
import { type Sink, Sinks } from './sink.js';

/**
 * The sinks that settings ask for.
 * @param onTrouble is told, once each, what a sink cannot do
 */
export function openSinks(settings: SinkSettings, onTrouble: (text: string) => void): Sinks {
  const { desktop, journal, log, command } = settings;
  const sinks: Sink[] = [
    ...(log === undefined ? [] : [logSink(log)]),
    ...(journal === undefined ? [] : [journalSink(journal.from)]),
    ...(desktop === undefined ? [] : [desktopSink(desktop.from)]),
    ...(command === undefined ? [] : [commandSink(command)]),
  ];
  return new Sinks(sinks, onTrouble);
}
