/** How it stands with what the browser keeps for this profile. */
export type StorageState =
  | { state: 'sound' }
  /** The browser has closed it; it is being opened again. */
  | { state: 'reopening' }
  /** No room: nothing is taken in until there is. What waits stays on the server, what is typed in its field. */
  | { state: 'full' }
  /** It cannot be read or written, for a reason that does not go away by itself. */
  | { state: 'broken' };

/** What came over the channel, if it is one: other versions of the app may be open beside this one. */
export function readStorageState(told: unknown): StorageState['state'] | null {
  if (typeof told !== 'object' || told === null || !('state' in told)) return null;
  return told.state === 'sound' ||
    told.state === 'reopening' ||
    told.state === 'full' ||
    told.state === 'broken'
    ? told.state
    : null;
}

/** Where the engine tells the tabs: the database itself is what may be unable to. */
export const storageChannel = 'aparte-storage';

export type StorageTrouble = 'full' | 'closed' | 'broken';

const names: Record<string, StorageTrouble> = {
  QuotaExceededError: 'full',
  DatabaseClosedError: 'closed',
  InvalidStateError: 'closed',
  OpenFailedError: 'broken',
  UnknownError: 'broken',
  VersionError: 'broken',
  NotFoundError: 'broken',
  // What lies there was not written by this profile's key.
  RowRefused: 'broken',
};
/** The crypto machine's errors are texts with the browser's names in them. */
const inTexts = /\b(QuotaExceededError|DatabaseClosedError|InvalidStateError|UnknownError|VersionError)\b/;

/** What an error says about the storage; `null`: nothing. Looks into what wraps another. */
export function storageTrouble(error: unknown): StorageTrouble | null {
  if (typeof error !== 'object' || error === null) return null;
  // A database that is full may fail to open, or abort: what is inside says why.
  const inner = 'inner' in error && error.inner !== error ? storageTrouble(error.inner) : null;
  if (inner) return inner;
  const name = 'name' in error && typeof error.name === 'string' ? error.name : '';
  const told = Object.hasOwn(names, name) ? names[name] : undefined;
  if (told) return told;
  const text = 'message' in error && typeof error.message === 'string' ? error.message : '';
  const found = inTexts.exec(text)?.[1];
  return (found && names[found]) || null;
}

export type StorageEvent =
  | { name: 'failed'; trouble: StorageTrouble }
  /** Something was written and read back. */
  | { name: 'proved' };

/** How often it is opened again before a person is told that it does not help. */
const reopenings = 4;

type Row = Record<StorageTrouble | 'proved', (tries: number) => StorageState>;
const sound = (): StorageState => ({ state: 'sound' });
const full = (): StorageState => ({ state: 'full' });
const broken = (): StorageState => ({ state: 'broken' });
const reopen = (tries: number): StorageState =>
  tries < reopenings ? { state: 'reopening' } : { state: 'broken' };

/** Every event in every state. An unknown failure is tried again first: most of them pass. */
const table: Record<StorageState['state'], Row> = {
  sound: { full, closed: reopen, broken: reopen, proved: sound },
  reopening: { full, closed: reopen, broken: reopen, proved: sound },
  full: { full, closed: reopen, broken: reopen, proved: sound },
  broken: { full, closed: broken, broken, proved: sound },
};

/** @param tries how often it has failed in a row, before this event */
export function nextStorageState(state: StorageState, event: StorageEvent, tries: number): StorageState {
  return table[state.state][event.name === 'proved' ? 'proved' : event.trouble](tries);
}
