// The node side of the line protocol of protocol.py: cases are {prepare, run} or {prepare, runAsync}.
const { createInterface } = require('node:readline');

const CHUNK = 500;
let sink;

async function measure({ prepare, run, runAsync }, iterations) {
  let nanoseconds = 0n;
  for (let done = 0; done < iterations; done += CHUNK) {
    const count = Math.min(CHUNK, iterations - done);
    const items = Array.from({ length: count }, (_, index) => prepare(done + index));
    const start = process.hrtime.bigint();
    if (runAsync) for (let i = 0; i < count; i += 1) sink = await runAsync(items[i]);
    else for (let i = 0; i < count; i += 1) sink = run(items[i]);
    nanoseconds += process.hrtime.bigint() - start;
  }
  return { nanoseconds: Number(nanoseconds) };
}

async function show({ prepare, run, runAsync }) {
  const made = await (runAsync || run)(prepare(0));
  return { event: typeof made === 'string' ? JSON.parse(made) : made.toJSON() };
}

async function serve(cases, packages) {
  const say = (answer) => process.stdout.write(`${JSON.stringify(answer)}\n`);
  const versions = packages.map((name) => `${name} ${require(`${name}/package.json`).version}`);
  say({ runtime: `node ${process.versions.node}`, versions });
  for await (const asked of createInterface({ input: process.stdin })) {
    const question = JSON.parse(asked);
    say(question.show ? await show(cases[question.show]) : await measure(cases[question.case], question.iterations));
  }
}

module.exports = { serve };
