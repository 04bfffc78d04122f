// Runs statecharts of the recorded vocabulary with XState. stdin: {op: "run", items}; stdout: one answer for each item.
//   run: {config, input?, snapshot?, events} -> {rows, snapshot}, or {unusable} where XState loses its way
// With no snapshot the chart starts, which gives a row of its own. Every row starts from the JSON of the one before.
const { and, assign, createActor, emit, enqueueActions, not, or, raise, setup, stateIn } = require('xstate');
const { answer } = require('./protocol.cjs');

const MOST_MICROSTEPS = 60;

const isObject = (value) => typeof value === 'object' && value !== null && !Array.isArray(value);
const asList = (value) => (Array.isArray(value) ? value : value === undefined ? [] : [value]);
const numberOrZero = (value) => (typeof value === 'number' ? value : 0);
const at = (value, path) => {
  const found = path.split('.').reduce((each, key) => (isObject(each) ? each[key] : undefined), value);
  return found === undefined ? null : found;
};
const mapValues = (object, change) => Object.fromEntries(Object.entries(object).map(([key, value]) => [key, change(value)]));

function fill(template, scope) {
  if (Array.isArray(template)) return template.map((part) => fill(part, scope));
  if (!isObject(template)) return template;
  const [key, ...others] = Object.keys(template);
  if (others.length === 0 && key in scope) return at(scope[key], template[key]);
  return mapValues(template, (part) => fill(part, scope));
}

const filled = ({ context, event }, { type, data = {} }) => ({ ...fill(data, { $ctx: context, $event: event }), type });

const vocabulary = setup({
  actions: {
    tick: assign(({ context }) => ({ ticks: numberOrZero(context.ticks) + 1 })),
    inc: assign(({ context }, { key, by = 1 }) => ({ [key]: numberOrZero(context[key]) + by })),
    set: assign((_, { key, value }) => ({ [key]: value })),
    push: assign(({ context }, { key, label }) => ({ [key]: [...(Array.isArray(context[key]) ? context[key] : []), label] })),
    copy: assign(({ event }, { key, from }) => ({ [key]: at(event, from) })),
    emit: emit(filled),
    raise: raise(filled),
    when: enqueueActions(({ check, enqueue }, params) => {
      for (const action of asList(check(guardOf(params.guard)) ? params.then : params.else)) enqueue(action);
    }),
  },
  guards: {
    yes: () => true,
    no: () => false,
    gt: ({ context }, { key, n }) => typeof context[key] === 'number' && context[key] > n,
    lt: ({ context }, { key, n }) => typeof context[key] === 'number' && context[key] < n,
    eq: ({ context }, { key, value }) => context[key] === value,
    has: ({ context }, { key }) => key in context,
    ev: ({ event }, { key, value }) => at(event, key) === value,
  },
});

function guardOf(guard) {
  switch (guard.type) {
    case 'and': return and(guard.params.guards.map(guardOf));
    case 'or': return or(guard.params.guards.map(guardOf));
    case 'not': return not(guardOf(guard.params.guard));
    case 'stateIn': return stateIn(guard.params.state);
    default: return guard;
  }
}

const transitionOf = (value) => (isObject(value) && value.guard ? { ...value, guard: guardOf(value.guard) } : value);
const transitionsOf = (value) => (Array.isArray(value) ? value.map(transitionOf) : transitionOf(value));

function stateOf(config) {
  const state = { ...config };
  for (const key of ['always', 'onDone']) if (key in config) state[key] = transitionsOf(config[key]);
  if (config.on) state.on = mapValues(config.on, transitionsOf);
  if (config.states) state.states = mapValues(config.states, stateOf);
  if ('output' in config) state.output = ({ context, event }) => fill(config.output, { $ctx: context, $event: event });
  return state;
}

const machineOf = (config) =>
  vocabulary.createMachine({
    ...stateOf(config),
    context: ({ input }) => fill(config.context ?? {}, { $input: input }),
    options: { maxIterations: 2 * MOST_MICROSTEPS },
  });

// XState reaches sets of active states that cannot be, where history leads a transition to a region that it or another
// one leaves. What follows from them is worth nothing.
function defect(nodes) {
  const active = new Set(nodes);
  for (const node of nodes) {
    const children = Object.values(node.states).filter((child) => child.type !== 'history');
    const count = children.filter((child) => active.has(child)).length;
    if (node.type === 'compound' && count > 1) return 'two siblings active';
    const wanted = node.type === 'parallel' ? children.length : Math.min(children.length, 1);
    if (count < wanted || (node.parent && !active.has(node.parent))) return 'a state left and not entered again';
  }
  return undefined;
}

class Unusable extends Error {}

function step(machine, options, event) {
  let microsteps = 0;
  let unusable;
  const inspect = ({ type, snapshot }) => {
    if (type !== '@xstate.microstep') return;
    microsteps += 1;
    if (snapshot.status === 'active') unusable ??= defect(snapshot._nodes);
  };
  const actor = createActor(machine, { ...options, inspect });
  const emitted = [];
  actor.on('*', (each) => emitted.push(each));
  actor.subscribe({ error: (error) => (unusable ??= error.message) });
  actor.start();
  if (event) actor.send(event);
  if (microsteps > MOST_MICROSTEPS) unusable = `more than ${MOST_MICROSTEPS} microsteps`;
  if (unusable) throw new Unusable(unusable);
  return [actor.getPersistedSnapshot(), emitted, [...actor.getSnapshot().tags]];
}

function run({ config, input, snapshot, events }) {
  const machine = machineOf(config);
  const rows = [];
  let stored = snapshot;
  const take = (options, event) => {
    const [persisted, emitted, tags] = step(machine, options, event);
    stored = JSON.parse(JSON.stringify(persisted));
    rows.push({ ...stored, emitted, tags });
  };
  try {
    if (!stored) take({ input: input ?? undefined });
    for (const event of events) take({ snapshot: stored }, event);
  } catch (error) {
    if (error instanceof Unusable) return { unusable: error.message };
    throw error;
  }
  return { rows, snapshot: stored };
}

answer({ run });
