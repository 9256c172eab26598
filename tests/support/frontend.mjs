// A stand-in for the platform's frontend: its pages do what the platform's do, and what goes to VITAL is what next.config says.
//
// node frontend.mjs NEXT_CONFIG PLATFORM_ID PORT  (0: any; it is printed)
import http from "node:http";
import { pathToFileURL } from "node:url";

const { default: config } = await import(pathToFileURL(process.argv[2]));
const { beforeFiles } = await config.rewrites();
const platform = process.argv[3];

// The middleware's cookie, where it knows nothing better; the session's is Supabase's.
const hint = (request) =>
  /(^|; *)tenant_id=/.test(request.headers.cookie ?? "") ? {} : { "set-cookie": `tenant_id=${platform}; Path=/; SameSite=Lax` };

// As Next.js reads rewrites; of its patterns those with `:path*` at their end.
function rewritten(request) {
  const { pathname, search } = new URL(request.url, "http://any");
  const cookies = new Map((request.headers.cookie ?? "").split(/; */).map((one) => one.split(/=(.*)/s)));
  const holds = ({ type, key, value }) => {
    const said = type === "cookie" ? cookies.get(key) : request.headers[key];
    return value ? new RegExp(`^${value}$`).test(said ?? "") : Boolean(said);
  };
  for (const { source, destination, has } of beforeFiles) {
    const start = source.replace("/:path*", "");
    if ((pathname === start || pathname.startsWith(start + "/")) && has.every(holds))
      return new URL(destination.replace("/:path*", () => pathname.slice(start.length)) + search);
  }
}

// As Next.js goes on: the host is the destination's, the middleware's cookie is in the request too, and every request has a
// connection of its own.
function proxied(request, response, to) {
  const { host, ...came } = request.headers;
  const from = { "x-forwarded-host": host, "x-forwarded-proto": "http", "x-forwarded-for": request.socket.remoteAddress };
  const headers = { ...came, ...from, ...hint(request), host: to.host };
  const onward = http.request(to, { method: request.method, headers, agent: false }, (answer) => {
    response.writeHead(answer.statusCode, { ...answer.headers, ...hint(request) });
    answer.pipe(response);
  });
  onward.on("error", () => response.writeHead(502).end());
  request.pipe(onward);
}

const page = (body, script) => `<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,">
<p id="error" role="alert"></p><p id="state"></p>${body}
<script>
const asked = new URLSearchParams(location.search), $ = (id) => document.getElementById(id);
async function call(path, method = "GET", body) {
  const headers = body ? { "content-type": "application/json" } : {};
  if (asked.has("tenant")) headers["x-tenant-id"] = asked.get("tenant");  // the page's context; empty until it knows one
  const answer = await fetch(path, { method, headers, body: body && JSON.stringify(body) });
  const said = await answer.json();
  if (!answer.ok) throw new Error(said.error);
  return said;
}
// Both forms of an address are used: the item's, and the collection's with the id in the body or the query.
const put = (base, id, body) =>
  asked.get("form") === "item" ? call(base + "/" + id, "PUT", body) : call(base, "PUT", { ...body, id });
const remove = (base, id) => call(asked.get("form") === "item" ? base + "/" + id : base + "?id=" + id, "DELETE");
// What a field shows of a value, and the value of what somebody typed there.
const shown = (value) => (typeof value === "string" ? value : value == null ? "" : JSON.stringify(value));
const typed = (was, text) => (typeof was === "string" || was == null ? text : JSON.parse(text));
const shows = (what) => async () => {
  $("error").textContent = "", $("state").textContent = "at work";
  try { $("state").textContent = await what(); }
  catch (error) { $("error").textContent = error.message, $("state").textContent = "refused"; }
};
${script}</script>`;

// The list is loaded whole; the tool that is edited is sent back whole, with one field changed, under the name that the page uses.
const TOOLS = page(
  `<h1>Tools</h1><ul id="list"></ul><dl id="facts"></dl><label>Field <input id="field"></label><label>Value <textarea id="value"></textarea></label>
   <button id="save">Save</button><button id="delete">Delete</button>`,
  `const FACTS = ["implementation_path", "api_endpoint", "input_schema", "output_schema", "rate_limit_per_minute", "total_calls",
                 "avg_response_time_ms", "avg_confidence_score", "llm_description", "function_name", "access_level",
                 "max_execution_time_seconds"];
  const part = (kind, textContent, id = "") => Object.assign(document.createElement(kind), { textContent, id });
  let tool;
  const opens = async () => {
    const { tools } = await call("/api/tools-crud?limit=1000");
    $("list").replaceChildren(...tools.map((one) => part("li", one.name)));
    ({ tool } = await call("/api/tools-crud/" + asked.get("id")));
    $("facts").replaceChildren(...FACTS.flatMap((name) => [part("dt", name), part("dd", shown(tool[name]), name)]));
    return "opened " + tool.name;
  };
  $("save").onclick = shows(async () => {
    const field = $("field").value;
    ({ tool } = await put("/api/tools-crud", tool.id, { ...tool, [field]: typed(tool[field], $("value").value) }));
    return "saved " + shown(tool[field]);
  });
  $("delete").onclick = shows(async () => (await remove("/api/tools-crud", tool.id)).message);
  shows(opens)();`,
);

// The editor shows these fields, and sends every one of them back; those that nobody has typed in as they were read.
const PROMPTS = page(
  `<h1>Prompt</h1><form id="fields"></form><button id="save">Save</button><button id="delete">Delete</button>`,
  `const FIELDS = ["name", "display_name", "description", "domain", "system_prompt", "user_prompt_template", "status",
                  "tags", "use_cases", "target_users", "regulatory_requirements", "customization_guide", "quality_assurance",
                  "prompt_starter", "slug", "prompt_code"];
  let prompt, edited;
  const opens = async () => {
    ({ prompt } = await call("/api/prompts-crud?action=get&id=" + encodeURIComponent(asked.get("id"))));
    edited = new Map();
    $("fields").replaceChildren(...FIELDS.map((name) => {
      const field = Object.assign(document.createElement("textarea"), { id: name, value: shown(prompt[name]) });
      field.setAttribute("aria-label", name);
      field.oninput = () => edited.set(name, field.value);
      return field;
    }));
    return "opened " + prompt.name;
  };
  $("save").onclick = shows(async () => {
    const value = (name) => (edited.has(name) ? typed(prompt[name], edited.get(name)) : prompt[name]);
    ({ prompt } = await put("/api/prompts-crud", prompt.id, Object.fromEntries(FIELDS.map((name) => [name, value(name)]))));
    edited.clear();
    return "saved " + prompt.name;
  });
  $("delete").onclick = shows(async () => (await remove("/api/prompts-crud", prompt.id)).message);
  shows(opens)();`,
);

const DOMAINS = page(
  `<h1>Domains</h1><ul id="list"></ul>`,
  `shows(async () => {
    const { domains, count } = await call("/api/knowledge-domains");
    $("list").replaceChildren(...domains.map((one) => Object.assign(document.createElement("li"), { textContent: one.name })));
    return "opened " + count;
  })();`,
);

const PAGES = { "/tools": TOOLS, "/prompts": PROMPTS, "/domains": DOMAINS, "/blank": page("", "") };

const server = http.createServer((request, response) => {
  const to = rewritten(request);
  if (to) return proxied(request, response, to);
  const path = new URL(request.url, "http://any").pathname;
  if (path.startsWith("/api/")) {  // what is not VITAL's stays where it was
    return response.writeHead(200, { "content-type": "application/json", ...hint(request) }).end('{"from": "the frontend"}');
  }
  const found = PAGES[path];
  response.writeHead(found ? 200 : 404, { "content-type": "text/html", ...hint(request) }).end(found ?? "");
});
server.listen(Number(process.argv[4]), "127.0.0.1", () => console.log(server.address().port));
