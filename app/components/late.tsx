'use client';

import { type ComponentType, useEffect, useState } from 'react';

const firstPauseMs = 500;
const longestPauseMs = 30_000;

/**
 * A component whose file comes when it is first needed. One that does not come is asked for again until it does: React's
 * own `lazy` would fail for ever, and take what is around it away.
 * @param Instead what stands there until then
 * @returns the component, and what has its file fetched ahead
 */
export function late<Props extends object>(
  load: () => Promise<ComponentType<Props>>,
  Instead: ComponentType = () => null,
): { Late: ComponentType<Props>; ahead: () => Promise<ComponentType<Props>> } {
  let here: ComponentType<Props> | undefined;
  let coming: Promise<ComponentType<Props>> | undefined;
  const ahead = () => {
    coming ??= untilLoaded(load).then((Part) => {
      here = Part;
      return Part;
    });
    return coming;
  };
  function Late(props: Props) {
    const [Part, setPart] = useState(() => here);
    useEffect(() => {
      let gone = false;
      void ahead().then((loaded) => gone || setPart(() => loaded));
      return () => {
        gone = true;
      };
    }, []);
    return Part ? <Part {...props} /> : <Instead />;
  }
  return { Late, ahead };
}

async function untilLoaded<T>(load: () => Promise<T>): Promise<T> {
  for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(2 * pauseMs, longestPauseMs)) {
    try {
      return await load();
    } catch {
      await new Promise<void>((resolve) => {
        setTimeout(resolve, pauseMs);
        addEventListener('online', () => resolve(), { once: true });
      });
    }
  }
}
