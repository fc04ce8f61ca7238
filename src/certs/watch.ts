/** Watches folders for changes of what is in them. */
import { type FSWatcher, watch } from 'node:fs';
import { dirname } from 'node:path';
import type { PairFiles } from './pair.ts';

/** Tells when something changes in any of some folders. Does not keep the process alive. */
export class FolderWatch {
  readonly #onChange: () => void;
  readonly #watchers = new Map<string, FSWatcher>();

  /** @param onChange called for each change, often several times for one */
  constructor(onChange: () => void) {
    this.#onChange = onChange;
  }

  /** Watches these folders and those of these files, and no others; what is not there is left out. */
  set(folders: readonly string[], files: readonly PairFiles[]): void {
    const wanted = new Set(folders);
    for (const { certificate, key } of files) wanted.add(dirname(certificate)).add(dirname(key));
    for (const folder of this.#watchers.keys()) if (!wanted.has(folder)) this.#end(folder);
    for (const folder of wanted) if (!this.#watchers.has(folder)) this.#begin(folder);
  }

  /** Watches nothing any more. */
  close(): void {
    for (const folder of this.#watchers.keys()) this.#end(folder);
  }

  #begin(folder: string): void {
    try {
      const watcher = watch(folder, { persistent: false }, () => this.#onChange());
      watcher.on('error', () => this.#end(folder));
      this.#watchers.set(folder, watcher);
    } catch {
      // Not there, not readable, or no watches left: the periodic look finds its changes.
    }
  }

  #end(folder: string): void {
    this.#watchers.get(folder)?.close();
    this.#watchers.delete(folder);
  }
}
