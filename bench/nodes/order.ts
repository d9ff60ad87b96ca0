export interface Order {
  kind: 'relay' | 'fan' | 'broadcast' | 'publish';
  /** The first connection that is reached. */
  first: number;
  count: number;
}

const kinds: Record<string, Order['kind']> = { r: 'relay', f: 'fan', b: 'broadcast', p: 'publish' };

/** What a message to a bare server asks: its kind, whom or which group, and how large groups are. */
export function orderOf(message: Buffer | string): Order {
  const head = typeof message === 'string' ? message : message.toString('latin1', 0, 24);
  const comma = head.indexOf(',');
  const of = Number(head.slice(1, comma));
  const group = Number(head.slice(comma + 1, head.indexOf(',', comma + 1)));
  const kind = kinds[head.charAt(0)];
  if (kind === undefined) throw new Error('An order cannot be read.');
  return { kind, first: kind === 'fan' ? of * group : of, count: kind === 'fan' ? group : 1 };
}
