// Makes and reads subjects with the published package. stdin: {op, items}; stdout: one answer for each item.
//   make:  items are subject contents           -> the subject
//   child: items are {subject, name, version, meta} -> the subject of a child execution
//   read:  items are subjects                   -> their contents
const { ArvoOrchestrationSubject } = require('arvo-core');
const { answer } = require('./protocol.cjs');

answer({
  make: (content) => ArvoOrchestrationSubject.create(content),
  child: ({ subject, name, version, meta }) =>
    ArvoOrchestrationSubject.from({ subject, orchestator: name, version, meta }),
  read: (subject) => ArvoOrchestrationSubject.parse(subject),
});
