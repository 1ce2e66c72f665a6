/** The ACK of a 2xx (RFC 3261 13.2.2.4): a request of its own inside the dialog. It confirms nothing in our own books. */
import { finish } from '../transport/build.ts'
import { reach, reachNow } from '../locate/approach.ts'
import type { Dialog, SentInvite } from './dialog.ts'
import type { Flow } from '../transport/flow.ts'
import type { Session } from './session.ts'
import { TRANSACTION_TIMEOUT } from '../transaction/timers.ts'

/**
 * Sends it with the credentials of its INVITE (22.1), and with our answer when the 2xx had the offer.
 * Calling the result sends it again, for a 2xx that came again.
 */
export function acknowledge(
  session: Session,
  { sequence, credentials }: Pick<SentInvite, 'sequence' | 'credentials'>,
  body = '',
): () => void {
  const { core, dialog, journal } = session
  let sent: { flow: Flow; text: string } | undefined
  const send = (flow: Flow): void => {
    const ack = dialog.request('ACK', sequence)
    for (const [name, value] of credentials) ack.headers.add(name, value)
    const { text } = finish(core, flow, { ...ack, body })
    sent = { flow, text }
    transmit(sent, false)
  }
  const transmit = ({ flow, text }: { flow: Flow; text: string }, again: boolean): void => {
    journal.sent(text, flow, again)
    flow.send(text)
  }
  const { nextHop } = dialog
  const now = leadsTo(session.flow, nextHop) ? session.flow : reachNow(core, nextHop)
  if (now) send(now)
  else {
    // When it cannot be reached the peer gives up by itself: it sends its 2xx again until 64*T1 and then BYE.
    session.acknowledging = reach(core, nextHop, { timeout: TRANSACTION_TIMEOUT }).then((reached) => {
      delete session.acknowledging
      if (reached.kind === 'Reached') send(reached.flow)
    })
  }
  return () => sent && transmit(sent, true)
}

/** The connection that the 2xx came over is the one that leads to the next hop. */
function leadsTo({ open, reliable, remote }: Flow, { host, port, transport }: Dialog['nextHop']): boolean {
  return reliable && open && remote.host === host && remote.port === port && remote.transport === transport
}
