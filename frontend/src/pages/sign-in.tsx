import { useMutation, useQueryClient } from '@tanstack/react-query';
import { KeyRound } from 'lucide-react';
import { useEffect, useId, useRef, useState } from 'react';
import { api, ApiError, unwrap } from '../api/client';
import { keys } from '../api/queries';
import { t } from '../texts/en';
import { Button, Problem } from '../ui/basics';

export function SignInPage({ onSignedIn }: { onSignedIn: () => void }) {
  const [token, setToken] = useState('');
  const [shown, setShown] = useState(false);
  const field = useRef<HTMLInputElement>(null);
  const id = useId();
  const client = useQueryClient();
  useEffect(() => {
    document.title = `${t.signIn.title} · ${t.app}`;
    field.current?.focus();
  }, []);
  const signIn = useMutation({
    mutationFn: () => unwrap(api.POST('/api/session', { body: { token: token.trim() } })),
    onSuccess: async () => {
      await client.resetQueries({ queryKey: keys.session });
      onSignedIn();
    },
    onError: () => field.current?.select(),
  });
  const wrong = signIn.error instanceof ApiError && signIn.error.status === 401;
  return (
    <main className="sign-in">
      <form
        className="card sign-in-card"
        onSubmit={(event) => {
          event.preventDefault();
          if (token.trim()) signIn.mutate();
        }}
      >
        <span className="empty-icon"><KeyRound aria-hidden size={28} strokeWidth={1.6} /></span>
        <h1>{t.signIn.title}</h1>
        <p className="lead">{t.signIn.text}</p>
        <div className="field">
          <label htmlFor={id}>{t.signIn.token}</label>
          <input
            id={id}
            ref={field}
            className="input"
            type={shown ? 'text' : 'password'}
            autoComplete="current-password"
            value={token}
            onChange={(event) => setToken(event.target.value)}
            aria-invalid={wrong || undefined}
            aria-describedby={wrong ? `${id}-wrong` : undefined}
          />
          {wrong ? <p id={`${id}-wrong`} className="field-error" role="alert">{t.signIn.wrong}</p> : null}
        </div>
        <label className="check">
          <input type="checkbox" checked={shown} onChange={(event) => setShown(event.target.checked)} />
          <span>{t.signIn.show}</span>
        </label>
        {signIn.error && !wrong ? <Problem error={signIn.error} /> : null}
        <Button kind="primary" type="submit" busy={signIn.isPending}>{t.signIn.submit}</Button>
      </form>
    </main>
  );
}
