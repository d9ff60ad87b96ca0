'use client';

import { type TouchEvent, useRef } from 'react';

const longMs = 500;
/** A finger that goes further than this scrolls. */
const stillPx = 10;

/** A finger that rests: Safari on touch screens has no `contextmenu` event for it. */
export function useLongPress(pressed: () => void) {
  const fired = useRef(false);
  const wait = useRef<{ timer: ReturnType<typeof setTimeout>; x: number; y: number } | null>(null);
  const end = () => {
    if (wait.current) clearTimeout(wait.current.timer);
    wait.current = null;
  };
  return {
    onTouchStart: ({ touches }: TouchEvent) => {
      end();
      fired.current = false;
      const finger = touches[0];
      if (!finger || touches.length > 1) return;
      const fire = () => {
        fired.current = true;
        pressed();
      };
      wait.current = { timer: setTimeout(fire, longMs), x: finger.clientX, y: finger.clientY };
    },
    onTouchMove: ({ touches }: TouchEvent) => {
      const finger = touches[0];
      const start = wait.current;
      if (start && finger && Math.hypot(finger.clientX - start.x, finger.clientY - start.y) > stillPx) end();
    },
    onTouchEnd: (event: TouchEvent) => {
      end();
      // Otherwise a click follows, which takes the focus from what the press has opened.
      if (fired.current) event.preventDefault();
    },
    onTouchCancel: end,
  };
}
