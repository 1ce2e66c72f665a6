/** How losses cluster: bursts and gaps of RFC 3611 4.7.2 and the burst ratio of ITU-T G.107. It is fed in order of sequence and knows no time. */

/** Received packets in a row that end a burst; the value RFC 3611 4.7.2 recommends. */
export const GMIN = 16

export interface BurstSummary {
  /** Lost or discarded packets inside bursts over packets inside bursts, 0 to 1; 0: there was no burst. */
  burstDensity: number
  /** The same outside of bursts. At most 1 / (Gmin + 1), but for a call too short to tell. */
  gapDensity: number
  /** Mean length in packets; 0: there was none. */
  burstLength: number
  gapLength: number
}

/** What patterns add up to. Each is one apart: no burst and no gap reaches from one into the next. */
export interface LossTotals {
  packets: number
  /** Lost and discarded. */
  missing: number
  /** Uninterrupted runs of them. */
  runs: number
  bursts: number
  burstPackets: number
  burstMissing: number
  gaps: number
}

export function noLossTotals(): LossTotals {
  return { packets: 0, missing: 0, runs: 0, bursts: 0, burstPackets: 0, burstMissing: 0, gaps: 0 }
}

export function burstSummary(totals: Readonly<LossTotals>): BurstSummary {
  const { packets, missing, bursts, burstPackets, burstMissing, gaps } = totals
  const gapPackets = packets - burstPackets
  return {
    burstDensity: ratio(burstMissing, burstPackets),
    gapDensity: ratio(missing - burstMissing, gapPackets),
    burstLength: ratio(burstPackets, bursts),
    gapLength: ratio(gapPackets, gaps),
  }
}

/**
 * ITU-T G.107 (7-30): mean length of the observed runs of missing packets over the mean length that random loss of the same rate would
 * have, 1 / (1 - rate). At least 1; 1 when nothing is missing.
 */
export function burstRatio(packets: number, missing: number, runs: number): number {
  if (missing <= 0 || runs <= 0) return 1
  return Math.max(1, (missing / runs) * (1 - missing / packets))
}

/**
 *     received ...  x  r r r  x x  r r r r ...        x = lost or discarded, r = received
 *     |--- gap ---| |-- burst --| |-- gap ---
 *
 * A burst is the longest run that begins and ends with x and holds no Gmin or more r in a row; everything else is gap. A single x
 * with Gmin r on either side is a loss inside a gap. Gmin r are assumed before the start and after the end.
 */
export class LossPattern {
  #packets = 0
  #missing = 0
  #runs = 0
  /** Received since the last missing packet, or since the start. */
  #receivedInRow = 0
  #clusterPackets = 0
  #clusterMissing = 0
  #bursts = 0
  #burstPackets = 0
  #burstMissing = 0
  #beginsWithBurst = false

  /** The next packet by sequence number. @param missing lost, or discarded by the jitter buffer */
  add(missing: boolean): void {
    this.#packets++
    if (!missing) {
      this.#receivedInRow++
      return
    }
    if (this.#missing === 0 || this.#receivedInRow > 0) this.#runs++
    this.#missing++
    if (this.#clusterMissing === 0 || this.#receivedInRow >= GMIN) {
      this.#closeCluster()
      this.#clusterPackets = 1
      this.#clusterMissing = 1
    } else {
      this.#clusterPackets += this.#receivedInRow + 1
      this.#clusterMissing++
    }
    this.#receivedInRow = 0
  }

  /** Adds the whole pattern: Gmin received are assumed after its end, so a cluster that is still open is complete. */
  addTo(totals: LossTotals): void {
    if (this.#packets === 0) return
    const open = this.#clusterMissing > 1 ? 1 : 0
    const bursts = this.#bursts + open
    totals.packets += this.#packets
    totals.missing += this.#missing
    totals.runs += this.#runs
    totals.bursts += bursts
    totals.burstPackets += this.#burstPackets + open * this.#clusterPackets
    totals.burstMissing += this.#burstMissing + open * this.#clusterMissing
    totals.gaps += bursts + 1 - this.#edgesWithoutGap()
  }

  clear(): void {
    this.copyFrom(EMPTY)
  }

  /** Becomes equal to `other`, so that a look at the tail of a stream changes nothing in it. */
  copyFrom(other: LossPattern): void {
    this.#packets = other.#packets
    this.#missing = other.#missing
    this.#runs = other.#runs
    this.#receivedInRow = other.#receivedInRow
    this.#clusterPackets = other.#clusterPackets
    this.#clusterMissing = other.#clusterMissing
    this.#bursts = other.#bursts
    this.#burstPackets = other.#burstPackets
    this.#burstMissing = other.#burstMissing
    this.#beginsWithBurst = other.#beginsWithBurst
  }

  /** How many of start and end lie in a burst. */
  #edgesWithoutGap(): number {
    const open = this.#clusterMissing > 1
    const startOfOpen = this.#packets - this.#receivedInRow - this.#clusterPackets
    const begins = this.#bursts > 0 ? this.#beginsWithBurst : open && startOfOpen === 0
    return (begins ? 1 : 0) + (open && this.#receivedInRow === 0 ? 1 : 0)
  }

  /** Called before the packet that opens the next cluster is counted in `#clusterPackets`, but after it is in `#packets`. */
  #closeCluster(): void {
    if (this.#clusterMissing < 2) return
    const start = this.#packets - 1 - this.#receivedInRow - this.#clusterPackets
    if (this.#bursts === 0) this.#beginsWithBurst = start === 0
    this.#bursts++
    this.#burstPackets += this.#clusterPackets
    this.#burstMissing += this.#clusterMissing
  }
}

const EMPTY = new LossPattern()

function ratio(part: number, whole: number): number {
  return whole === 0 ? 0 : part / whole
}
