/**
 * A peer did what no honest member does: the error that ends its connection, and that keeps it out for a time. The message is one word
 * of our own, for log and metrics.
 */
export class Violation extends Error {
  override readonly name = 'Violation';
}
