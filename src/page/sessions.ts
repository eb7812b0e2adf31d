/** Who has logged in: kept in memory alone, so that a restart ends all of it. */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

export interface Session {
  readonly id: string;
  /** Sent with each form of this session's pages. */
  readonly csrf: string;
  lastAt: number;
  /** Whole numbers are shown until then, monotonic ms. */
  revealedUntil: number;
}

export interface Sessions {
  /** `null`: that is not the token. `late`: too many wrong ones came, this one was not looked at. */
  login(token: string): Session | null | 'late';
  /** `undefined` ids are nobody's. */
  find(id: string | undefined): Session | null;
  /** It was not ended. What an open page is sent is no use of it. */
  isOpen(session: Session): boolean;
  end(session: Session): void;
}

/** Without a request for so long, one is over, ms. */
const IDLE_MS = 12 * 3_600_000;
/** More people than sit in a call centre's office; the one that looked longest ago goes. */
const MOST = 200;
/** Wrong tokens in a minute, whoever sends them: behind a proxy or a tunnel all come from the same address. */
const WRONG_A_MINUTE = 10;
const MINUTE_MS = 60_000;

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
const secret = (): string => randomBytes(24).toString('base64url');

/** `now`: monotonic ms. `tokenDigest`: SHA-256 of the token. */
export function createSessions(tokenDigest: Uint8Array, now: () => number): Sessions {
  const open = new Map<string, Session>();
  let wrong: number[] = [];
  return {
    login(token) {
      const at = now();
      wrong = wrong.filter((one) => one > at - MINUTE_MS);
      if (wrong.length >= WRONG_A_MINUTE) return 'late';
      if (!timingSafeEqual(digest(token.trim()), tokenDigest)) {
        wrong.push(at);
        return null;
      }
      const session: Session = { id: secret(), csrf: secret(), lastAt: at, revealedUntil: 0 };
      open.set(session.id, session);
      if (open.size > MOST) {
        const [oldest] = [...open.values()].sort((a, b) => a.lastAt - b.lastAt);
        if (oldest !== undefined) open.delete(oldest.id);
      }
      return session;
    },
    find(id) {
      const session = id === undefined ? undefined : open.get(id);
      if (session === undefined) return null;
      if (now() - session.lastAt > IDLE_MS) {
        open.delete(session.id);
        return null;
      }
      session.lastAt = now();
      return session;
    },
    isOpen: ({ id, lastAt }) => open.has(id) && now() - lastAt <= IDLE_MS,
    end: (session) => void open.delete(session.id),
  };
}

/** Whether two texts are the same, in a time that does not tell how much of them is. */
export const isSame = (a: string, b: string): boolean => timingSafeEqual(digest(a), digest(b));
