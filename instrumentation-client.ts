// Next runs this before any other module of the page.
import './lib/client/no-eval';
