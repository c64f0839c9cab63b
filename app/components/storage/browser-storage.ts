/**
 * @file What a browser remembers for this site, and may refuse to: by a setting, in a private
 * window, when it is full.
 */

export type BrowserStorage = {
  /** The text under a key; null where there is none, or none may be read. */
  read(key: string): string | null;
  /** Whether the browser has taken it. */
  write(key: string, text: string): boolean;
  remove(key: string): void;
  /** All keys that begin with `prefix`, in the order of their names. */
  keys(prefix: string): string[];
};

/**
 * Storage as browsers have it, of which every touch may throw, also the look at
 * `window.localStorage` itself.
 */
export type RawStorage = Pick<Storage, 'getItem' | 'setItem' | 'removeItem' | 'key' | 'length'>;

/**
 * Storage that never throws. `open` gives what is to be used; a browser without any gives null or
 * throws.
 */
export function browserStorage(
  open: () => RawStorage | null = () => window.localStorage,
): BrowserStorage {
  function attempt<T>(use: (storage: RawStorage) => T, otherwise: T): T {
    try {
      const storage = open();
      return storage ? use(storage) : otherwise;
    } catch {
      return otherwise;
    }
  }
  return {
    read: (key) => attempt((storage) => storage.getItem(key), null),
    write: (key, text) =>
      attempt((storage) => {
        storage.setItem(key, text);
        return storage.getItem(key) === text;
      }, false),
    remove: (key) => attempt((storage) => storage.removeItem(key), undefined),
    keys: (prefix) =>
      attempt(
        (storage) =>
          Array.from({ length: storage.length }, (_, index) => storage.key(index))
            .filter((key): key is string => key?.startsWith(prefix) ?? false)
            .sort(),
        [],
      ),
  };
}
