// Short messages: shown for a while, and read out by screen readers.
import { CheckCircle2, X, XCircle } from 'lucide-react';
import { useSyncExternalStore } from 'react';
import { t } from '../texts/en';

interface Message {
  id: number;
  text: string;
  bad: boolean;
}

let messages: readonly Message[] = [];
let next = 1;
const listeners = new Set<() => void>();

function set(list: readonly Message[]): void {
  messages = list;
  for (const listener of listeners) listener();
}

export function announce(text: string, bad = false): void {
  const id = next++;
  set([...messages.slice(-2), { id, text, bad }]);
  setTimeout(() => set(messages.filter((message) => message.id !== id)), bad ? 12_000 : 6_000);
}

export function Announcements() {
  const list = useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => messages,
  );
  return (
    <div className="toasts" role="status" aria-live="polite">
      {list.map((message) => (
        <div key={message.id} className={`toast ${message.bad ? 'toast-bad' : ''}`}>
          {message.bad ? <XCircle aria-hidden size={18} /> : <CheckCircle2 aria-hidden size={18} />}
          <span>{message.text}</span>
          <button type="button" className="icon-button small" aria-label={t.common.close} onClick={() => set(messages.filter((one) => one.id !== message.id))}>
            <X aria-hidden size={16} />
          </button>
        </div>
      ))}
    </div>
  );
}
