// The frame around all pages: navigation, theme, sign-in, what to show when the server is away or a page breaks.
import { Menu, MenuButton, MenuItemRadio, MenuProvider } from '@ariakit/react';
import { useIsFetching, useQueryClient } from '@tanstack/react-query';
import { FolderDown, Gauge, Images, ListChecks, LogOut, Monitor, Moon, Sun, TriangleAlert, type LucideIcon } from 'lucide-react';
import { Component, lazy, Suspense, useEffect, useRef, useState, type ReactNode } from 'react';
import { Link, Route, Switch, useLocation } from 'wouter';
import { ApiError, onSignedOut, api, unwrap } from './api/client';
import { isRunning, keys, useHealth, useRecentJobs, useSession } from './api/queries';
import { setTheme, useTheme, type Theme } from './lib/theme';
import { ImportPage } from './pages/import';
import { SignInPage } from './pages/sign-in';
import { t } from './texts/en';
import { Announcements } from './ui/announce';
import { Button, Empty, Loading, PageHead } from './ui/basics';

const JobsPage = lazy(() => import('./pages/jobs').then((m) => ({ default: m.JobsPage })));
const JobPage = lazy(() => import('./pages/job').then((m) => ({ default: m.JobPage })));
const ProblemsPage = lazy(() => import('./pages/problems').then((m) => ({ default: m.ProblemsPage })));
const GalleryPage = lazy(() => import('./pages/gallery').then((m) => ({ default: m.GalleryPage })));
const OverviewPage = lazy(() => import('./pages/overview').then((m) => ({ default: m.OverviewPage })));

export function App() {
  return (
    <Fault>
      <Frame />
    </Fault>
  );
}

function Frame() {
  const session = useSession();
  const [signedOut, setSignedOut] = useState(false);
  useEffect(() => onSignedOut(() => setSignedOut(true)), []);
  const needsToken = signedOut || (session.data?.token_needed === true && !session.data.signed_in);
  if (needsToken) {
    return (
      <>
        <SignInPage onSignedIn={() => setSignedOut(false)} />
        <Announcements />
      </>
    );
  }
  return (
    <div className="frame">
      <a className="skip" href="#content">{t.skip}</a>
      <Sidebar canSignOut={session.data?.token_needed === true} onSignOut={() => setSignedOut(true)} />
      <Pages />
      <Announcements />
    </div>
  );
}

function Pages() {
  const [location] = useLocation();
  const page = location.split('/')[1] ?? '';
  useEffect(() => {
    window.scrollTo(0, 0);
  }, [page]);
  return (
    <main id="content" tabIndex={-1}>
      <OfflineBanner />
      <Fault key={page}>
        <Suspense fallback={<Loading />}>
          <Switch>
            <Route path="/" component={ImportPage} />
            <Route path="/jobs" component={JobsPage} />
            <Route path="/jobs/:id">{({ id }) => <JobPage key={id} id={id} />}</Route>
            <Route path="/gallery" component={GalleryPage} />
            <Route path="/problems" component={ProblemsPage} />
            <Route path="/overview" component={OverviewPage} />
            <Route>
              <PageHead title={t.common.notFound} lead={t.common.notFoundText} />
              <Link href="/" className="button button-primary"><span>{t.common.goHome}</span></Link>
            </Route>
          </Switch>
        </Suspense>
      </Fault>
    </main>
  );
}

const PLACES: { href: string; label: string; icon: LucideIcon }[] = [
  { href: '/', label: t.nav.import, icon: FolderDown },
  { href: '/jobs', label: t.nav.jobs, icon: ListChecks },
  { href: '/gallery', label: t.nav.gallery, icon: Images },
  { href: '/problems', label: t.nav.problems, icon: TriangleAlert },
  { href: '/overview', label: t.nav.overview, icon: Gauge },
];

function Sidebar({ canSignOut, onSignOut }: { canSignOut: boolean; onSignOut: () => void }) {
  const [location] = useLocation();
  const jobs = useRecentJobs();
  const running = jobs.data?.filter(isRunning).length ?? 0;
  const client = useQueryClient();
  const signOut = async () => {
    await unwrap(api.DELETE('/api/session')).catch(() => undefined);
    onSignOut();
    client.clear();
  };
  return (
    <header className="sidebar">
      <Link href="/" className="brand" aria-label={t.app}>
        <img src="/favicon.svg" alt="" width={28} height={28} />
        <span>{t.app}</span>
      </Link>
      <nav aria-label={t.nav.label}>
        <ul>
          {PLACES.map(({ href, label, icon: Icon }) => {
            const here = href === '/' ? location === '/' : location === href || location.startsWith(`${href}/`);
            return (
              <li key={href}>
                <Link href={href} className="nav-link" aria-current={here ? 'page' : undefined}>
                  <Icon aria-hidden size={20} strokeWidth={1.9} />
                  <span>{label}</span>
                  {href === '/jobs' && running > 0 ? <span className="nav-count">{running}</span> : null}
                </Link>
              </li>
            );
          })}
        </ul>
      </nav>
      <div className="sidebar-foot">
        <ThemeMenu />
        {canSignOut ? (
          <button type="button" className="nav-link" onClick={() => void signOut()}>
            <LogOut aria-hidden size={20} strokeWidth={1.9} /> <span>{t.signOut}</span>
          </button>
        ) : null}
      </div>
    </header>
  );
}

const THEMES: { theme: Theme; label: string; icon: LucideIcon }[] = [
  { theme: 'system', label: t.theme.system, icon: Monitor },
  { theme: 'light', label: t.theme.light, icon: Sun },
  { theme: 'dark', label: t.theme.dark, icon: Moon },
];

function ThemeMenu() {
  const theme = useTheme();
  const Icon = THEMES.find((one) => one.theme === theme)?.icon ?? Monitor;
  return (
    <MenuProvider placement="top-start" values={{ theme }} setValues={(values) => setTheme(values.theme as Theme)}>
      <MenuButton className="nav-link theme-button" aria-label={t.theme.label}>
        <Icon aria-hidden size={20} strokeWidth={1.9} /> <span aria-hidden>{t.theme.label}</span>
      </MenuButton>
      <Menu gutter={6} className="menu">
        {THEMES.map(({ theme: value, label, icon: One }) => (
          <MenuItemRadio key={value} name="theme" value={value} className="menu-item">
            <One aria-hidden size={18} /> {label}
          </MenuItemRadio>
        ))}
      </Menu>
    </MenuProvider>
  );
}

function OfflineBanner() {
  const health = useHealth();
  useIsFetching();
  const away = health.error instanceof ApiError || (health.isError && !health.isFetching) || health.failureCount > 0;
  const client = useQueryClient();
  const wasAway = useRef(false);
  useEffect(() => {
    // Back again: everything shown may have changed.
    if (wasAway.current && !away) void client.invalidateQueries({ predicate: (query) => query.queryKey !== keys.health });
    wasAway.current = away;
  }, [away, client]);
  return away ? <p className="offline" role="status">{t.offline}</p> : null;
}

class Fault extends Component<{ children: ReactNode }, { error: Error | null }> {
  override state = { error: null as Error | null };
  static getDerivedStateFromError(error: Error) {
    return { error };
  }
  override render() {
    if (!this.state.error) return this.props.children;
    return (
      <Empty icon={TriangleAlert} title={t.common.crash} action={<Button kind="primary" onClick={() => location.reload()}>{t.common.reload}</Button>}>
        {t.common.crashText}
      </Empty>
    );
  }
}
