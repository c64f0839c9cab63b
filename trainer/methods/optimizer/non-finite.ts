/** Training that produced NaN or infinity: says at which step and what to change. */
export class NonFiniteError extends Error {
  override name = 'NonFiniteError';
}
