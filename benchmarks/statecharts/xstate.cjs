// XState's side: the charts of charts.json, restored into an actor for each event, which is how the npm packages use it.
const { readFileSync } = require('node:fs');
const { join } = require('node:path');
const { assign, createActor, emit, setup } = require('xstate');
const { serve } = require('../protocol.cjs');

const documents = JSON.parse(readFileSync(join(__dirname, 'charts.json'), 'utf8'));
const implementations = setup({
  guards: { counted: ({ context }) => context.n >= 0 },
  actions: {
    count: assign({ n: ({ context }) => context.n + 1 }),
    announce: emit({ type: 'announced' }),
  },
});
const EVENT = { type: 'go' };
const SHOWN_EVENTS = 7;

function chart(document) {
  const machine = implementations.createMachine(document);
  let text = JSON.stringify(createActor(machine).start().getPersistedSnapshot());
  const take = () => {
    const actor = createActor(machine, { snapshot: JSON.parse(text) });
    const emitted = [];
    actor.on('*', (each) => emitted.push(each));
    actor.start();
    actor.send(EVENT);
    text = JSON.stringify(actor.getPersistedSnapshot());
    return emitted;
  };
  const trace = () => {
    const rows = [];
    for (let number = 0; number < SHOWN_EVENTS; number += 1) {
      const emitted = take();
      const { context, value } = JSON.parse(text);
      rows.push({ states: innermost(value).sort(), n: context.n, emitted });
    }
    return JSON.stringify({ rows });
  };
  return { take, trace };
}

const innermost = (value) => (typeof value === 'string' ? [value] : Object.values(value).flatMap(innermost));

const cases = {};
for (const [name, document] of Object.entries(documents)) {
  cases[name] = { prepare: (number) => number, run: chart(document).take };
  cases[`${name}_trace`] = { prepare: () => undefined, run: chart(document).trace };
}
serve(cases, ['xstate']);
