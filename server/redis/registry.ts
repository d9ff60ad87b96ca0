import type { Redis } from 'ioredis';
import type { Session } from '../session';
import type { Place } from './routes';
import { sessionsKey } from './wire';

/**
 * A session that its node does not renew is forgotten after this. Whether a node lives is known from its own word every
 * two seconds, so this only clears away what dead nodes left; and it is long, because Redis takes a renewal for a change
 * and has everyone who knows the user ask again.
 */
export const ttlSeconds = 24 * 3600;
const batchSize = 500;

/** Puts a device's place in and tells the one before, in one step: of two nodes, one learns of the other. */
const enterScript = `local before = redis.call('hget', KEYS[1], ARGV[1])
redis.call('hset', KEYS[1], ARGV[1], ARGV[2])
redis.call('expire', KEYS[1], ARGV[3])
return before`;
/** Takes a device's place out, unless it has another by now. */
const leaveScript = `if redis.call('hget', KEYS[1], ARGV[1]) == ARGV[2] then redis.call('hdel', KEYS[1], ARGV[1]) end`;

export interface Entered {
  readonly session: Session;
  /** Where the device was said to be before; null when nowhere. */
  readonly before: { nodeId: string; number: number } | null;
}

/** The device sessions of all nodes in Redis: by user, which device is connected where. */
export class Registry {
  constructor(
    private readonly redis: Redis,
    private readonly nodeId: string,
  ) {}

  /** Rejects when the link breaks: then some may be in, and all are put in when it is back. */
  async enter(sessions: readonly Session[]): Promise<Entered[]> {
    const entered: Entered[] = [];
    for (let at = 0; at < sessions.length; at += batchSize) {
      const batch = sessions.slice(at, at + batchSize);
      const pipeline = this.redis.pipeline();
      for (const session of batch)
        pipeline.eval(
          enterScript,
          1,
          sessionsKey(session.userId),
          session.deviceId,
          this.#value(session),
          ttlSeconds,
        );
      const answers = await resultsOf(pipeline);
      batch.forEach((session, index) => {
        entered.push({ session, before: readValue(answers[index]) });
      });
    }
    return entered;
  }

  async leave(sessions: readonly Session[]): Promise<void> {
    for (let at = 0; at < sessions.length; at += batchSize) {
      const pipeline = this.redis.pipeline();
      for (const session of sessions.slice(at, at + batchSize))
        pipeline.eval(leaveScript, 1, sessionsKey(session.userId), session.deviceId, this.#value(session));
      await resultsOf(pipeline);
    }
  }

  async renew(sessions: readonly Session[]): Promise<void> {
    const pipeline = this.redis.pipeline();
    for (const session of sessions) pipeline.expire(sessionsKey(session.userId), ttlSeconds);
    await resultsOf(pipeline);
  }

  /** Where the devices of users are, in the order of the users. */
  async find(userIds: readonly string[]): Promise<Place[][]> {
    const pipeline = this.redis.pipeline();
    for (const userId of userIds) pipeline.hgetall(sessionsKey(userId));
    const answers = await resultsOf(pipeline);
    return answers.map((answer) => {
      if (typeof answer !== 'object' || answer === null) return [];
      return Object.entries(answer).flatMap(([deviceId, value]) => {
        const read = readValue(value);
        return read === null ? [] : [{ deviceId, nodeId: read.nodeId }];
      });
    });
  }

  #value(session: Session): string {
    return `${this.nodeId} ${session.number}`;
  }
}

function readValue(value: unknown): { nodeId: string; number: number } | null {
  if (typeof value !== 'string') return null;
  const [nodeId = '', number = ''] = value.split(' ');
  return { nodeId, number: Number(number) };
}

async function resultsOf(pipeline: ReturnType<Redis['pipeline']>): Promise<unknown[]> {
  const answers = (await pipeline.exec()) ?? [];
  return answers.map(([error, value]) => {
    if (error !== null) throw error;
    return value;
  });
}

/** The errors of a pipeline's commands; empty when all went well. */
export async function failuresOf(pipeline: ReturnType<Redis['pipeline']>): Promise<unknown[]> {
  try {
    return ((await pipeline.exec()) ?? []).flatMap(([error]) => (error === null ? [] : [error]));
  } catch (error) {
    return [error];
  }
}
