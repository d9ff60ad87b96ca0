/** So many finds are read, of all there may be. Apart, since the schemas beside it are too heavy for a first screen. */
export const findsMost = 500;
