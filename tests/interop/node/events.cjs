// Makes and reads events with the published package. stdin: {op, items}; stdout: one answer for each item.
//   make:  items are {event, extensions} for createArvoEvent      -> the event's JSON text
//   read:  items are JSON texts of events, read as a 2.x process does -> the event's JSON text
//   carry: like read, but with attributes that 2.x does not know kept as extensions, as CloudEvents allows
const { ArvoEvent, createArvoEvent } = require('arvo-core');
const { answer } = require('./protocol.cjs');

const CONTEXT = new Set([
  'id', 'source', 'specversion', 'type', 'subject', 'datacontenttype', 'dataschema', 'time',
  'to', 'accesscontrol', 'redirectto', 'executionunits', 'traceparent', 'tracestate',
]);
const NEWER_THAN_2 = new Set(['parentid', 'domain']);

function read(text, keepNewer) {
  const { data, ...attributes } = JSON.parse(text);
  const context = {};
  const extensions = {};
  for (const [name, value] of Object.entries(attributes)) {
    if (CONTEXT.has(name)) context[name] = value;
    else if (keepNewer || !NEWER_THAN_2.has(name)) extensions[name] = value;
  }
  return new ArvoEvent(context, data, extensions).toString();
}

answer({
  make: ({ event, extensions }) => createArvoEvent(event, extensions, { disable: true }).toString(),
  read: (text) => read(text, false),
  carry: (text) => read(text, true),
});
