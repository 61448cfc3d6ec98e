/** HTTP as an attacker speaks it: any verb, any header, any bytes. */
import { request, type OutgoingHttpHeaders } from 'node:http';

export interface RawAnswer {
  readonly status: number;
  /** The error's code and name, or nulls for anything else. */
  readonly code: number | null;
  readonly name: string | null;
  readonly body: string;
}

export interface RawRequest {
  readonly port?: number;
  readonly socketPath?: string;
  readonly method?: string;
  readonly path?: string;
  readonly headers?: OutgoingHttpHeaders;
  readonly body?: string | Buffer;
}

export function rawRequest(input: RawRequest): Promise<RawAnswer> {
  const { body, method = 'POST', path = '/', headers = {} } = input;
  const target =
    input.socketPath === undefined
      ? { host: '127.0.0.1', port: input.port }
      : { socketPath: input.socketPath };
  return new Promise((resolve, reject) => {
    const outgoing = request({ ...target, method, path, headers, agent: false }, (incoming) => {
      const chunks: Buffer[] = [];
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
      incoming.on('end', () =>
        resolve(rawAnswer(incoming.statusCode ?? 0, Buffer.concat(chunks).toString())),
      );
    });
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

function rawAnswer(status: number, body: string): RawAnswer {
  try {
    const { error } = JSON.parse(body) as {
      readonly error?: { readonly code: number; readonly data: { readonly name: string } };
    };
    return { status, code: error?.code ?? null, name: error?.data.name ?? null, body };
  } catch {
    return { status, code: null, name: null, body };
  }
}
