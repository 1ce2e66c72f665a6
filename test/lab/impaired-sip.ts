/** The impairment relay on the path of SIP: requests inside a dialog, which follow the addresses in headers, pass through it as well. */
import { type Addresses, impairmentRelay, type Relay, type RelayOptions, type Side } from './impairment.ts'

/** Ports of five digits keep every length as it is, that of a body too. */
export function impairedSip(options: Omit<RelayOptions, 'translate'>): Promise<Relay> {
  return impairmentRelay({ ...options, translate: withPortsOfTheRelay })
}

/** A peer names itself by the port of its stand-in, and the other by its own. */
function withPortsOfTheRelay(bytes: Buffer, from: Side, { peers, standIns }: Addresses): Buffer {
  const to = from === 'left' ? 'right' : 'left'
  const translated = new Map([
    [peers[from], standIns[from]],
    [standIns[to], peers[to]],
  ])
  const text = bytes.toString('latin1')
  return Buffer.from(
    text.replaceAll(/:(\d{1,5})\b/g, (whole, port: string) => {
      const other = translated.get(Number(port))
      return other === undefined ? whole : `:${other}`
    }),
    'latin1',
  )
}
