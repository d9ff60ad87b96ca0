import cluster, { type Worker } from 'node:cluster';
import { AggregatorRegistry, type Registry } from 'prom-client';
import type { Metrics } from './metrics';

/** What a worker answers a scrape with; made by the library, read by the library. */
type Sheet = Awaited<ReturnType<Registry['getMetricsAsJSON']>>;

interface Question {
  readonly scrape: number;
}
interface Answer {
  readonly scraped: number;
  readonly sheet: Sheet;
}

/** A worker that does not answer in time is left out of the scrape: the others are still seen. */
const answerTimeoutMs = 2000;

/** In a worker: answers the primary's scrapes. */
export function answerScrapes({ registry }: Pick<Metrics, 'registry'>): void {
  registry.setDefaultLabels({ worker: String(cluster.worker?.id ?? 0) });
  process.on('message', (message) => {
    if (!isQuestion(message)) return;
    void registry
      .getMetricsAsJSON()
      .then((sheet) => process.send?.({ scraped: message.scrape, sheet } satisfies Answer));
  });
}

/**
 * In the primary: one page for all workers. Every worker's series stay apart under the label `worker`, since a sum
 * would hide the one whose core or memory is full; a query adds them up where that is wanted.
 */
export function workersPage(expected: () => number) {
  let scrapes = 0;
  return async () => {
    const scrape = scrapes++;
    const workers = Object.values(cluster.workers ?? {}).filter((worker) => worker !== undefined);
    const sheets = (await Promise.all(workers.map((worker) => ask(worker, scrape)))).filter(
      (sheet) => sheet !== undefined,
    );
    const registry = AggregatorRegistry.aggregate(sheets);
    const own = [
      gauge('aparte_workers', 'Processes that this node should consist of.', expected()),
      gauge('aparte_workers_scraped', 'Processes that answered this scrape.', sheets.length),
    ];
    return { contentType: registry.contentType, body: `${await registry.metrics()}\n${own.join('\n')}` };
  };
}

function ask(worker: Worker, scrape: number): Promise<Sheet | undefined> {
  return new Promise((resolve) => {
    const settle = (sheet: Sheet | undefined) => {
      clearTimeout(timer);
      worker.off('message', hear);
      worker.off('exit', gone);
      resolve(sheet);
    };
    const hear = (message: unknown) => {
      if (isAnswer(message) && message.scraped === scrape) settle(message.sheet);
    };
    const gone = () => settle(undefined);
    const timer = setTimeout(gone, answerTimeoutMs);
    worker.on('message', hear);
    worker.once('exit', gone);
    worker.send({ scrape } satisfies Question, (error) => error && gone());
  });
}

function isQuestion(message: unknown): message is Question {
  return typeof message === 'object' && message !== null && 'scrape' in message;
}

function isAnswer(message: unknown): message is Answer {
  return typeof message === 'object' && message !== null && 'scraped' in message && 'sheet' in message;
}

const gauge = (name: string, help: string, value: number) =>
  `# HELP ${name} ${help}\n# TYPE ${name} gauge\n${name} ${value}\n`;
