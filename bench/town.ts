import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';

/** Who lives there: how many devices each user has, and which users share each conversation. */
export interface TownPlan {
  readonly devicesOf: readonly number[];
  readonly conversations: readonly (readonly number[])[];
}

export interface TownConversation {
  readonly id: string;
  /** Devices of the members. */
  readonly devices: readonly number[];
  /** How many devices hear what one of them says. */
  readonly receivers: number;
}

/** People, devices with real tokens, and conversations in a real database, written past the procedures. */
export class Town {
  readonly #firstDevice: number[] = [];
  readonly conversations: readonly TownConversation[];
  readonly deviceCount: number;
  readonly #placesOf = new Map<number, number[]>();

  constructor(readonly plan: TownPlan) {
    let next = 0;
    for (const count of plan.devicesOf) {
      this.#firstDevice.push(next);
      next += count;
    }
    this.deviceCount = next;
    this.conversations = plan.conversations.map((members, place) => {
      const devices = members.flatMap((user) => this.devicesOf(user));
      for (const device of devices) {
        const places = this.#placesOf.get(device);
        if (places === undefined) this.#placesOf.set(device, [place]);
        else places.push(place);
      }
      const own = plan.devicesOf[members[0] ?? 0] ?? 0;
      return { id: idOf('conversation', place), devices, receivers: devices.length - own };
    });
  }

  userId(user: number): string {
    return idOf('user', user);
  }

  devicesOf(user: number): number[] {
    const first = this.#firstDevice[user] ?? 0;
    return Array.from({ length: this.plan.devicesOf[user] ?? 0 }, (_, at) => first + at);
  }

  /** Writes everyone in, without waiting for the disk: what is measured comes later. */
  async settle(databaseUrl: string): Promise<void> {
    const client = new pg.Client({ connectionString: databaseUrl, options: '-c synchronous_commit=off' });
    await client.connect();
    const { devicesOf, conversations } = this.plan;
    const users = devicesOf.map((_, user) => user);
    await inParts(users, (part) =>
      client.query(
        `insert into users (id, handle, master_key, self_signing_key, user_signing_key, created_at)
         select id, handle, '{}', '{}', '{}', 0 from unnest($1::uuid[], $2::text[]) as u(id, handle)`,
        [part.map((user) => this.userId(user)), part.map((user) => `bench${user}`)],
      ),
    );
    const devices = users.flatMap((user) => this.devicesOf(user).map((device) => ({ user, device })));
    await inParts(devices, (part) =>
      client.query(
        `insert into devices (id, user_id, identity_key, signing_key, device_keys, signature, name, type,
           token_hash, registration_hash, created_at, last_seen_at)
         select id, user_id, 'bench', 'bench', '{}', 'bench', 'bench', 'WEB', token_hash, token_hash, 0, $4
         from unnest($1::uuid[], $2::uuid[], $3::bytea[]) as d(id, user_id, token_hash)`,
        [
          part.map(({ device }) => idOf('device', device)),
          part.map(({ user }) => this.userId(user)),
          part.map(({ device }) => createHash('sha256').update(tokenOf(device)).digest()),
          Date.now(),
        ],
      ),
    );
    await inParts(conversations, (part, from) =>
      client.query(
        `insert into conversations (id, kind, created_by, created_at)
         select id, 'group', created_by, 0 from unnest($1::uuid[], $2::uuid[]) as c(id, created_by)`,
        [
          part.map((_, at) => idOf('conversation', from + at)),
          part.map((members) => this.userId(members[0] ?? 0)),
        ],
      ),
    );
    const members = conversations.flatMap((users, place) => users.map((user) => ({ place, user })));
    await inParts(members, (part) =>
      client.query(
        `insert into members (conversation_id, user_id, role, state, joined_at)
         select conversation_id, user_id, 'member', 'active', 0
         from unnest($1::uuid[], $2::uuid[]) as m(conversation_id, user_id)`,
        [part.map(({ place }) => idOf('conversation', place)), part.map(({ user }) => this.userId(user))],
      ),
    );
    await client.query('analyze');
    await client.end();
  }

  devices(): { token: string; conversationIds: string[] }[] {
    return Array.from({ length: this.deviceCount }, (_, device) => ({
      token: tokenOf(device),
      conversationIds: (this.#placesOf.get(device) ?? []).map((place) => idOf('conversation', place)),
    }));
  }

  /** For the generator: the devices from `first` on, one a line, with their conversations. */
  async writePeople(folder: string, first: number, count: number): Promise<string> {
    const lines = Array.from({ length: count }, (_, at) => {
      const device = first + at;
      return `${tokenOf(device)} ${(this.#placesOf.get(device) ?? []).join(' ')}\n`;
    });
    const path = join(folder, `people-${first}`);
    await writeFile(path, lines.join(''));
    return path;
  }

  async writeConversations(folder: string): Promise<string> {
    const path = join(folder, 'conversations');
    await writeFile(path, this.conversations.map(({ id, receivers }) => `${id} ${receivers} 1\n`).join(''));
    return path;
  }
}

const rowsAtOnce = 5_000;

async function inParts<T>(
  all: readonly T[],
  write: (part: readonly T[], from: number) => Promise<unknown>,
): Promise<void> {
  for (let from = 0; from < all.length; from += rowsAtOnce)
    await write(all.slice(from, from + rowsAtOnce), from);
}

/** Like the random ones, but the same in every run. */
function idOf(kind: string, number: number): string {
  const hex = createHash('md5').update(`${kind} ${number}`).digest('hex');
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

const tokenOf = (device: number) => createHash('sha256').update(`token ${device}`).digest('base64url');
