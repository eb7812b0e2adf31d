/** Metrics as Prometheus reads them (https://prometheus.io/docs/instrumenting/exposition_formats/), written by prom-client. */
import { createRequire } from 'node:module';
import type { MetricValueWithName, Registry } from 'prom-client';
import type { Distribution, Family, Reading, Sample } from '../../src/metrics/family.ts';

/** The registry alone: the whole package brings clients and a tracing library along, 8 MB of memory that nothing here uses. */
const parts: { readonly Registry: typeof Registry } = {
  Registry: createRequire(import.meta.url)('prom-client/lib/registry.js'),
};

type Value = MetricValueWithName<string>;
type Registered = Parameters<Registry['registerMetric']>[0];

/** Of the text that `metricsText` makes. */
export const METRICS_TYPE = parts.Registry.PROMETHEUS_CONTENT_TYPE;

/** One scrape. Families without a series are left out. */
export function metricsText(reading: Reading): Promise<string> {
  const registry = new parts.Registry();
  for (const [family, series] of reading) {
    if (series.length === 0) continue;
    const { name, help, type } = family;
    const values = series.flatMap((one) => ('bounds' in one ? bucketsOf(family, one) : [plain(one)]));
    // What the registry asks of a metric: what it reads now is known here, and nothing is kept until the next scrape.
    const metric = { name, get: async () => ({ name, help, type, values }) };
    registry.registerMetric(metric as unknown as Registered);
  }
  return registry.metrics();
}

function plain({ labels = {}, value }: Sample): Value {
  return { labels, value };
}

/** A bucket counts all up to its bound. */
function bucketsOf({ name }: Family, { labels, bounds, counts, sum }: Distribution): readonly Value[] {
  let count = 0;
  const buckets = counts.map((observed, n): Value => {
    count += observed;
    return { metricName: `${name}_bucket`, labels: { le: bounds[n] ?? '+Inf', ...labels }, value: count };
  });
  return [
    ...buckets,
    { metricName: `${name}_sum`, labels, value: sum },
    { metricName: `${name}_count`, labels, value: count },
  ];
}
