/** The part of `ltx` that this room uses; the package has no types of its own. */
declare module 'ltx' {
  /** An element's attributes by their qualified names; a missing one is undefined. */
  export interface Attributes {
    [name: string]: string | undefined;
    xmlns?: string | undefined;
    id?: string | undefined;
    type?: string | undefined;
    from?: string | undefined;
    to?: string | undefined;
  }

  /** A node of the tree: a name, attributes, and children that are elements or text. */
  export class Element {
    constructor(name: string);
    readonly name: string;
    parent: Element | null;
    children: Array<Element | string>;
    readonly attrs: Attributes;
  }
}
