/** The specifications that this program follows, for `about`. */
import { coreSpecs } from '../core/conformance.ts';
import type { AnyModule, Spec } from '../core/module.ts';
import type { SpecLine } from '../operations/services.ts';

/** The specifications of the core and of modules, a line for each. */
export function specLines(modules: readonly AnyModule[]): SpecLine[] {
  const all = [{ name: 'core', specs: coreSpecs }, ...modules];
  return all.flatMap(({ name, specs }) => specs.map((spec) => ({ name, ...lineOf(spec) })));
}

function lineOf(spec: Spec): Omit<SpecLine, 'name'> {
  const { covers, note = '' } = spec;
  if ('xep' in spec)
    return {
      spec: `XEP-${String(spec.xep).padStart(4, '0')}`,
      version: spec.version,
      covers,
      note,
    };
  return { spec: `RFC ${spec.rfc}`, version: spec.sections ?? '', covers, note };
}
