/**
 * Node's HTTP modules. Not by `import`, which reads every export: one of them is a getter that loads a second HTTP client, 40 ms of
 * CPU at each start.
 */
export const http = process.getBuiltinModule('node:http');
export const https = process.getBuiltinModule('node:https');
