/** Two curtains that leave a gap for one: the aside. */
export function Logo() {
  return (
    <svg aria-hidden="true" className="logo" viewBox="0 0 64 64" width="64" height="64">
      <rect className="logo-ground" width="64" height="64" rx="16" />
      <path className="logo-curtain" d="M12 14h18c0 14-4 26-14 36h-4z" />
      <path className="logo-curtain" d="M52 14H34c0 14 4 26 14 36h4z" />
      <circle className="logo-dot" cx="32" cy="47" r="4" />
    </svg>
  );
}
