// SPDX-License-Identifier: Apache-2.0

/// What the node refused or could not do, in words for people.
export class Failure extends Error {
  constructor(message, status, code) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

const LONGEST = 20_000;
/// Where the page keeps its half of what it has signed in with.
export const PROOF = 'kith-page-proof';

/// Asks the node that served this page.
///
/// - Throws: `Failure`; its status is 0 when the node cannot be reached.
export async function ask(method, path, body, options = {}) {
  const response = await request(method, path, body, options);
  if (response.status === 204) return null;
  const type = response.headers.get('content-type') ?? '';
  return type.includes('json') ? response.json() : response.text();
}

export const get = (path, options) => ask('GET', path, undefined, options);

/// The same, with the answer as it comes.
export async function request(method, path, body, { signal, accept = 'application/json', endless = false } = {}) {
  const limit = endless ? undefined : AbortSignal.timeout(LONGEST);
  const signals = [signal, limit].filter(Boolean);
  let response;
  try {
    response = await fetch(path, {
      method,
      headers: {
        accept,
        // The page's half of what it has signed in with. Cookies go to every port of a host; this stays with this one.
        'x-kith-page': localStorage.getItem(PROOF) ?? 'none',
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      body: body === undefined ? undefined : JSON.stringify(body),
      signal: signals.length > 0 ? AbortSignal.any(signals) : undefined,
      credentials: 'same-origin',
      redirect: 'error',
      cache: 'no-store',
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new Failure(
      error.name === 'TimeoutError' ? 'The node took too long to answer.' : 'The node cannot be reached.', 0);
  }
  if (!response.ok) throw await failure(response);
  return response;
}

async function failure(response) {
  let text = '';
  try {
    text = await response.text();
    const body = JSON.parse(text);
    const error = body.error ?? body;
    if (typeof error === 'string') return new Failure(error, response.status, body.code);
    return new Failure(error.message ?? response.statusText, response.status, error.code ?? error.type);
  } catch {
    return new Failure(text.slice(0, 300) || `The node answered ${response.status}.`, response.status);
  }
}

/// The events of a stream of server-sent events (WHATWG HTML, 9.2.6), as { event, data, id }; comments as `null`. An
/// event without data tells only where the stream is.
export async function* eventsOf(response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  let event = {};
  try {
    while (true) {
      const { value, done } = await reader.read();
      if (done) return;
      rest += value;
      const lines = rest.split(/\r\n|\n|\r(?!$)/);
      rest = lines.pop();
      for (const line of lines) {
        if (line === '') {
          if (event.data !== undefined || event.id !== undefined) yield event;
          event = {};
          continue;
        }
        const colon = line.indexOf(':');
        if (colon === 0) {
          yield null;
          continue;
        }
        const name = colon < 0 ? line : line.slice(0, colon);
        const text = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
        if (name === 'data') event.data = event.data === undefined ? text : `${event.data}\n${text}`;
        if (name === 'event') event.event = text;
        if (name === 'id') event.id = text;
      }
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}
