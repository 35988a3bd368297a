// node_client — the same load as bench/client, by Node's own https.Agent, or by undici's Pool:
//   node node_client.js agent|undici URL SECONDS PARALLEL_COUNT [CA.pem]
const fs = require('fs');

const [kind, url, seconds, parallel, authorities] = process.argv.slice(2);
const parallelCount = Number(parallel);
const expected = 'Hello, world!';
const trust = {
  ca: authorities && fs.readFileSync(authorities),
  minVersion: 'TLSv1.3',
  ciphers: 'TLS_AES_128_GCM_SHA256',
};
let requestCount = 0, errorCount = 0, connectionCount = 0;

// Each answers a function that asks once and calls back with a status and a body.
const clients = {
  agent() {
    const scheme = require(url.startsWith('https:') ? 'https' : 'http');
    const agent = new scheme.Agent({keepAlive: true, maxSockets: parallelCount, ...trust});
    const connect = agent.createConnection;
    agent.createConnection = (...facts) => {
      ++connectionCount;
      return connect.apply(agent, facts);
    };
    const options = {...require('url').urlToHttpOptions(new URL(url)), agent};
    return done => {
      const request = scheme.get(options, answer => {
        let body = '';
        answer.setEncoding('latin1');
        answer.on('data', piece => { body += piece; });
        answer.on('end', () => done(answer.statusCode, body));
      });
      request.on('error', error => done(0, error.message));
    };
  },
  undici() {
    const {Pool} = require('undici');
    const {origin, pathname} = new URL(url);
    const pool = new Pool(origin, {connections: parallelCount, pipelining: 1, connect: trust});
    pool.on('connect', () => { ++connectionCount; });
    return done => pool.request({path: pathname, method: 'GET'})
      .then(async answer => done(answer.statusCode, await answer.body.text()))
      .catch(error => done(0, error.message));
  },
};

const ask = clients[kind]();
const started = process.hrtime.bigint();
let isOver = false;
let lanesLeftCount = parallelCount;
setTimeout(() => { isOver = true; }, Number(seconds) * 1000);

function end() {
  const taken = Number(process.hrtime.bigint() - started) / 1e9;
  console.log(`${requestCount} requests in ${taken.toFixed(3)} s, ${errorCount} errors, ` +
              `${connectionCount} connections`);
  process.exit(errorCount > 0 || requestCount === 0 ? 1 : 0);
}

function lane() {
  ask((status, body) => {
    if (status === 200 && body === expected) ++requestCount; else ++errorCount;
    if (!isOver) return lane();
    if (--lanesLeftCount === 0) end();
  });
}
for (let index = 0; index < parallelCount; ++index) lane();
