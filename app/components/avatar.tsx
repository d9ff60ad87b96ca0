/**
 * Initials on one of eight colours; the id decides which, so it stays the same on every device. Hidden from screen
 * readers with its dot: who shows it says both in words beside it.
 */
export function Avatar(props: { id: string; name: string; large?: boolean; online?: boolean }) {
  const { id, name, large = false, online = false } = props;
  const tint = Number.parseInt(id.slice(-2), 16) % 8 || 0;
  return (
    <span aria-hidden="true" className={`avatar tint-${tint} ${large ? 'large' : ''}`}>
      {initials(name)}
      {online && <span className="online-dot" />}
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
