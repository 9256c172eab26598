// VITAL's API from a browser, or from Node 18 and newer. No dependencies: copy it into your application.

const WRITES = new Set(["POST", "PUT", "DELETE"]);
const sleep = (seconds) => new Promise((done) => setTimeout(done, seconds * 1000));

/** A refusal. `message` is one plain sentence, `code` is for programs; `requestId` finds its cause in the service's log. */
export class VitalError extends Error {
  constructor(answer, body) {
    super(body.error ?? `HTTP ${answer.status}`);
    this.name = "VitalError";
    this.status = answer.status;
    this.code = body.code;
    this.details = body.details;
    this.requestId = answer.headers.get("x-request-id");
    this.retryAfter = Number(answer.headers.get("retry-after") ?? 0); // seconds
  }
}

export class Vital {
  #answers = new Map(); // address → {etag, body}

  /**
   * `headers` gives the credential, anew for each request, as tokens end:
   * async () => ({ authorization: `Bearer ${(await supabase.auth.getSession()).data.session.access_token}` })
   */
  constructor({ url, tenant, headers, tries = 4 }) {
    Object.assign(this, { url: url.replace(/\/$/, ""), tenant, headers, tries });
  }

  /** Every tool, page by page; each has `is_shared` where it is the Platform's. */
  async *tools(filters = {}) {
    for (let cursor = ""; cursor !== null; ) {
      const page = await this.get("tools-crud", { limit: 100, ...filters, cursor });
      yield* page.tools;
      cursor = page.next_cursor;
    }
  }

  /** One page of prompts, newest first: `{ prompts, pagination: { page, limit, total, pages } }`. */
  prompts(filters = {}) {
    return this.get("prompts-crud", { page: 1, limit: 50, ...filters });
  }

  async domains() {
    return (await this.get("knowledge-domains")).domains;
  }

  async tenants() {
    return (await this.get("tenants")).tenants;
  }

  /** A new row. `kind` is tools or prompts. */
  create(kind, row) {
    return this.#call("POST", `${kind}-crud`, {}, row);
  }

  /** Only the fields that are sent change. */
  change(kind, key, fields) {
    return this.#call("PUT", `${kind}-crud/${encodeURIComponent(key)}`, {}, fields);
  }

  remove(kind, key) {
    return this.#call("DELETE", `${kind}-crud/${encodeURIComponent(key)}`);
  }

  get(path, parameters = {}) {
    return this.#call("GET", path, parameters);
  }

  async #call(method, path, parameters = {}, body) {
    const address = `${this.url}/api/${path}?${new URLSearchParams(parameters)}`;
    for (let attempt = 1; ; attempt += 1) {
      const known = method === "GET" ? this.#answers.get(address) : undefined;
      const answer = await fetch(address, {
        method,
        headers: {
          accept: "application/json",
          ...(await this.headers()),
          ...(this.tenant && { "x-tenant-id": this.tenant }),
          ...(known && { "if-none-match": known.etag }),
          ...(body && { "content-type": "application/json" }),
        },
        body: body && JSON.stringify(body),
      });
      if (answer.status === 304) return known.body;
      const said = await answer.json().catch(() => ({}));
      if (answer.ok) {
        if (method === "GET") this.#answers.set(address, { etag: answer.headers.get("etag"), body: said });
        return said;
      }
      const error = new VitalError(answer, said);
      // 429 was refused before anything happened. A write that met a 503 may have been carried out: look before you repeat it.
      const again = error.status === 429 || (error.status === 503 && !WRITES.has(method));
      if (!again || attempt >= this.tries) throw error;
      await sleep(error.retryAfter);
    }
  }
}
