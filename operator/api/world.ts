/** What the API reads and the one thing that it can set going; given to it from outside, so that it knows no reconciler. */
import type { TracedMessage } from '../../agent/index.ts'
import type { Cluster, Key } from '../cluster/cluster.ts'
import type { History } from '../history/index.ts'
import type { Mask } from './views.ts'

export interface World {
  cluster: Pick<Cluster, 'list' | 'get' | 'problems'>
  history: Pick<History, 'executions' | 'execution' | 'executionById' | 'transitions'> & {
    outbox: Pick<History['outbox'], 'list' | 'get' | 'attempts'>
  }
  /** Starts a round of a probe at once; undefined: it cannot run, its status says why. */
  runNow(key: Key): Promise<{ executionId: string } | undefined>
  /** Sends a delivery once more. */
  replay(delivery: number): ReturnType<History['outbox']['replay']>
  /** The messages of an execution as a ladder diagram in text. */
  renderLadder(trace: { messages: readonly TracedMessage[]; truncated: boolean }): string
  /** The same as a pcap file. */
  renderPcap(trace: { messages: readonly TracedMessage[] }): Buffer
  mask: Mask
}
