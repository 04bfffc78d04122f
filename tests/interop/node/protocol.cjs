// One JSON document in, one out: {op, items} -> [answer, ...]. Any exception ends the process with its stack.
const { readFileSync } = require('node:fs');

// The packages log to stdout, which is for the answer.
console.log = console.error;

function answer(operations) {
  const { op, items } = JSON.parse(readFileSync(0, 'utf8'));
  process.stdout.write(JSON.stringify(items.map((item) => operations[op](item))));
}

module.exports = { answer };
