import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { dashboard } from './dashboard';

// `npm run dashboard`: writes what Grafana loads. A test says when it was forgotten.
writeFileSync(join(import.meta.dirname, 'aparte.json'), `${JSON.stringify(dashboard(), null, 2)}\n`);
