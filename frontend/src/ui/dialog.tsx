import { Dialog, DialogDescription, DialogDismiss, DialogHeading } from '@ariakit/react';
import type { ReactNode } from 'react';
import { t } from '../texts/en';
import { Button } from './basics';

// A question before something that cannot be taken back.
export function Confirm({
  open, onClose, title, text, yes, no = t.common.cancel, onYes, busy = false, children,
}: {
  open: boolean;
  onClose: () => void;
  title: string;
  text: string;
  yes: string;
  no?: string;
  onYes: () => void;
  busy?: boolean;
  children?: ReactNode;
}) {
  return (
    <Dialog open={open} onClose={onClose} className="dialog" backdrop={<div className="backdrop" />} role="alertdialog" hideOnInteractOutside={!busy}>
      <DialogHeading className="dialog-title">{title}</DialogHeading>
      <DialogDescription>{text}</DialogDescription>
      {children}
      <div className="dialog-actions">
        <DialogDismiss className="button button-plain" disabled={busy}><span>{no}</span></DialogDismiss>
        <Button kind="danger" onClick={onYes} busy={busy}>{yes}</Button>
      </div>
    </Dialog>
  );
}
