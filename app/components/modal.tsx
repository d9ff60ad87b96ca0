'use client';

import { type ReactNode, useEffect, useRef } from 'react';

/** A dialog over the page. The browser's own keeps focus and Escape right. */
export function Modal(props: { title: string; onClose: () => void; closing: string; children: ReactNode }) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog
      ref={dialog}
      className="modal"
      aria-label={props.title}
      onCancel={(event) => {
        // A file chooser within it that was called off says so in the same way, and bubbles.
        if (event.target !== event.currentTarget) return;
        event.preventDefault();
        props.onClose();
      }}
    >
      <h2>{props.title}</h2>
      {props.children}
      <button type="button" className="button wide" onClick={props.onClose}>
        {props.closing}
      </button>
    </dialog>
  );
}
