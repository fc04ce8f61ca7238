/** Work that must not be done twice at once for the same key, such as changes of one roster. */

/** Runs a task when all earlier ones of its key are done; tasks of other keys do not wait. */
export type Exclusive<K> = <T>(key: K, task: () => Promise<T>) => Promise<T>;

/** Makes a queue for each key that has work; a key without work is not remembered. */
export function createExclusive<K>(): Exclusive<K> {
  const last = new Map<K, Promise<unknown>>();
  return (key, task) => {
    const before = last.get(key);
    // A task that failed is its caller's business, not that of the next one.
    const done = before === undefined ? task() : before.then(task, task);
    last.set(key, done);
    const forget = () => {
      if (last.get(key) === done) last.delete(key);
    };
    done.then(forget, forget);
    return done;
  };
}
