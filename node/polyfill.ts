/**
 * Node 20 has no Promise.withResolvers, and libp2p 3 calls it while loading. Every entry point and every
 * worker imports this file first. Delete it together with support for Node 20.
 */
interface Resolvers<T> {
  readonly promise: Promise<T>;
  readonly resolve: (value: T | PromiseLike<T>) => void;
  readonly reject: (reason?: unknown) => void;
}

function withResolvers<T>(this: PromiseConstructor): Resolvers<T> {
  let settle: Omit<Resolvers<T>, 'promise'> | null = null;
  const promise = new this<T>((resolve, reject) => {
    settle = { resolve, reject };
  });
  // The executor has run by now: the constructor calls it before it returns.
  if (settle === null) throw new TypeError('the promise constructor did not call its executor');
  return Object.assign({ promise }, settle as Omit<Resolvers<T>, 'promise'>);
}

if (!('withResolvers' in Promise)) {
  // Not enumerable, like the built-in.
  Object.defineProperty(Promise, 'withResolvers', {
    value: withResolvers,
    configurable: true,
    writable: true,
  });
}
