/** Why the server cannot start, in words for the admin: no stack, nothing to look up. */
export class StartError extends Error {
  override readonly name = 'StartError';
}
