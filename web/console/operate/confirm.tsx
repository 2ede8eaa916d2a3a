/** A question before something that cannot be taken back. It says what is about to happen; the safe answer comes first. */
import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';

interface ConfirmProps {
  readonly title: string;
  readonly children: ComponentChildren;
  /** The words of the button that does it. */
  readonly act: string;
  readonly keep: string;
  readonly isDisabled?: boolean;
  readonly onAct: () => void;
  /** Also when it is left with Escape. */
  readonly onKeep: () => void;
}

export function Confirm({ title, children, act, keep, isDisabled = false, onAct, onKeep }: ConfirmProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const asker = document.activeElement;
    dialog.current?.showModal();
    return () => {
      if (asker instanceof HTMLElement) asker.focus();
    };
  }, []);
  return (
    <dialog ref={dialog} class="confirm" aria-labelledby="confirm-title" onClose={onKeep}>
      <h3 id="confirm-title">{title}</h3>
      {children}
      <div class="button-row">
        <button type="button" onClick={onKeep}>
          {keep}
        </button>
        <button type="button" class="danger-fill" disabled={isDisabled} onClick={onAct}>
          {act}
        </button>
      </div>
    </dialog>
  );
}
