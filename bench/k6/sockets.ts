import { SharedArray } from 'k6/data';
import exec from 'k6/execution';
import { Rate, Trend } from 'k6/metrics';
import { clearInterval, setInterval, setTimeout } from 'k6/timers';
import { WebSocket } from 'k6/websockets';
import type { ServerFrame } from '../../lib/protocol/frames';

/**
 * Devices that talk, several sockets on each virtual user. `npm run bench -- k6` seeds the town, starts the node and
 * runs this; its thresholds are the specification's.
 */
interface TownDevice {
  token: string;
  conversationIds: string[];
}

const devices = new SharedArray<TownDevice>('devices', () => JSON.parse(open(env('DEVICES'))));
const socketsPerUser = Number(env('SOCKETS'));
const talkMs = Number(env('SECONDS')) * 1000;
const intervalMs = Number(env('INTERVAL_MS'));
/** What is on its way when all fall silent arrives within this. */
const silenceMs = 5_000;

const fanout = new Trend('aparte_fanout', true);
const delivered = new Rate('aparte_delivered');
const errors = new Rate('aparte_errors');
const opened = new Rate('aparte_opened');

export const options = {
  scenarios: {
    devices: {
      executor: 'per-vu-iterations',
      vus: Math.floor(devices.length / socketsPerUser),
      iterations: 1,
      maxDuration: '10m',
    },
  },
  thresholds: {
    aparte_fanout: ['p(95)<250'],
    aparte_delivered: ['rate>0.999'],
    aparte_errors: ['rate<0.01'],
    aparte_opened: ['rate==1'],
  },
};

/** Which numbers of a conversation a device has seen, by delivery or as the answer to its own send. */
type Seen = Map<string, Set<number>>;

export default function talk(): void {
  const first = (exec.vu.idInTest - 1) * socketsPerUser;
  for (let at = first; at < first + socketsPerUser; at++) {
    const device = devices[at];
    if (device !== undefined) connect(device);
  }
}

function connect({ token, conversationIds }: TownDevice): void {
  const headers = { cookie: `aparte=${token}`, origin: env('ORIGIN') };
  const socket = new WebSocket(env('URL'), null, { headers });
  const seen: Seen = new Map(conversationIds.map((id) => [id, new Set<number>()]));
  const asked = new Map<number, string>();
  let ready = false;
  let leaving = false;
  let request = 0;

  const speak = () => {
    const conversationId = conversationIds[request % conversationIds.length] ?? '';
    request += 1;
    asked.set(request, conversationId);
    // Opaque to the server: here it holds when it was sent, so that the receiver can tell how long it took.
    const ciphertext = `${Date.now()}.${'x'.repeat(450)}`;
    const message = {
      conversationId,
      clientId: uuid(),
      slot: 'log',
      rosterVersion: 1,
      ciphertext,
      envelopes: [],
    };
    socket.send(JSON.stringify({ t: 'send', r: request, message }));
  };

  socket.onmessage = (event) => {
    const data = event?.data;
    if (typeof data !== 'string') return;
    // One message is one or more frames, a line each (lib/protocol/frames.ts).
    for (const line of data.split('\n')) hear(JSON.parse(line));
  };

  const hear = (frame: ServerFrame) => {
    switch (frame.t) {
      case 'ready': {
        ready = true;
        opened.add(true);
        // Not all at the same moment: people are not a clock.
        setTimeout(() => {
          const timer = setInterval(speak, intervalMs);
          setTimeout(() => clearInterval(timer), talkMs);
          setTimeout(() => {
            leaving = true;
            socket.close();
            judge(seen);
          }, talkMs + silenceMs);
        }, Math.random() * intervalMs);
        return;
      }
      case 'message':
        fanout.add(Date.now() - Number.parseInt(frame.message.ciphertext, 10));
        seen.get(frame.message.conversationId)?.add(frame.message.seq);
        errors.add(false);
        return;
      case 'sent':
        seen.get(asked.get(frame.r) ?? '')?.add(frame.seq);
        asked.delete(frame.r);
        errors.add(false);
        return;
      case 'error':
      case 'stale':
        errors.add(true);
    }
  };
  socket.onerror = () => errors.add(true);
  socket.onclose = () => {
    if (!ready) opened.add(false);
    if (!leaving) errors.add(true);
  };
}

/** Numbers have no gaps: each below the highest one seen must have been seen too. */
function judge(seen: Seen): void {
  for (const seqs of seen.values()) {
    const last = Math.max(0, ...seqs);
    for (let seq = 1; seq <= last; seq++) delivered.add(seqs.has(seq));
  }
}

function uuid(): string {
  const digits = (count: number) =>
    Array.from({ length: count }, () => Math.floor(Math.random() * 16).toString(16)).join('');
  return `${digits(8)}-${digits(4)}-4${digits(3)}-8${digits(3)}-${digits(12)}`;
}

function env(name: string): string {
  const value = __ENV[name];
  if (value === undefined) throw new Error(`${name} is not set; run it by "npm run bench -- k6".`);
  return value;
}

export function handleSummary(data: unknown): Record<string, string> {
  return { [env('SUMMARY')]: JSON.stringify(data) };
}
