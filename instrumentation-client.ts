// Next runs this before any other module of the page.
import './lib/client/no-eval';
import { engineWorker } from './lib/client/engine-start';
import { looksFirst } from './lib/client/first-visit';

if (!looksFirst()) engineWorker();
