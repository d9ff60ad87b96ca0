import { resolve } from 'node:path';
import * as z from 'zod';
import type { EndpointPolicy } from './push/endpoints';

/** Thrown for a wrong environment; its message is one plain sentence to print before stopping. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

export interface Config {
  readonly port: number;
  /** Loopback unless told otherwise: the server speaks plain HTTP, which belongs behind a TLS proxy. */
  readonly host: string;
  /** Absolute. Holds the embedded database and attachments; one process at a time. */
  readonly dataDir: string;
  readonly databaseUrl: string | undefined;
  readonly redisUrl: string | undefined;
  readonly workers: number;
  readonly adminPort: number;
  /** Where the operators' endpoints listen; loopback unless told otherwise, since they ask for no password. */
  readonly adminHost: string;
  /** Scheme, host and port under which browsers reach this server. */
  readonly publicOrigin: string;
  /** Whose X-Forwarded-For names the caller; everybody else's could be a lie. */
  readonly trustedProxies: TrustedProxies;
  /** Which addresses devices may have the server call to wake them. */
  readonly pushEndpoints: EndpointPolicy;
  readonly logLevel: LogLevel;
}

const logLevels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;
const pushEndpoints = ['public', 'any'] as const satisfies EndpointPolicy[];
const trustedProxies = ['none', 'loopback', 'private'] as const;
export type TrustedProxies = (typeof trustedProxies)[number];
export type LogLevel = (typeof logLevels)[number];

// The sentences never repeat the value: a connection string carries a password.
const port = (name: string, fallback: number) =>
  z.coerce
    .number(`${name} must be a whole number from 1 to 65535.`)
    .int(`${name} must be a whole number from 1 to 65535.`)
    .min(1, `${name} must be a whole number from 1 to 65535.`)
    .max(65_535, `${name} must be a whole number from 1 to 65535.`)
    .default(fallback);

const host = (name: string) =>
  z
    .string()
    .regex(
      /^[A-Za-z0-9.:-]+$/,
      `${name} must be an address or a host name to listen on, such as 127.0.0.1 or 0.0.0.0.`,
    )
    .default('127.0.0.1');

const urlWithScheme = (sentence: string, schemes: readonly string[]) =>
  z
    .string()
    .refine((value) => URL.canParse(value) && schemes.includes(new URL(value).protocol), sentence)
    .optional();

const workersSentence = 'WORKERS must be a whole number from 1 to 256.';
const originSentence =
  'PUBLIC_ORIGIN must be a scheme and a host without a path, such as https://chat.example.org.';

const environment = z
  .object({
    PORT: port('PORT', 3000),
    HOST: host('HOST'),
    DATA_DIR: z.string().default('./data'),
    DATABASE_URL: urlWithScheme(
      'DATABASE_URL must be a PostgreSQL address that starts with postgres:// or postgresql://.',
      ['postgres:', 'postgresql:'],
    ),
    REDIS_URL: urlWithScheme('REDIS_URL must be a Redis address that starts with redis:// or rediss://.', [
      'redis:',
      'rediss:',
    ]),
    WORKERS: z.coerce
      .number(workersSentence)
      .int(workersSentence)
      .min(1, workersSentence)
      .max(256, workersSentence)
      .default(1),
    ADMIN_PORT: port('ADMIN_PORT', 9464),
    ADMIN_HOST: host('ADMIN_HOST'),
    PUBLIC_ORIGIN: z.string().refine(isOrigin, originSentence).optional(),
    TRUSTED_PROXIES: z
      .enum(trustedProxies, `TRUSTED_PROXIES must be one of ${trustedProxies.join(', ')}.`)
      .default('loopback'),
    PUSH_ENDPOINTS: z
      .enum(pushEndpoints, `PUSH_ENDPOINTS must be one of ${pushEndpoints.join(', ')}.`)
      .default('public'),
    LOG_LEVEL: z.enum(logLevels, `LOG_LEVEL must be one of ${logLevels.join(', ')}.`).default('info'),
  })
  .refine((env) => env.PORT !== env.ADMIN_PORT, 'ADMIN_PORT must differ from PORT.')
  .refine(
    (env) => env.WORKERS === 1 || (env.DATABASE_URL !== undefined && env.REDIS_URL !== undefined),
    'WORKERS above 1 needs both DATABASE_URL and REDIS_URL, because the embedded database and broker serve one process only.',
  );

/** Reads the environment once. An empty value counts as not set. */
export function readConfig(env: Readonly<Record<string, string | undefined>>): Config {
  const present = Object.fromEntries(Object.entries(env).filter(([, value]) => value?.trim()));
  const parsed = environment.safeParse(present);
  if (!parsed.success) {
    throw new ConfigError(parsed.error.issues[0]?.message ?? 'The environment cannot be read.');
  }
  const values = parsed.data;
  return {
    port: values.PORT,
    host: values.HOST,
    dataDir: resolve(values.DATA_DIR),
    databaseUrl: values.DATABASE_URL,
    redisUrl: values.REDIS_URL,
    workers: values.WORKERS,
    adminPort: values.ADMIN_PORT,
    adminHost: values.ADMIN_HOST,
    publicOrigin: new URL(values.PUBLIC_ORIGIN ?? `http://localhost:${values.PORT}`).origin,
    trustedProxies: values.TRUSTED_PROXIES,
    pushEndpoints: values.PUSH_ENDPOINTS,
    logLevel: values.LOG_LEVEL,
  };
}

function isOrigin(value: string): boolean {
  if (!URL.canParse(value)) return false;
  const url = new URL(value);
  const bare = url.pathname === '/' && url.search === '' && url.hash === '' && url.username === '';
  return bare && (url.protocol === 'http:' || url.protocol === 'https:');
}
