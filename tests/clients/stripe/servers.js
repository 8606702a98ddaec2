// SPDX-License-Identifier: MIT
// The payments servers: started, killed, started again on the port that they had.
'use strict';

const {spawn} = require('node:child_process');
const {once} = require('node:events');
const {createInterface} = require('node:readline');

class Server {
  constructor(program, options) {
    this.program = program;
    this.options = options;
    this.port = 0;
  }

  // Returns: whether it listens. It may not get its port at once.
  async tryToStart() {
    // It ends with this process, however that ends.
    this.child = spawn(
        'setpriv', ['--pdeathsig', 'KILL', this.program, '--port', String(this.port), ...this.options],
        {stdio: ['ignore', 'pipe', 'inherit']});
    this.ended = once(this.child, 'exit');
    const lines = createInterface({input: this.child.stdout});
    const first = await Promise.race([once(lines, 'line'), this.ended.then(() => null)]);
    const port = first && /^listening on 127\.0\.0\.1:(\d+)$/.exec(first[0]);
    if (!port) return false;
    this.port = Number(port[1]);
    return true;
  }

  async start() {
    for (let tries = 0; tries < 100; ++tries) {
      if (await this.tryToStart()) return;
      await new Promise((wake) => setTimeout(wake, 100));
    }
    throw new Error('the server does not start');
  }

  async kill() {
    this.child.kill('SIGKILL');
    await this.ended;
  }

  async stop() {
    this.child.kill('SIGTERM');
    const [code] = await this.ended;
    if (code !== 0) throw new Error(`the server ended with ${code}`);
  }
}

module.exports = {Server};
