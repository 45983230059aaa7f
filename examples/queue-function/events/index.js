// A queue-triggered function that works on evergraph's events. It needs nothing but Node.
//
// The host has taken the base64 off a message, as host.json says, and parsed the JSON in it: an
// array of CloudEvents. When this function returns, the host deletes the message. When it throws,
// the message comes again, five times in all, and then goes to evergraph-events-poison.
"use strict";

module.exports = async function (context, events) {
  for (const event of events) await work(context, await whole(event));
};

// Your part. It may be called again with an event that it has worked on: where event.certain is
// true, a repeat has the same id, so keep the id with what you store.
async function work(context, event) {
  if (event.resync === "required") {
    context.log(`changes were missed, read everything again: ${event.subscription}`);
    return;
  }
  const changed = event.data.resourceData?.id ?? "?";
  context.log(`${event.id} ${event.type} ${event.subscription} ${event.subject} (${changed})`);
}

// The event with its data: that of a large one lies in a blob.
async function whole(event) {
  if (!event.dataref) return event;
  const { url, headers } = await readable(event.dataref);
  const answer = await fetch(url, { headers });
  if (!answer.ok) throw new Error(`${event.dataref} answered ${answer.status}`);
  return { ...event, data: await answer.json() };
}

// With a SAS in the setting CLAIMS_SAS, else with the identity of the app, which needs the role
// Storage Blob Data Reader. The identity endpoint is the platform's:
// learn.microsoft.com/azure/app-service/overview-managed-identity
async function readable(url) {
  const { CLAIMS_SAS, IDENTITY_ENDPOINT, IDENTITY_HEADER } = process.env;
  if (CLAIMS_SAS) return { url: `${url}?${CLAIMS_SAS}`, headers: {} };
  const query = "?api-version=2019-08-01&resource=https://storage.azure.com/";
  const headers = { "X-IDENTITY-HEADER": IDENTITY_HEADER };
  const answer = await fetch(IDENTITY_ENDPOINT + query, { headers });
  if (!answer.ok) throw new Error(`the identity of the app gave no token: ${answer.status}`);
  const { access_token } = await answer.json();
  return { url, headers: { Authorization: `Bearer ${access_token}`, "x-ms-version": "2024-11-04" } };
}
