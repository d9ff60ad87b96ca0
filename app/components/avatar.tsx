/** Initials on one of eight colours; the id decides which, so it stays the same on every device. */
export function Avatar({ id, name, large = false }: { id: string; name: string; large?: boolean }) {
  const tint = Number.parseInt(id.slice(-2), 16) % 8 || 0;
  return (
    <span aria-hidden="true" className={`avatar tint-${tint} ${large ? 'large' : ''}`}>
      {initials(name)}
    </span>
  );
}

export function initials(name: string): string {
  const words = name.replace(/^@/, '').split(/\s+/).filter(Boolean);
  const letters = words.length > 1 ? [words[0], words.at(-1)] : [words[0]];
  return letters
    .map((word) => [...(word ?? '')][0] ?? '')
    .join('')
    .toUpperCase();
}
