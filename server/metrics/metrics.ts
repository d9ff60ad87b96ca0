import { Registry } from 'prom-client';
import { type ErrorCode, errors } from '../../lib/protocol/errors';
import { cryptoBoundsMs } from '../../lib/protocol/figures';
import type { DeviceFrame, ServerFrame } from '../../lib/protocol/frames';
import type { SendMessage } from '../../lib/protocol/messages';
import type { CommitStatus } from '../messages/commit-statement';
import { pushOutcomes } from '../push/pusher';
import { type Count, MetricMaker } from './cells';

/** Seconds. From what one process does at once to what a person no longer waits for. */
const latency = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 1, 2.5, 5, 10];
const smallLatency = [0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1];
const amount = [1, 2, 5, 10, 25, 50, 100, 250, 500, 1000];

const errorCodes = keysOf(errors);
const deviceFrames: readonly (DeviceFrame['t'] | 'beat')[] = [
  'send',
  'note',
  'ack',
  'activity',
  'presence',
  'figures',
  'ping',
  'beat',
];
const serverFrames: readonly ServerFrame['t'][] = [
  'ready',
  'sent',
  'stale',
  'noted',
  'stale_note',
  'error',
  'envelopes',
  'read-sync:broadcast',
  'message',
  'mark',
  'conversation',
  'activity',
  'presence',
  'keys',
  'device:linked',
  'device:revoked',
  'look',
  'pong',
];
const outcomes: readonly CommitStatus[] = [
  'sent',
  'duplicate',
  'stale',
  'forbidden',
  'not_found',
  'conflict',
  'device_revoked',
];
const slots: readonly SendMessage['slot'][] = ['log', 'mark'];
const statements = [
  'commit',
  'select',
  'insert',
  'update',
  'delete',
  'with',
  'transaction',
  'other',
] as const;
const limiters = [
  'signUp',
  'find',
  'bundles',
  'linking',
  'recovery',
  'uploads',
  'downloads',
  'oneTimeKeys',
  'oneTimeKeysOf',
  'calls',
  'sockets',
  'upgrades',
  'connections',
  'frames',
  'signals',
] as const;

export type StatementKind = (typeof statements)[number];
export type Metrics = ReturnType<typeof createMetrics>;

/**
 * Every number of this node that an operator can watch. No label has a value that a caller could choose, so nobody's
 * id, handle or address is in any of them, and their number is fixed from the start.
 * @param procedures the names of all procedures
 */
export function createMetrics(procedures: readonly string[] = []) {
  const registry = new Registry();
  const make = new MetricMaker(registry);
  return {
    registry,
    make,
    connectionsOpened: make.count({
      name: 'aparte_connections_opened_total',
      help: 'WebSocket upgrades that became the connection of a device.',
    }),
    upgradesRefused: make.counts({
      name: 'aparte_upgrades_refused_total',
      help: 'WebSocket upgrades that were turned away, by error code.',
      label: 'reason',
      values: errorCodes,
    }),
    connectionsClosed: make.counts({
      name: 'aparte_connections_closed_total',
      help: 'Connections that ended, by the error code this node closed them with; by_peer for all others.',
      label: 'reason',
      values: ['by_peer', ...errorCodes],
    }),
    socketsRefused: make.count({
      name: 'aparte_sockets_refused_total',
      help: 'Connections that were closed before their first word, because there were too many that were no device’s.',
    }),
    connectionSeconds: make.spread({
      name: 'aparte_connection_duration_seconds',
      help: 'How long connections had lasted when they ended.',
      bounds: [1, 5, 15, 60, 300, 900, 3600, 14_400, 86_400],
    }),
    framesReceived: make.counts({
      name: 'aparte_frames_received_total',
      help: 'Frames from devices, by type; unreadable ones are counted in aparte_frames_unreadable_total.',
      label: 'type',
      values: deviceFrames,
    }),
    framesUnreadable: make.count({
      name: 'aparte_frames_unreadable_total',
      help: 'Frames from devices that no schema allows.',
    }),
    framesSent: make.counts({
      name: 'aparte_frames_sent_total',
      help: 'Frames written to devices, by type.',
      label: 'type',
      values: serverFrames,
    }),
    receivedBytes: make.count({
      name: 'aparte_received_bytes_total',
      help: 'Bytes of frames from devices.',
    }),
    sentBytes: make.count({
      name: 'aparte_sent_bytes_total',
      help: 'Bytes of frames written to devices.',
    }),
    frameSeconds: make.spreads({
      name: 'aparte_frame_handling_seconds',
      help: 'From the arrival of a frame to the end of what it asks for, by type.',
      label: 'type',
      values: deviceFrames,
      bounds: latency,
    }),
    socketWrites: make.count({
      name: 'aparte_socket_writes_total',
      help: 'Writes that frames to devices were joined into.',
    }),
    framesPutOff: make.count({
      name: 'aparte_frames_put_off_total',
      help: 'Frames from devices that were refused because too many of the same connection were being handled.',
    }),
    sendsDropped: make.counts({
      name: 'aparte_sends_dropped_total',
      help: 'Frames that were not written: the connection had just ended, its device reads too slowly, or the socket refused.',
      label: 'reason',
      values: ['closed', 'slow_consumer', 'refused'],
    }),
    slowConsumersCut: make.count({
      name: 'aparte_slow_consumers_cut_total',
      help: 'Connections that were cut because their devices left too much unread.',
    }),
    fanoutSeconds: make.spread({
      name: 'aparte_fanout_seconds',
      help: 'From the commit of a message to its writing to a socket, one observation per delivery; clocks of several machines must agree.',
      bounds: latency,
    }),
    deliverySeconds: make.spread({
      name: 'aparte_delivery_seconds',
      help: 'From the arrival of a sender’s frame to its message’s writing to a receiver’s socket, one observation per delivery.',
      bounds: latency,
    }),
    fanoutSockets: make.spread({
      name: 'aparte_fanout_sockets',
      help: 'Sockets of this node that one delivery was written to.',
      bounds: amount,
    }),
    commits: make.counts({
      name: 'aparte_commits_total',
      help: 'Messages and marks that went through the commit, by outcome.',
      label: 'outcome',
      values: outcomes,
    }),
    messagesStored: make.counts({
      name: 'aparte_messages_stored_total',
      help: 'What was committed as new, by slot: log for messages, mark for read marks.',
      label: 'slot',
      values: slots,
    }),
    envelopesStored: make.count({
      name: 'aparte_envelopes_stored_total',
      help: 'Keys for single devices that were committed with messages.',
    }),
    batchMessages: make.spread({
      name: 'aparte_commit_batch_messages',
      help: 'Messages that shared one statement and one fsync.',
      bounds: amount,
    }),
    batchBytes: make.spread({
      name: 'aparte_commit_batch_bytes',
      help: 'Ciphertext and envelopes of one statement.',
      bounds: [1024, 4096, 16_384, 65_536, 262_144, 1_048_576, 4_194_304, 8_388_608],
    }),
    commitSeconds: make.spread({
      name: 'aparte_commit_seconds',
      help: 'From a message’s entry into the queue to its durable commit.',
      bounds: latency,
    }),
    querySeconds: make.spreads({
      name: 'aparte_database_query_seconds',
      help: 'Database statements from their sending to their last row, by kind.',
      label: 'statement',
      values: statements,
      bounds: latency,
    }),
    queryErrors: make.count({
      name: 'aparte_database_errors_total',
      help: 'Database statements that failed.',
    }),
    pushes: make.counts({
      name: 'aparte_pushes_total',
      help: 'Wishes to wake a device by push, by what became of them; connected: it needed none.',
      label: 'outcome',
      values: pushOutcomes,
    }),
    redisSeconds: make.spread({
      name: 'aparte_redis_publish_seconds',
      help: 'From a publication’s sending to Redis’ answer.',
      bounds: smallLatency,
    }),
    redisErrors: make.count({
      name: 'aparte_redis_errors_total',
      help: 'Failures of the link to Redis.',
    }),
    redisPublished: make.count({
      name: 'aparte_redis_deliveries_published_total',
      help: 'Deliveries handed to Redis for other nodes.',
    }),
    redisReceived: make.count({
      name: 'aparte_redis_deliveries_received_total',
      help: 'Deliveries that came from other nodes.',
    }),
    redisDropped: make.count({
      name: 'aparte_redis_deliveries_dropped_total',
      help: 'Deliveries that other nodes were not told of because Redis was away or too slow; devices pull what they miss.',
    }),
    calls: make.counts({
      name: 'aparte_calls_total',
      help: 'Procedure calls over HTTP, by procedure.',
      label: 'procedure',
      values: procedures,
    }),
    callSeconds: make.spreads({
      name: 'aparte_call_seconds',
      help: 'Procedure calls from the first of our code to their result, by kind.',
      label: 'kind',
      values: ['query', 'mutation', 'subscription'],
      bounds: latency,
    }),
    errors: make.counts({
      name: 'aparte_errors_total',
      help: 'Answers that were errors, over sockets and HTTP, by code of the error table; internal and overloaded are this node’s failures, the others refusals.',
      label: 'code',
      values: errorCodes,
    }),
    attachmentsStored: make.count({
      name: 'aparte_attachments_stored_total',
      help: 'Attachments that devices have stored here.',
    }),
    rateLimited: make.counts({
      name: 'aparte_rate_limited_total',
      help: 'What was refused or dropped because somebody asked too often, by limiter.',
      label: 'limiter',
      values: limiters,
    }),
    encryptionSeconds: make.spread({
      name: 'aparte_client_encryption_seconds',
      help: 'How long devices whose owners agreed to tell took to encrypt a message.',
      bounds: cryptoBoundsMs.map((ms) => ms / 1000),
    }),
    decryptionSeconds: make.spread({
      name: 'aparte_client_decryption_seconds',
      help: 'How long devices whose owners agreed to tell took to decrypt a message.',
      bounds: cryptoBoundsMs.map((ms) => ms / 1000),
    }),
    decryptionFailures: make.count({
      name: 'aparte_client_decryption_failures_total',
      help: 'Messages that devices whose owners agreed to tell could not decrypt or did not believe; those whose key is still to come do not count.',
    }),
    figuresReceived: make.count({
      name: 'aparte_client_reports_total',
      help: 'Reports of such figures.',
    }),
    preKeysLeft: make.spread({
      name: 'aparte_prekeys_left',
      help: 'One-time keys that a device had left after one of them was claimed; one observation per claim.',
      bounds: [0, 5, 10, 25, 50, 75, 100],
    }),
    preKeyClaims: make.counts({
      name: 'aparte_prekey_claims_total',
      help: 'Prekey bundles handed out, by the key in them: one_time, or signed when none was left or too many were asked for.',
      label: 'key',
      values: ['one_time', 'signed'],
    }),
  };
}

/** Counts in a record whose key comes from outside; an unknown one is not counted. */
export function countOf(counts: Readonly<Record<string, Count>>, key: string, by = 1): void {
  if (Object.hasOwn(counts, key)) counts[key]?.add(by);
}

/** Seconds since this was called. */
export function stopwatch(): () => number {
  const start = performance.now();
  return () => (performance.now() - start) / 1000;
}

function keysOf(table: typeof errors): ErrorCode[] {
  return Object.keys(table) as ErrorCode[];
}
