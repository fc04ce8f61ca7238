/** The modules by which a scene keeps archives, and whose services operations need. */
import type { AnyModule } from '../../src/core/module.ts';
import { archive } from '../../src/modules/archive/index.ts';
import { fulltext } from '../../src/modules/fulltext/index.ts';
import { portable } from '../../src/modules/portable/index.ts';
import { roster } from '../../src/modules/roster/index.ts';

/** In their order. */
export const ARCHIVED: readonly AnyModule[] = [roster, archive, fulltext, portable];
