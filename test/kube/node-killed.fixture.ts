/** Starts a node and is killed, as a test can be; what must be left of it is nothing. */
import { startCluster } from './cluster.ts'

await startCluster({ level: 'node' })
process.kill(process.pid, 'SIGKILL')
