/**
 * The text format 0.0.4 of Prometheus
 * (https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format).
 */
import { printableLines } from '../../text/index.js';

export type MetricType = 'counter' | 'gauge';

/** Content-Type of the format. */
export const PROMETHEUS_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

export type Labels = Readonly<Record<string, string | number>>;

/** One line of a metric; one without a value is left out. */
export interface Point {
  labels?: Labels;
  value: number | undefined;
}

/** A metric by its name without the `rlimit_` that all have. */
export interface Metric {
  name: string;
  type: MetricType;
  /** What it is, for those who read it: one sentence. */
  help: string;
  points: readonly Point[];
}

/** Metrics as text; those without any value are left out. */
export function prometheusText(metrics: readonly Metric[]): string {
  return metrics
    .map((metric) => ({
      ...metric,
      points: metric.points.filter(({ value }) => value !== undefined && !Number.isNaN(value)),
    }))
    .filter(({ points }) => points.length > 0)
    .map(metricText)
    .join('');
}

function metricText({ name, type, help, points }: Metric): string {
  const full = `rlimit_${name}`;
  // The same series twice makes the whole page unreadable; what is told first counts.
  const lines = new Map<string, string>();
  for (const { labels = {}, value } of points) {
    const series = `${full}${labelText(labels)}`;
    if (!lines.has(series)) lines.set(series, `${series} ${value}`);
  }
  return [`# HELP ${full} ${help}`, `# TYPE ${full} ${type}`, ...lines.values(), ''].join('\n');
}

function labelText(labels: Labels): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`);
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}

/**
 * What the format asks for are backslash, quote and line feed. Other control characters would go
 * through, and end on the terminal of whoever reads the page.
 */
function escaped(value: string | number): string {
  return printableLines(String(value))
    .replaceAll('\\', '\\\\')
    .replaceAll('"', '\\"')
    .replaceAll('\n', '\\n');
}
