/**
 * The files themselves: `uploads/` in the data folder, by ids that nobody chose, in folders by the
 * first characters. One is written under `incoming/`, and is in its place only when all of it is on
 * the disk.
 */
import { type FileHandle, mkdir, open, readdir, rename, unlink } from 'node:fs/promises';
import { join } from 'node:path';

/** What an id looks like: 24 random bytes as base64url. */
export const ID_BYTES = 24;
const ID = /^[\w-]{32}$/;

/** Whether a text can be an id. */
export const isId = (text: string): boolean => ID.test(text);

const INCOMING = 'incoming';
/** Files and folders are for the server only. */
const FOLDER_MODE = 0o700;
const FILE_MODE = 0o600;

/** The folder. */
export interface Folder {
  /** Makes an empty file that is not in its place yet. */
  begin(id: string): Promise<FileHandle>;
  /** Puts a file that is on the disk in its place; resolves when that is on the disk, too. */
  place(id: string): Promise<void>;
  /** Opens a file to be read; undefined when it is not there. */
  open(id: string): Promise<FileHandle | undefined>;
  /** Removes a file, wherever it is; one that is not there is no fault. */
  remove(id: string): Promise<void>;
  /** Ids of files that are not in their place. */
  incoming(): Promise<readonly string[]>;
  /** The ids in their places, some at a time. */
  all(): AsyncGenerator<readonly string[]>;
}

/** Opens the folder, which is made when it is first needed. */
export function createFolder(root: () => string): Folder {
  const shard = (id: string) => join(root(), id.slice(0, 2));
  const placeOf = (id: string) => join(shard(id), id);
  const incomingOf = (id: string) => join(root(), INCOMING, id);
  const ensure = (path: string) => mkdir(path, { recursive: true, mode: FOLDER_MODE });
  return {
    async begin(id) {
      await ensure(join(root(), INCOMING));
      return open(incomingOf(id), 'wx', FILE_MODE);
    },
    async place(id) {
      await ensure(shard(id));
      await rename(incomingOf(id), placeOf(id));
      for (const folder of [shard(id), root()]) await syncFolder(folder);
    },
    async open(id) {
      if (!isId(id)) return undefined;
      try {
        return await open(placeOf(id), 'r');
      } catch (error) {
        if (isAbsent(error)) return undefined;
        throw error;
      }
    },
    async remove(id) {
      if (!isId(id)) return;
      for (const path of [placeOf(id), incomingOf(id)])
        await unlink(path).catch((error: unknown) => {
          if (!isAbsent(error)) throw error;
        });
    },
    incoming: () => idsIn(join(root(), INCOMING)),
    async *all() {
      const shards = await names(root());
      for (const name of shards)
        if (name.length === 2)
          yield (await idsIn(join(root(), name))).filter((id) => id.startsWith(name));
    },
  };
}

const isAbsent = (error: unknown) =>
  error instanceof Error &&
  'code' in error &&
  (error.code === 'ENOENT' || error.code === 'ENOTDIR');

const idsIn = async (folder: string) => (await names(folder)).filter(isId);

/** The names in a folder; none where there is no folder. */
async function names(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (isAbsent(error)) return [];
    throw error;
  }
}

async function syncFolder(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
