// Small parts that every page uses.
import { AlertTriangle, Check, Copy, Loader2, type LucideIcon } from 'lucide-react';
import { useEffect, useRef, useState, type ComponentProps, type ReactNode } from 'react';
import { Tooltip, TooltipAnchor, TooltipProvider } from '@ariakit/react';
import { ApiError } from '../api/client';
import { t } from '../texts/en';

type ButtonKind = 'primary' | 'plain' | 'quiet' | 'danger';

export function Button({
  kind = 'plain',
  icon: Icon,
  busy = false,
  children,
  className = '',
  disabled,
  ...rest
}: ComponentProps<'button'> & { kind?: ButtonKind; icon?: LucideIcon; busy?: boolean }) {
  return (
    <button type="button" className={`button button-${kind} ${className}`} disabled={disabled || busy} aria-busy={busy || undefined} {...rest}>
      {busy ? <Loader2 className="spin" aria-hidden size={18} /> : Icon ? <Icon aria-hidden size={18} /> : null}
      <span>{children}</span>
    </button>
  );
}

export function IconButton({ label, icon: Icon, className = '', ...rest }: ComponentProps<'button'> & { label: string; icon: LucideIcon }) {
  return (
    <TooltipProvider timeout={400}>
      <TooltipAnchor render={<button type="button" className={`icon-button ${className}`} aria-label={label} {...rest} />}>
        <Icon aria-hidden size={20} />
      </TooltipAnchor>
      <Tooltip className="tooltip">{label}</Tooltip>
    </TooltipProvider>
  );
}

export function Empty({ icon: Icon, title, children, action }: { icon: LucideIcon; title: string; children?: ReactNode; action?: ReactNode }) {
  return (
    <div className="empty">
      <span className="empty-icon"><Icon aria-hidden size={28} strokeWidth={1.6} /></span>
      <h2>{title}</h2>
      {children ? <p>{children}</p> : null}
      {action}
    </div>
  );
}

export function Loading() {
  return (
    <div className="loading" role="status">
      <Loader2 className="spin" aria-hidden size={22} />
      <span>{t.common.loading}</span>
    </div>
  );
}

// An e-mail address in a remedy is the account that the folder is to be shared with.
const EMAIL = /[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}/;

export function Problem({ error, onRetry, title }: { error: Error; onRetry?: (() => void) | undefined; title?: string }) {
  const api = error instanceof ApiError ? error : null;
  return <Notice title={title ?? error.message} text={title ? error.message : ''} remedy={api?.remedy ?? ''} requestId={api?.requestId ?? ''} onRetry={onRetry} />;
}

export function Notice({
  title, text = '', remedy = '', requestId = '', onRetry, tone = 'danger',
}: { title: string; text?: string; remedy?: string; requestId?: string; onRetry?: (() => void) | undefined; tone?: 'danger' | 'warning' }) {
  const account = EMAIL.exec(remedy)?.[0];
  return (
    <div className={`notice notice-${tone}`} role="alert">
      <AlertTriangle aria-hidden size={20} />
      <div className="notice-body">
        <p className="notice-title">{sentence(title)}</p>
        {text ? <p>{sentence(text)}</p> : null}
        {remedy ? <p className="notice-remedy">{sentence(remedy)}</p> : null}
        {account ? (
          <p className="account">
            <span>{t.problems.accountToShareWith}</span> <code>{account}</code> <CopyButton text={account} />
          </p>
        ) : null}
        {onRetry ? <Button onClick={onRetry}>{t.common.retry}</Button> : null}
        {requestId ? <p className="fine">{t.common.requestId(requestId)}</p> : null}
      </div>
    </div>
  );
}

export const sentence = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

export function CopyButton({ text, label = t.common.copy }: { text: string; label?: string }) {
  const [copied, setCopied] = useState(false);
  useEffect(() => {
    if (!copied) return;
    const timer = setTimeout(() => setCopied(false), 1600);
    return () => clearTimeout(timer);
  }, [copied]);
  return (
    <button
      type="button"
      className="link-button"
      onClick={() => void navigator.clipboard?.writeText(text).then(() => setCopied(true))}
    >
      {copied ? <Check aria-hidden size={14} /> : <Copy aria-hidden size={14} />} {copied ? t.common.copied : label}
    </button>
  );
}

export function Card({ title, children, actions, className = '' }: { title?: ReactNode; children: ReactNode; actions?: ReactNode; className?: string }) {
  return (
    <section className={`card ${className}`}>
      {title || actions ? (
        <header className="card-head">
          {title ? <h2>{title}</h2> : null}
          {actions ? <div className="card-actions">{actions}</div> : null}
        </header>
      ) : null}
      {children}
    </section>
  );
}

// The page that was loaded first leaves the focus where browsers put it.
let firstPage = true;

export function PageHead({ title, lead, state = '', children }: { title: string; lead?: string; state?: string; children?: ReactNode }) {
  useEffect(() => {
    // The state is for those who look at another tab meanwhile.
    document.title = `${state ? `${state} ` : ''}${title} · ${t.app}`;
  }, [title, state]);
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    // Of a new page the heading is what is read out next.
    if (!firstPage) heading.current?.focus({ preventScroll: true });
    firstPage = false;
  }, []);
  return (
    <header className="page-head">
      <div>
        <h1 ref={heading} tabIndex={-1}>{title}</h1>
        {lead ? <p className="lead">{lead}</p> : null}
      </div>
      {children ? <div className="page-actions">{children}</div> : null}
    </header>
  );
}

export function Figure({ label, value, hint }: { label: string; value: ReactNode; hint?: string | undefined }) {
  return (
    <div className="figure">
      <dt>{label}</dt>
      <dd>{value}</dd>
      {hint ? <dd className="figure-hint">{hint}</dd> : null}
    </div>
  );
}
