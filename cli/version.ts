/** The version of this checkout or package, and how it names itself to a peer. */
import packageFile from '../package.json' with { type: 'json' }

export const VERSION: string = packageFile.version

/** User-Agent of SIP requests. */
export const USER_AGENT = `ringcheck/${VERSION}`
