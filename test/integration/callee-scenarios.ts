/** What SIPp does as a callee in tests, one short scenario each, written to a folder; starting SIPp is sipp.ts. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

const BUSY = `${receive('INVITE')}${respond('486 Busy Here')}${receive('ACK')}`

const RINGING = `${receive('INVITE')}${respond('180 Ringing')}${receive('CANCEL')}${respond('200 OK')}`

/** Takes the INVITE and never says a word. */
const SILENT = `${receive('INVITE')}<pause milliseconds="60000" />`

const NOT_ACCEPTABLE = `${receive('INVITE')}${respond('488 Not Acceptable Here')}${receive('ACK')}`

/** Answers and hangs up after half a second, straight to the contact of the caller. */
const HANGS_UP = `${receive('INVITE')}${answer()}
  <recv request="ACK">
    <action>
      <ereg regexp=".*" search_in="hdr" header="From:" assign_to="remote" />
      <ereg regexp=".*" search_in="hdr" header="To:" assign_to="own" />
    </action>
  </recv>
  <pause milliseconds="500" />
  ${send(`BYE [next_url] SIP/2.0
      Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
      Max-Forwards: 70
      From:[$own]
      To:[$remote]
      Call-ID: [call_id]
      CSeq: 1 BYE
      Reason: Q.850;cause=16;text="Normal call clearing"
      Content-Length: 0`)}
  <recv response="200" />`

/**
 * SIPp's own `uas` forgets the Record-Route: behind a proxy its answer to BYE then goes astray. It rings for a while: the processes of
 * a proxy overtake each other.
 */
const ANSWERS = `${receive('INVITE')}${respond('180 Ringing')}<pause milliseconds="200" />${answer()}${receive('ACK')}${receive('BYE')}${respond('200 OK')}`

/** A call as it should be, but for its end. */
const BAD_GOODBYE = `${receive('INVITE')}${answer()}${receive('ACK')}${receive('BYE')}${respond('481 Call Does Not Exist')}`

/** A call as it should be, but for a codec that nobody offered. */
const OTHER_CODEC = `${receive('INVITE')}${answer(18, 'G729')}${receive('ACK')}${receive('BYE')}${respond('200 OK')}`

/** A call as it should be, and no word to its BYE. */
const NO_GOODBYE = `${receive('INVITE')}${answer()}${receive('ACK')}${receive('BYE')}<pause milliseconds="60000" />`

const REFUSES_REGISTER = `${receive('REGISTER')}${respond('403 Forbidden')}`

const scenarios = {
  answers: ANSWERS,
  busy: BUSY,
  ringing: RINGING,
  silent: SILENT,
  'not-acceptable': NOT_ACCEPTABLE,
  'hangs-up': HANGS_UP,
  'bad-goodbye': BAD_GOODBYE,
  'no-goodbye': NO_GOODBYE,
  'other-codec': OTHER_CODEC,
  'refuses-register': REFUSES_REGISTER,
}

export type CalleeScenario = keyof typeof scenarios

/** The path of a scenario file, written to `folder`. */
export function writeScenario(name: CalleeScenario, folder: string): string {
  const path = join(folder, `${name}.xml`)
  writeFileSync(
    path,
    `<?xml version="1.0" encoding="UTF-8"?>\n<scenario name="${name}">\n${scenarios[name]}\n</scenario>\n`,
  )
  return path
}

/** The same of one that answers every `method` with `status`, as `486 Busy Here`, and takes an ACK for it. */
export function writeResponse(method: 'INVITE' | 'REGISTER', status: string, folder: string): string {
  const path = join(folder, 'response.xml')
  const acknowledged = method === 'INVITE' && !status.startsWith('1') ? receive('ACK') : ''
  const scenario = `${receive(method)}${respond(status)}${acknowledged}<timewait milliseconds="300" />`
  writeFileSync(path, `<?xml version="1.0" encoding="UTF-8"?>\n<scenario name="response">\n${scenario}\n</scenario>\n`)
  return path
}

function receive(method: string): string {
  return `  <recv request="${method}" rrs="true" />\n`
}

function respond(status: string): string {
  return send(`SIP/2.0 ${status}
      [last_Via:]
      [last_Record-Route:]
      [last_From:]
      [last_To:];tag=[pid]-[call_number]
      [last_Call-ID:]
      [last_CSeq:]
      Contact: <sip:[local_ip]:[local_port];transport=[transport]>
      Content-Length: 0`)
}

/** With one codec, and the port where SIPp echoes. */
function answer(payloadType = 0, codec = 'PCMU'): string {
  return `  <send retrans="500"><![CDATA[
      SIP/2.0 200 OK
      [last_Via:]
      [last_Record-Route:]
      [last_From:]
      [last_To:];tag=[pid]-[call_number]
      [last_Call-ID:]
      [last_CSeq:]
      Contact: <sip:[local_ip]:[local_port];transport=[transport]>
      Content-Type: application/sdp
      Content-Length: [len]

      v=0
      o=- 1 1 IN IP4 [local_ip]
      s=-
      c=IN IP4 [media_ip]
      t=0 0
      m=audio [media_port] RTP/AVP ${payloadType}
      a=rtpmap:${payloadType} ${codec}/8000

  ]]></send>
`
}

function send(message: string): string {
  return `  <send><![CDATA[
      ${message}

  ]]></send>
`
}
