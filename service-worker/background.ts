import '../lib/client/no-eval';

// What needs the engine, a script of its own: nine tenths of all, which a start for a page need not run through.
export { clicked, pushed, subscriptionChanged } from './push';
export { takeShared } from './share';
export { shipAlone } from './sync';
