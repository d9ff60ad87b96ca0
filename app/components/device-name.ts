const browsers: [RegExp, string][] = [
  [/Edg\//, 'Edge'],
  [/Firefox\//, 'Firefox'],
  [/Chrom(e|ium)\//, 'Chrome'],
  [/Safari\//, 'Safari'],
];
const systems: [RegExp, string][] = [
  [/Android/, 'Android'],
  [/iPhone|iPad/, 'iOS'],
  [/Windows/, 'Windows'],
  [/Mac OS X/, 'macOS'],
  [/Linux/, 'Linux'],
];

/** What kind of device this is, for the icon in the list. */
export function deviceKind(agent: string = navigator.userAgent): 'WEB' | 'MOBILE' {
  return /Android|iPhone|iPad|Mobile/.test(agent) ? 'MOBILE' : 'WEB';
}

/** How this device is called in the list of devices until its owner names it. */
export function deviceName(agent: string = navigator.userAgent): string {
  const find = (table: [RegExp, string][]) => table.find(([pattern]) => pattern.test(agent))?.[1];
  return [find(browsers) ?? 'Browser', find(systems)].filter(Boolean).join(' · ');
}
