/** Who begins the DTLS handshake, from `a=setup` of offer and answer (RFC 4145 4, RFC 5763 5); it reads and writes no SDP. */

export type DtlsSide = 'Client' | 'Server'
export type Setup = 'active' | 'passive' | 'actpass' | 'holdconn'

/**
 * What an answerer writes. To an offer that leaves it open we begin: the handshake is then under way when the answer arrives.
 * @param offered absent: active, the default of RFC 4145 4.1
 */
export function answeredSetup(offered: Setup | undefined): 'active' | 'passive' | undefined {
  switch (offered) {
    case 'actpass':
    case 'passive':
      return 'active'
    case 'active':
    case undefined:
      return 'passive'
    case 'holdconn':
      return undefined
  }
}

/**
 * Our side of the handshake. The offerer follows the answer, so that what it offered does not matter.
 * @param answered `a=setup` of the answer, whoever wrote it; absent: passive, the default of RFC 4145 4.1
 * @returns undefined: the answer leaves it open, or wants no connection
 */
export function sideOf(role: 'Offerer' | 'Answerer', answered: Setup | undefined): DtlsSide | undefined {
  switch (answered) {
    case 'active':
      return role === 'Answerer' ? 'Client' : 'Server'
    case 'passive':
    case undefined:
      return role === 'Answerer' ? 'Server' : 'Client'
    case 'actpass':
    case 'holdconn':
      return undefined
  }
}
