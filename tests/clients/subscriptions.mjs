// Walks through the subscriptions API with Microsoft's own JavaScript SDK. Arguments: the root
// address of the simulated Graph, and the address of an endpoint that echoes handshakes.
// Prints one JSON object with what the SDK made of the answers.
import {
  Client,
  HTTPMessageHandler,
  PageIterator,
  RetryHandler,
  RetryHandlerOptions,
} from "@microsoft/microsoft-graph-client";

const [baseUrl, endpoint] = process.argv.slice(2);

// The SDK's own authentication handler sends no token over plain http, whatever customHosts
// says; an own link in the chain does.
class TokenHandler {
  async execute(context) {
    context.options.headers = { ...context.options.headers, Authorization: "Bearer any-token" };
    return this.next.execute(context);
  }
  setNext(next) {
    this.next = next;
  }
}

const token = new TokenHandler();
const retry = new RetryHandler(new RetryHandlerOptions());
token.setNext(retry);
retry.setNext(new HTTPMessageHandler());
const client = Client.initWithMiddleware({ baseUrl, middleware: token });

const clock = await (await fetch(`${baseUrl}/_sim/clock`)).json();
const inHours = (hours) => new Date(Date.parse(clock.now) + hours * 3_600_000).toISOString();
const wish = (user) => ({
  changeType: "created,updated",
  notificationUrl: `${endpoint}/n`,
  lifecycleNotificationUrl: `${endpoint}/l`,
  resource: `/users/${user}/messages`,
  expirationDateTime: inHours(24),
  clientState: "secret",
});
const refusal = async (call) => {
  try {
    await call();
    return null;
  } catch (error) {
    return { statusCode: error.statusCode, code: error.code, message: error.message };
  }
};

const seen = {};
const created = [];
for (const user of ["a", "b", "c"]) {
  created.push(await client.api("/subscriptions").post(wish(user)));
}
seen.created = created;
seen.duplicate = await refusal(() => client.api("/subscriptions").post(wish("a")));
seen.wrong = await refusal(() =>
  client.api("/subscriptions").post({ ...wish("d"), expirationDateTime: inHours(24 * 30) }));

seen.listed = [];
const first = await client.api("/subscriptions").get();
await new PageIterator(client, first, (row) => {
  seen.listed.push(row.id);
  return true;
}).iterate();

const path = `/subscriptions/${created[0].id}`;
const later = inHours(48);
seen.later = later;
seen.renewed = await client.api(path).patch({ expirationDateTime: later });
seen.read = await client.api(path).get();
await client.api(`${path}/reauthorize`).post({});
// The SDK retries 429 by itself, after the seconds of Retry-After.
await fetch(`${baseUrl}/_sim/faults`, {
  method: "POST",
  body: JSON.stringify({ operation: "get", effect: { answer: { status: 429, retry_after: "1" } } }),
});
seen.retried = (await client.api(path).get()).id;
await client.api(path).delete();
seen.gone = await refusal(() => client.api(path).get());

// Without a token of its own, the SDK as it comes out of the box needs the anonymous switch.
const plain = Client.init({ baseUrl, authProvider: (done) => done(null, "unused") });
seen.tokenless = await refusal(() => plain.api("/subscriptions").get());
await fetch(`${baseUrl}/_sim/settings`, {
  method: "PATCH",
  body: JSON.stringify({ tokens: { anonymous: true } }),
});
seen.anonymous = (await plain.api("/subscriptions").get()).value.length;
console.log(JSON.stringify(seen));
