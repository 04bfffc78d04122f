// The npm packages' side of the benchmark: the cases of ours.py, written as a user of those packages writes them.
// Speaks the line protocol of protocol.py. WITH_SDK=1 registers an OpenTelemetry SDK that records spans and drops them.
const { readFileSync } = require('node:fs');
const { join } = require('node:path');
const { deflateSync } = require('node:zlib');

const withSdk = process.env.WITH_SDK === '1';
if (withSdk) {
  const { BasicTracerProvider } = require('@opentelemetry/sdk-trace-base');
  const { AsyncLocalStorageContextManager } = require('@opentelemetry/context-async-hooks');
  new BasicTracerProvider().register({ contextManager: new AsyncLocalStorageContextManager().enable() });
}
// Without an SDK these packages print every log entry; a benchmark of the console is not what we want.
console.log = () => {};

const { z } = require('zod');
const { ArvoEvent, createArvoContract, createArvoEventFactory } = require('arvo-core');
const { createArvoEventHandler } = require('arvo-event-handler');
const { serve } = require('./protocol.cjs');

const template = JSON.parse(readFileSync(join(__dirname, 'event.json'), 'utf8'));

const address = z.object({ street: z.string(), city: z.string(), postcode: z.string(), country: z.string() });
const line = z.object({ sku: z.string(), title: z.string(), quantity: z.number().int(), unit_cents: z.number().int() });
const contract = createArvoContract({
  uri: '#/services/order.place',
  type: 'com.order.place',
  versions: {
    '1.0.0': {
      accepts: z.object({
        order_id: z.string(),
        customer: z.object({ name: z.string(), email: z.string(), address }),
        lines: z.array(line),
        express: z.boolean(),
        notes: z.string(),
      }),
      emits: {
        'evt.order.place.success': z.object({
          order_id: z.string(),
          total_cents: z.number().int(),
          line_count: z.number().int(),
        }),
      },
    },
  },
});
const factory = createArvoEventFactory(contract.version('1.0.0'));
const handler = createArvoEventHandler({
  contract,
  executionunits: 1,
  handler: {
    '1.0.0': async ({ event }) => {
      let total = 0;
      for (const each of event.data.lines) total += each.quantity * each.unit_cents;
      return {
        type: 'evt.order.place.success',
        data: { order_id: event.data.order_id, total_cents: total, line_count: event.data.lines.length },
      };
    },
  },
});

const parse = (text) => {
  const parsed = JSON.parse(text);
  return new ArvoEvent(parsed, parsed.data);
};
const request = (data) => factory.accepts({ source: template.source, data });
const requestIn = (subject, data) => factory.accepts({ source: template.source, subject, data });

const id = (index) => `9f1b2c3d-4e5f-4a6b-8c7d-${String(index).padStart(12, '0')}`;
const fields = (index) => ({ ...template.data, order_id: id(index) });
const subjects = Array.from({ length: 5000 }, (_, index) => {
  const execution = { id: id(index), initiator: 'com.web.checkout', domain: null };
  const content = { orchestrator: { name: template.source, version: '1.0.0' }, execution, meta: {} };
  return deflateSync(JSON.stringify(content)).toString('base64');
});
const text = (index) => JSON.stringify({ ...template, id: id(index), subject: subjects[index % subjects.length] });

const cases = {
  factory: { prepare: fields, run: request },
  factory_in_subject: {
    prepare: (index) => [subjects[index % subjects.length], fields(index)],
    run: ([subject, data]) => requestIn(subject, data),
  },
  handle: { prepare: (index) => parse(text(index)), runAsync: async (event) => (await handler.execute(event))[0] },
  parse: { prepare: text, run: parse },
  parse_and_read: { prepare: text, run: (each) => { const event = parse(each); return event.data.lines.length && event; } },
  serialise: { prepare: (index) => requestIn(subjects[index % subjects.length], fields(index)), run: (event) => event.toString() },
  hop: { prepare: text, runAsync: async (each) => (await handler.execute(parse(each)))[0].toString() },
};

serve(cases, ['arvo-core', 'arvo-event-handler']);
