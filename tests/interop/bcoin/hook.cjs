// Lets bcoin 1.0.2 run on a Node.js that its native `leveldown` does not build for: the module is replaced, never used.
// Load it with `node --require`; databases must be in memory (`--memory=true`).

'use strict';

const Module = require('module');

class NoLevelDown {
  constructor() {
    throw new Error('leveldown is not available here: run bcoin with --memory=true');
  }
}

const load = Module._load;

Module._load = function (request, parent, isMain) {
  return request === 'leveldown' ? NoLevelDown : load.call(this, request, parent, isMain);
};
