// SPDX-License-Identifier: MIT
// load.js <06_payments_server> memory|sqlite|postgres|redis <servers> <kills>
//
// 500 commands from eight workers, sent by Stripe's SDK with its own retries, to servers that fail, drop replies, and are
// killed with SIGKILL and started again. In the end the ledger has each command once, with the id that the client was
// told; and every replay is the same, byte for byte.
'use strict';

const assert = require('node:assert/strict');
const {createHash} = require('node:crypto');
const fs = require('node:fs');
const http = require('node:http');
const os = require('node:os');
const path = require('node:path');
const Stripe = require('stripe');
const {Server} = require('./servers.js');

const [program, kind, serverCount, kills] =
    [process.argv[2], process.argv[3], Number(process.argv[4]), Number(process.argv[5])];
const scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'payments_stripe.'));
process.on('exit', () => fs.rmSync(scratch, {recursive: true}));
const store = {
  memory: 'memory',
  sqlite: `sqlite:${scratch}/payments.db`,
  postgres: `postgres:${process.env.NEXUS_IDEMPOTENCY_POSTGRES}`,
  redis: `redis:${process.env.NEXUS_IDEMPOTENCY_REDIS}`,
}[kind];
const commandCount = 500;
const workerCount = 8;

// Two tenants that use the same keys, and three resources.
const credentials = ['sk_test_first', 'sk_test_second'];
const resources = ['charges', 'paymentIntents', 'customers'];
const paths = {charges: '/v1/charges', paymentIntents: '/v1/payment_intents', customers: '/v1/customers'};
const commands = Array.from({length: commandCount}, (_, i) => {
  const resource = resources[i % resources.length];
  return {
    credential: credentials[i % 2],
    key: `order-${Math.floor(i / 2)}`,
    resource,
    path: paths[resource],
    parameters: {
      description: `the command ${i}, with "quotes", ümlauts & such`,
      metadata: {order: String(i), note: 'x'.repeat(i % 50)},
      ...(resource === 'customers' ? {} : {amount: 100 + i, currency: 'eur'}),
    },
  };
});
const nameOf = (tenant, operation, key) => JSON.stringify([tenant, operation, key]);
const nameOfCommand = (command) =>
    nameOf('sha256:' + createHash('sha256').update(command.credential).digest('hex').slice(0, 32),
           `POST ${command.path}`, command.key);

async function main() {
  const options = ['--store', store, '--delay-ms', '5', '--fail-rate', '0.1', '--drop-reply-rate', '0.1'];
  // What a killed server held is free after a second. A server that lives never needs that long;
  // and if it did, its transaction would not be committed.
  if (kills > 0) options.push('--lease-ms', '1000');
  else options.push('--lease-ms', '120000');
  const servers = Array.from({length: serverCount}, () => new Server(program, options));
  for (const server of servers) await server.start();

  let requests = 0;
  const clients = servers.map(
      (server) => new Map(credentials.map((credential) => {
        const stripe = new Stripe(credential, {
          host: '127.0.0.1',
          port: server.port,
          protocol: 'http',
          maxNetworkRetries: 60,
          timeout: 30000,
          telemetry: false,
        });
        stripe.on('request', () => ++requests);
        return [credential, stripe];
      })));
  const send = (command, server) => clients[server].get(command.credential)[command.resource].create(
      command.parameters, {idempotencyKey: command.key});

  let next = 0;
  let done = 0;
  let doubles = 0;
  const work = async () => {
    while (next < commandCount) {
      const i = next++;
      const command = commands[i];
      // Every fifth is submitted twice at once; with several servers, to two of them.
      const copies = i % 5 === 0 ? [i, i + 1] : [i];
      doubles += copies.length - 1;
      const results = await Promise.all(copies.map((copy) => send(command, copy % serverCount)));
      for (const result of results) {
        assert.equal(result.object, 'charge', JSON.stringify(result));
        assert.equal(result.id, results[0].id);
      }
      command.text = JSON.stringify(results[0]);
      command.id = results[0].id;
      ++done;
    }
  };

  let killed = 0;
  const killer = async () => {
    while (killed < kills) {
      if (done < (killed + 1) * commandCount / (kills + 2)) {
        await new Promise((wake) => setTimeout(wake, 5));
        continue;
      }
      const server = servers[killed % serverCount];
      await server.kill();
      ++killed;
      await server.start();
    }
  };
  await Promise.all([killer(), ...Array.from({length: workerCount}, work)]);
  assert.equal(done, commandCount);
  assert.ok(requests > commandCount + doubles + 20, 'there were hardly any retries: nothing was tried');

  const rows = new Map();
  for (const row of JSON.parse((await raw(servers[0].port, 'GET', '/v1/ledger')).body).data) {
    const name = nameOf(row.tenant, row.operation, row.key);
    assert.ok(!rows.has(name), `executed twice: ${name}`);
    rows.set(name, row);
  }
  assert.equal(rows.size, commandCount);
  for (const command of commands) {
    assert.equal(rows.get(nameOfCommand(command))?.id, command.id);
  }

  let replays = 0;
  for (const command of commands) {
    for (let copy = 0; copy < 2; ++copy) {
      const reply = await raw(servers[copy % serverCount].port, 'POST', command.path, {
        'Authorization': `Bearer ${command.credential}`,
        'Idempotency-Key': command.key,
        'Content-Type': 'application/x-www-form-urlencoded',
      }, rows.get(nameOfCommand(command)).body);
      assert.equal(reply.status, 200);
      assert.equal(reply.headers['idempotent-replayed'], 'true');
      assert.equal(reply.headers['content-type'], 'application/json');
      assert.equal(reply.body, command.text);
      ++replays;
    }
  }
  for (const server of servers) {
    const {data} = JSON.parse((await raw(server.port, 'GET', '/v1/ledger')).body);
    assert.equal(data.length, commandCount);
  }
  for (const server of servers) await server.stop();
  console.log(`${kind}, ${serverCount} server(s) killed ${killed} times: ${commandCount} commands, ` +
              `${doubles} submitted twice, ${requests} requests; ${rows.size} rows, ${replays} replays byte-identical`);
}

// One request without the SDK, on a connection of its own.
function raw(port, method, path, headers = {}, body = '') {
  return new Promise((resolve, reject) => {
    const request = http.request({host: '127.0.0.1', port, method, path, headers, agent: false}, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (piece) => text += piece);
      response.on('end', () => resolve({status: response.statusCode, headers: response.headers, body: text}));
      response.on('error', reject);
    });
    request.on('error', reject);
    request.end(method === 'GET' ? undefined : body);
  });
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
