import { z } from 'zod';

const vector = z.object({
  data: z.object({
    result: z.array(
      z.object({ metric: z.record(z.string(), z.string()), value: z.tuple([z.number(), z.string()]) }),
    ),
  }),
});
const alerts = z.object({
  data: z.object({
    alerts: z.array(
      z.object({
        state: z.enum(['pending', 'firing']),
        labels: z.record(z.string(), z.string()),
        annotations: z.record(z.string(), z.string()),
      }),
    ),
  }),
});

const lookEveryMs = 250;

/** Asks a real Prometheus, and waits for what it should come to say. */
export class Watcher {
  constructor(private readonly url: string) {}

  /** The values of a query now; what is no number is left out. */
  async query(text: string): Promise<number[]> {
    const answer = await fetch(`${this.url}/api/v1/query?query=${encodeURIComponent(text)}`);
    if (!answer.ok) throw new Error(`Prometheus refused ${text}: ${await answer.text()}`);
    const { data } = vector.parse(await answer.json());
    return data.result.map(({ value }) => Number(value[1])).filter((value) => Number.isFinite(value));
  }

  /** What a firing alert says, or undefined while it does not fire. */
  async firing(name: string): Promise<string | undefined> {
    const answer = alerts.parse(await (await fetch(`${this.url}/api/v1/alerts`)).json());
    const found = answer.data.alerts.find(
      ({ state, labels }) => state === 'firing' && labels.alertname === name,
    );
    return found && (found.annotations.summary ?? name);
  }

  /** Looks until something is found. @throws after `withinMs` */
  async until<T>(what: string, withinMs: number, look: () => Promise<T | undefined>): Promise<T> {
    const deadline = performance.now() + withinMs;
    for (;;) {
      const found = await look();
      if (found !== undefined) return found;
      if (performance.now() > deadline) throw new Error(`Waited ${withinMs / 1000} s in vain for ${what}.`);
      await new Promise<void>((resolve) => setTimeout(resolve, lookEveryMs));
    }
  }
}
