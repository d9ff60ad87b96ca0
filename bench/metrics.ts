import { Counter, Histogram, Registry } from 'prom-client';
import { countOf, createMetrics } from '../server/metrics/metrics';
import { type Bench, median, rounded } from './rows';

const rounds = 9;
const timesPerRound = 200_000;
const frame = JSON.stringify({ t: 'message', message: { ciphertext: 'x'.repeat(600) } });

/**
 * What being counted costs: what the hub does to count one frame, however many sockets it goes to, and each write, done
 * alone; the same by the library's own calls; and a scrape. A write costs the kernel about 4,000 ns.
 */
export const metrics: Bench = async (tell) => {
  const cells = createMetrics();
  const ofFrame = nanoseconds((at) => {
    countOf(cells.framesSent, frame.slice(6, frame.indexOf('"', 6)), 10);
    cells.sentBytes.add(frame.length * 10);
    cells.fanoutSockets.add(10);
    const now = Date.now();
    cells.fanoutSeconds.add((now - at) / 1000, 10);
    cells.deliverySeconds.add((now - at) / 1000, 10);
  });
  const ofWrite = nanoseconds(() => cells.socketWrites.add());
  const library = libraryAlone();
  const byLibrary = nanoseconds((at) => {
    const now = Date.now();
    library.count.inc({ type: 'message' }, 10);
    library.bytes.inc(frame.length * 10);
    library.sockets.observe(10);
    library.seconds.observe((now - at) / 1000);
    library.seconds.observe((now - at) / 1000);
  });
  tell(`one frame: ${ofFrame} ns, by the library’s own calls ${byLibrary} ns, and each write ${ofWrite} ns`);
  const page = await cells.registry.metrics();
  const start = performance.now();
  for (let scrape = 0; scrape < 50; scrape++) await cells.registry.metrics();
  return [
    { name: 'metrics_ns_per_frame', value: ofFrame, unit: 'ns', aim: 400, better: 'lower' },
    { name: 'metrics_ns_per_write', value: ofWrite, unit: 'ns', aim: 40, better: 'lower' },
    { name: 'prom_client_ns_per_frame', value: byLibrary, unit: 'ns', better: 'lower' },
    { name: 'scrape_ms', value: rounded((performance.now() - start) / 50, 2), unit: 'ms', better: 'lower' },
    { name: 'scrape_kb', value: rounded(page.length / 1024), unit: 'KB', better: 'lower' },
  ];
};

function nanoseconds(count: (at: number) => void): number {
  const took = Array.from({ length: rounds }, () => {
    const at = Date.now();
    const start = performance.now();
    for (let time = 0; time < timesPerRound; time++) count(at);
    return ((performance.now() - start) * 1e6) / timesPerRound;
  });
  return rounded(median(took));
}

function libraryAlone() {
  const registers = [new Registry()];
  return {
    count: new Counter({ name: 'frames_total', help: 'F.', labelNames: ['type'], registers }),
    bytes: new Counter({ name: 'bytes_total', help: 'B.', registers }),
    sockets: new Histogram({ name: 'sockets', help: 'S.', registers }),
    seconds: new Histogram({ name: 'seconds', help: 'S.', registers }),
  };
}
