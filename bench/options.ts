/** `--name=value` of the command line, as a number. */
export function option(name: string, fallback: number): number {
  const prefix = `--${name}=`;
  const given = process.argv.find((arg) => arg.startsWith(prefix))?.slice(prefix.length);
  const value = given === undefined ? fallback : Number(given);
  if (!Number.isFinite(value) || value <= 0) throw new Error(`--${name} takes a number above 0.`);
  return value;
}
