/**
 * Node 20 has no Promise.withResolvers, and libp2p 3 calls it while loading. Every entry point and every
 * worker imports this file first. Delete it together with support for Node 20.
 */
interface Resolvers<T> {
  readonly promise: Promise<T>;
  readonly resolve: (value: T | PromiseLike<T>) => void;
  readonly reject: (reason?: unknown) => void;
}

function notYet(): never {
  throw new TypeError('the promise constructor did not call its executor');
}

function withResolvers<T>(this: PromiseConstructor): Resolvers<T> {
  let resolve: Resolvers<T>['resolve'] = notYet;
  let reject: Resolvers<T>['reject'] = notYet;
  // The executor runs before the constructor returns, so both are in place below.
  const promise = new this<T>((resolvePromise, rejectPromise) => {
    resolve = resolvePromise;
    reject = rejectPromise;
  });
  return { promise, resolve, reject };
}

if (!('withResolvers' in Promise)) {
  // Not enumerable, like the built-in.
  Object.defineProperty(Promise, 'withResolvers', {
    value: withResolvers,
    configurable: true,
    writable: true,
  });
}
