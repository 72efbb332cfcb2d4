/** Places: which service a URL is for, and the target that a voucher is bound to. */

const SERVICE = /^(?:\/.*?)?\/services\/(did:nv:[0-9a-f]{64})(\/.*)?$/;

/** Where a request goes. `service` is undefined for a service on a host of its own, whose target is the whole path. */
export interface Place {
  readonly origin: string;
  readonly service: string | undefined;
  readonly target: string;
}

/** Return where a request goes, as `fetch` sends it. */
export function findPlace(url: string): Place {
  const { origin, pathname, search } = new URL(url);
  const match = SERVICE.exec(pathname);
  if (match === null) return { origin, service: undefined, target: pathname + search };
  return { origin, service: match[1], target: (match[2] ?? "") + search };
}
