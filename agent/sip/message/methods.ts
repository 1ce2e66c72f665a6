/** The methods that are registered for SIP; which of them an engine answers is not said here. */

/** RFC 3261 to 6086, by the registry of IANA. */
export const METHODS: ReadonlySet<string> = new Set([
  ...['INVITE', 'ACK', 'BYE', 'CANCEL', 'OPTIONS', 'REGISTER', 'PRACK', 'UPDATE'],
  ...['INFO', 'MESSAGE', 'REFER', 'SUBSCRIBE', 'NOTIFY', 'PUBLISH'],
])
