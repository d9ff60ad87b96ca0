'use client';

import { type ComponentType, useEffect, useState } from 'react';
import { backoffMs } from '../../lib/client/connection-state';

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
  for (let tries = 0; ; tries++) {
    try {
      return await load();
    } catch {
      const pause = AbortSignal.timeout(backoffMs(tries, Math.random()));
      await new Promise((resolve) => {
        pause.addEventListener('abort', resolve);
        addEventListener('online', resolve, { signal: pause });
      });
    }
  }
}
