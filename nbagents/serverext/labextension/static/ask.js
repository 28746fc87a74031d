// Requests to the server extension.

class Refusal extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

/** Whether the server has no such extension, or does not let this user use it. */
export const absent = (error) => error instanceof Refusal && [401, 403, 404].includes(error.status);

/** Make `ask(path, method)`, which answers with the body, and throws what the server extension says went wrong. */
export const asker = (settings, { ServerConnection, URLExt }) => {
  const base = URLExt.join(settings.baseUrl, "nbagents/api");
  return async (path, method = "GET") => {
    const answer = await ServerConnection.makeRequest(URLExt.join(base, path), { method }, settings);
    let body = null;
    try {
      body = await answer.json();
    } catch {
      // No body, or a page of somebody else's: the status says enough.
    }
    if (answer.ok) return body;
    const { message, hint } = body?.error ?? {};
    throw new Refusal(answer.status, [message ?? answer.statusText, hint].filter(Boolean).join(". Try: "));
  };
};
